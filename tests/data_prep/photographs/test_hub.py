"""Data sets of the Hub, as folders: columns, labels, what is kept, and what is refused."""

import datasets
import pytest

from data_prep.errors import UserError
from data_prep.photographs import hub
from data_prep.photographs.hub_cache import Row, keep_rows, kept_rows
from data_prep.sources import DataOptions, open_data
from tests.data_prep.photographs.made_up import photographs, picture, write_hub


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ONSET_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "hub"


@pytest.fixture
def folder(tmp_path):
    return write_hub(tmp_path / "birds", 12)


def opened(folder, columns=None, **options):
    return open_data(f"hub:{folder}", DataOptions(columns=columns or {}, **options))


def test_images_and_classes_are_found_without_columns(folder):
    data = opened(folder)
    assert data.name == "hub:birds"
    assert list(data.attributes) == ["kind"]
    assert data.attributes["kind"].answers == ("cat", "dog", "red_fox")
    assert [scene.labels["kind"] for scene in photographs(data)[:3]] == ["cat", "dog", "red_fox"]
    assert data.open_image(data.scenes[7].image).tobytes() == picture(7).tobytes()
    assert data.image_size(data.scenes[7].image) == (12, 9)


def test_columns_by_name_of_every_kind_of_label(folder):
    columns = {"image": "img", "size": "size", "born": "year", "Inside": "indoors"}
    data = opened(folder, columns, ask={"born": "Which year?"})
    assert photographs(data)[1].labels == {"size": "large", "born": "1991", "inside": "no"}
    assert data.asking.offers(data.scenes[0], "born", "all")[0].text == "Which year?"


def test_only_as_many_rows_as_are_asked_for(folder, cache, monkeypatch):
    assert len(opened(folder, limit=5).scenes) == 5
    (kept,) = cache.iterdir()
    assert len(list(kept.iterdir())) == 5 + 1
    first = opened(folder, limit=5).fingerprint
    # All are fetched where more are asked for, and none where they are there.
    assert len(opened(folder).scenes) == 12
    assert opened(folder, limit=5).fingerprint == first
    monkeypatch.setattr(datasets, "load_dataset", None)
    assert len(opened(folder, limit=99).scenes) == 12


def test_other_files_are_other_data(folder):
    first = opened(folder).fingerprint
    write_hub(folder, 13)
    data = opened(folder)
    assert len(data.scenes) == 13
    assert data.fingerprint != first


def test_splits(folder):
    write_hub(folder, 3, split="test")
    assert len(open_data(f"hub:{folder}:test").scenes) == 3
    for spec, got in ((f"hub:{folder}", "none"), (f"hub:{folder}:val", "'val'")):
        with pytest.raises(UserError, match=f"has the splits train, test, got {got}: choose one"):
            open_data(spec)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"kind": "sort"}, "has no column 'sort': choose from img, kind, size, year"),
        ({"image": "photo"}, "has no column 'photo'"),
        ({"score": "score"}, "column 'score' holds float32: add a column of classes"),
        ({"kind": "img"}, "a label must be a name or a whole number, column 'img' holds"),
        ({"image": "size", "kind": "kind"}, "row 0 must hold an encoded image, got str"),
        ({"all": "kind"}, "an attribute is named with letters and digits"),
    ],
)
def test_columns_that_are_wrong(folder, columns, message):
    with pytest.raises(UserError, match=message):
        opened(folder, columns)


def test_data_that_is_not_there(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    for spec, message in (
        ("hub:nobody/nothing", "the data set 'nobody/nothing' cannot be read"),
        (f"hub:{tmp_path / 'nowhere'}", "no folder"),
        (f"hub:{tmp_path / 'file'}", "no folder"),
        (f"hub:{tmp_path / 'empty'}", "cannot be read .*doesn't contain any data files"),
    ):
        with pytest.raises(UserError, match=message) as caught:
            open_data(spec)
        assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="columns is for data of the kind hub, got bundled"):
        open_data("bundled", DataOptions(columns={"image": "x"}))


def test_a_data_set_without_classes(tmp_path):
    folder = write_hub(tmp_path / "d", 3)
    (folder / "data" / "train-00000-of-00001.parquet").unlink()
    (folder / "a.csv").write_text("image,kind\nx,y\n")
    with pytest.raises(UserError, match=r"cannot be read|has no column"):
        open_data(f"hub:{folder}")


def test_an_image_is_not_read_from_elsewhere(tmp_path):
    picture(0).save(tmp_path / "secret.png")
    inner = tmp_path / "data"
    inner.mkdir()
    picture(1).save(inner / "own.png")
    for path in ("../secret.png", str(tmp_path / "secret.png"), "hf://datasets/a/b/c.png"):
        with pytest.raises(UserError, match="row 3 must hold an encoded image"):
            hub._encoded({"bytes": None, "path": path}, 3, inner)
    with pytest.raises(UserError, match="row 3 must hold an encoded image"):
        hub._encoded({"bytes": None, "path": str(tmp_path / "secret.png")}, 3, None)
    assert (
        hub._encoded({"bytes": None, "path": "own.png"}, 0, inner)
        == (inner / "own.png").read_bytes()
    )


def test_what_was_kept_in_part_is_not_taken_for_all(tmp_path):
    rows = [Row(image=b"%d" % n, labels={"kind": str(n)}) for n in range(4)]
    keep_rows(tmp_path, rows, 3)
    kept = kept_rows(tmp_path, 2)
    assert kept is not None
    assert (len(kept.labels), kept.is_all) == (2, False)
    assert kept_rows(tmp_path, None) is None
    assert kept_rows(tmp_path, 4) is None
    keep_rows(tmp_path, rows, 4)
    assert kept_rows(tmp_path, 9) is not None
    (tmp_path / "rows.json").write_text("{")
    with pytest.raises(UserError, match=r"is damaged .*: delete the folder"):
        kept_rows(tmp_path, 1)
