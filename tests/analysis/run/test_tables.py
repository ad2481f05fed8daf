"""Tables of a run: parts that are written alone, read as one, and never disturb each other."""

import multiprocessing
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.run.folder import Run, claim
from analysis.run.study import Study
from analysis.run.tables import part_file
from data_prep.errors import UserError
from data_prep.files.sealed import sealed_parquet

KEY = ["attribute", "readout"]


@pytest.fixture
def run(tmp_path) -> Run:
    return claim(tmp_path / "run", Study(), model_revision="sha256:1", data_fingerprint="f" * 64)


def rows(attribute: str, value: float, *, readout: str = "lens", n_rows: int = 2) -> pd.DataFrame:
    return pd.DataFrame(
        {"attribute": attribute, "readout": readout, "layer": range(n_rows), "bits": value}
    )


def written(run: Run) -> dict[str, int]:
    """The files of the scores with their inodes, which a file gets when it is written."""
    folder = run.folder / "scores.parquet"
    return {path.name: path.stat().st_ino for path in sorted(folder.iterdir())}


def test_rows_are_replaced_by_key(run):
    assert run.read_table("scores") is None
    for attribute, bits in (("color", 1.0), ("shape", 2.0), ("color", 3.0)):
        run.replace_rows("scores", rows(attribute, bits), key=KEY)
    table = run.read_table("scores")
    assert table is not None
    assert table["attribute"].tolist() == ["color", "color", "shape", "shape"]
    assert table["bits"].tolist() == [3, 3, 2, 2]
    assert list(table.index) == [0, 1, 2, 3]


def test_a_finding_writes_its_own_rows_only(run):
    both = pd.concat([rows("color", 1.0), rows("color", 2.0, readout="probe")])
    run.replace_rows("scores", both, key=KEY)
    before = written(run)
    assert list(before) == ["color-lens.parquet", "color-probe.parquet"]
    run.replace_rows("scores", rows("color", 9.0), key=KEY)
    after = written(run)
    assert after["color-probe.parquet"] == before["color-probe.parquet"]
    assert after["color-lens.parquet"] != before["color-lens.parquet"]
    # What is the same is left as it is, so that it may lie where nothing can be written.
    run.replace_rows("scores", rows("color", 9.0), key=KEY)
    assert written(run) == after


def test_the_order_in_which_parts_are_written_makes_no_difference(tmp_path):
    tables = []
    for name, order in (("one", (0, 1, 2)), ("two", (2, 0, 1))):
        run = claim(tmp_path / name, Study(), model_revision="x", data_fingerprint="f" * 64)
        for place in order:
            run.replace_rows("scores", rows("abc"[place], place), key=KEY)
        tables.append(run.read_table("scores"))
    pd.testing.assert_frame_equal(*tables)


def test_pandas_reads_the_table_by_its_name(run):
    for attribute in ("color", "shape"):
        run.replace_rows("scores", rows(attribute, 1.0), key=KEY)
    table = pd.read_parquet(run.folder / "scores.parquet")
    pd.testing.assert_frame_equal(table, run.read_table("scores"))


def test_rows_of_one_finding_are_read_alone(run):
    for attribute in ("color", "shape"):
        run.replace_rows("scores", rows(attribute, 1.0, n_rows=5), key=KEY)
    key = {"attribute": "shape", "readout": "lens"}
    found = run.read_rows("scores", key, columns=["bits", "layer"], where={"layer": 3})
    assert found.to_dict("records") == [{"bits": 1.0, "layer": 3}]
    assert run.read_rows("scores", {"attribute": "size", "readout": "lens"}) is None
    assert run.read_rows("effects", key) is None
    with pytest.raises(KeyError, match="held"):
        run.read_rows("scores", key, columns=["held"])
    # Another finding's file under this name holds none of its rows.
    folder = run.folder / "scores.parquet"
    (folder / "color-lens.parquet").rename(folder / "shape-lens.parquet")
    assert run.read_rows("scores", key).empty


def test_notes_stay_with_their_rows(run):
    for name in ("color", "shape", "color"):
        table = rows(name, 1.0)
        table.attrs = {"notes": {name: [f"about {name}"]}, "skipped": {name: {"dark": 3}}}
        run.replace_rows("items", table, key=["attribute"])
    assert run.read_table("items").attrs == {
        "notes": {"color": ["about color"], "shape": ["about shape"]},
        "skipped": {"color": {"dark": 3}, "shape": {"dark": 3}},
    }


@pytest.mark.parametrize("name", ["eye/side", "..", ".hidden", "a-b", "größe", "50%", "a b"])
def test_any_name_is_a_file_of_its_own_in_the_folder(run, name):
    run.replace_rows("scores", rows(name, 1.0), key=KEY)
    (file,) = (run.folder / "scores.parquet").iterdir()
    assert file.name.isascii()
    assert not file.name.startswith(".")
    found = run.read_rows("scores", {"attribute": name, "readout": "lens"})
    assert found["bits"].tolist() == [1, 1]
    assert part_file(Path(), ["a-b", "c"]) != part_file(Path(), ["a", "b-c"])


def test_damaged_tables(run):
    folder = run.folder / "items.parquet"
    folder.write_bytes(b"PAR1")
    with pytest.raises(UserError, match=r"items.parquet is damaged .* made anew"):
        run.read_table("items")
    folder.unlink()
    run.replace_rows("items", rows("color", 1.0), key=["attribute"])
    file = folder / "color.parquet"
    without = sealed_parquet(pd.DataFrame({"other": [1]}))
    for content in (b"PAR1", b"", file.read_bytes()[:-9], without):
        file.write_bytes(content)
        for read in (
            lambda: run.read_table("items"),
            lambda: run.read_rows("items", {"attribute": "color"}, columns=["bits"]),
        ):
            with pytest.raises(UserError, match=r"color.parquet is damaged .* made") as refused:
                read()
            assert "\n" not in str(refused.value)


def _write(run: Run, number: int) -> None:
    for again in range(5):
        run.replace_rows("scores", rows(f"attribute {number}", again, n_rows=3), key=KEY)


@pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")
def test_forked_processes_write_side_by_side(run):
    run.hold()
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_write, args=(run, number)) for number in range(4)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert [each.exitcode for each in workers] == [0, 0, 0, 0]
    table = run.read_table("scores")
    assert np.array_equal(table["attribute"].unique(), [f"attribute {i}" for i in range(4)])
    assert table["bits"].tolist() == [4.0] * 12
    assert not list(run.folder.rglob(".*.writing"))
