"""A changed digit or bit in any file of a run is found and named, whoever reads it."""

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.compare.folder import open_folder
from analysis.finished.arms import read_arm
from analysis.finished.runs import read_finished
from analysis.pool.folder import open_pool_folder
from analysis.run.folder import claim, recorded_identity, recorded_study
from analysis.run.identity import read_identity
from analysis.run.kept_arrays import kept
from analysis.run.study import Study
from data_prep.errors import UserError
from tests.analysis.planted_runs import rising, write_planted_run
from tests.sealed import edit_sealed, write_sealed

ABOUT: dict[str, Any] = {"model_revision": "sha256:1", "data_fingerprint": "f" * 64}
FILES = ("identity.json", "study.toml", "results.json",
         "scores.parquet/color-logit_lens.parquet", "effects.parquet/color-logit_lens.parquet",
         "readouts/logit_lens/color.safetensors")  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("runs")
    return (
        write_planted_run(folder / "one", rising(9, 0.5), seed=0, n_scenes=30),
        write_planted_run(folder / "two", rising(9, 0.7), seed=1, n_scenes=30),
    )


def read_all(one: Path, two: Path) -> None:
    for run in read_finished([one, two]):
        read_arm(run, "color", "logit_lens")


@pytest.mark.parametrize("name", FILES)
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_a_flip_anywhere_is_found_and_the_file_named(runs, tmp_path_factory, name, data):
    one = shutil.copytree(runs[0], tmp_path_factory.mktemp("copy") / "one")
    read_all(one, runs[1])
    content = bytearray((one / name).read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    (one / name).write_bytes(content)
    with pytest.raises(UserError) as refused:
        read_all(one, runs[1])
    assert str(one / name) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_edited_plan_is_found_even_under_a_seal_of_its_own(tmp_path):
    folder = claim(tmp_path / "run", Study(), **ABOUT).folder
    edit_sealed(folder / "identity.json", lambda content: content["plan"].update(margin=0.2))
    with pytest.raises(UserError, match=r"was edited .its plan is not that of its hash"):
        recorded_study(folder)
    with pytest.raises(UserError, match=r"was edited .its plan is not that of its hash"):
        claim(folder, Study(), **ABOUT)


def test_an_edited_study_file_is_found_and_a_missing_one_made_anew(tmp_path):
    folder = claim(tmp_path / "run", Study(seed=3), **ABOUT).folder
    file = folder / "study.toml"
    whole = file.read_bytes()
    for changed in (whole.replace(b"0.05", b"0.01"), whole + b"\n", b"", b"\xff"):
        file.write_bytes(changed)
        with pytest.raises(UserError, match=r"study.toml was edited after .* delete it"):
            recorded_study(folder)
    file.unlink()
    assert recorded_study(folder) == file
    assert file.read_bytes() == whole


@pytest.mark.parametrize("kind", [None, 3, [], "x", {"plan": 3}, {"plan": {}}])
def test_records_of_another_shape_are_one_line(tmp_path, kind):
    folder = claim(tmp_path / "run", Study(), **ABOUT).folder
    record = read_identity(folder)
    content = kind if isinstance(kind, dict) else {**record, "plan": kind}
    write_sealed(folder / "identity.json", content)
    with pytest.raises(UserError, match=r"identity.json is damaged"):
        recorded_identity(folder)


def test_kept_arrays_and_their_parts_are_checked(tmp_path):
    file, names = tmp_path / "kept.safetensors", ["x"]
    made = kept(file, 4, 2, lambda rows: {"x": np.ones(rows.stop - rows.start, "f4")},
                names=names, what="x")  # fmt: skip
    assert made["x"].tolist() == [1, 1, 1, 1]
    content = bytearray(file.read_bytes())
    content[-2] ^= 1  # a digit of the last number
    for damaged in (file, tmp_path / "part.000000-2.part"):
        file.unlink(missing_ok=True)
        damaged.write_bytes(content)
        with pytest.raises(UserError, match=f"{damaged.name} is damaged .*: delete it"):
            kept(damaged if damaged == file else tmp_path / "part.safetensors", 2, 2,
                 lambda _: pytest.fail("worked"), names=names, what="x")  # fmt: skip


@pytest.mark.parametrize(
    ("name", "opened"), [("compare.json", open_folder), ("pool.json", open_pool_folder)]
)
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"seal": "x"}', b"[" * 10**5])
def test_the_files_of_studies_over_several_runs(tmp_path, name, opened, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=f"{name} is damaged .*: delete its folder"):
        opened(tmp_path, "0" * 64)


@pytest.mark.parametrize("name", [*FILES, "tables-of-another.program"])
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_is_no_file_is_named_and_not_waited_for(runs, tmp_path, name, kind):
    run = shutil.copytree(runs[0], tmp_path / "run")
    (run / name).unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(run / name)
    else:
        (run / name).symlink_to("/dev/zero")
    with pytest.raises(UserError, match=rf"holds files and folders only, got .*{Path(name).name}"):
        read_finished([run, runs[1]])
