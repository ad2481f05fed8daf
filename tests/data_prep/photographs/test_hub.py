"""Data sets of the Hub, as folders: columns, labels, what is kept, and what is refused."""

import weakref

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_prep.errors import UserError
from data_prep.photographs import hub, hub_stream
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


def without_image(folder, *rows, path=None):
    """The same data, of which some rows have no image."""
    file = folder / "data" / "train-00000-of-00001.parquet"
    table = pq.read_table(file)
    images = table["img"].to_pylist()
    for row in rows:
        images[row] = None if path is None else {"bytes": None, "path": path}
    field = table.schema.field("img")
    kept = table.set_column(0, field, pa.array(images, field.type))
    pq.write_table(kept.replace_schema_metadata(table.schema.metadata), file)
    return folder


@pytest.mark.parametrize("path", [None, "", "nowhere.png"])
def test_a_row_without_an_image_is_a_scene_whose_image_is_broken(folder, path):
    data = opened(without_image(folder, 5, path=path))
    assert len(data.scenes) == 12
    with pytest.raises(UserError, match=r"'00000005' cannot be read \(row 5 .* holds no image\)"):
        data.open_image("00000005")
    with pytest.raises(UserError, match="leave it out with --skip-broken"):
        data.image_size("00000005")
    assert data.open_image("00000006").tobytes() == picture(6).tobytes()


def test_a_stream_is_closed_however_its_reading_ends(folder, monkeypatch):
    closed = []
    features = datasets.Features(image=datasets.Value("binary"), kind=datasets.Value("string"))

    def rows(image, fails):
        try:
            for number in range(9):
                if fails and number == 5:
                    raise OSError("torn")
                yield {"image": image, "kind": "a"}
        finally:
            closed.append(True)

    for image, fails, limit, message in (
        (7, False, None, "row 0 must hold an encoded image, got int"),
        (b"x", True, None, r"cannot be read \(torn\)"),
        (b"x", False, 3, None),
    ):
        stream = datasets.IterableDataset.from_generator(
            rows, features=features, gen_kwargs={"image": image, "fails": fails}
        )
        monkeypatch.setattr(hub, "open_stream", lambda *_, given=stream: given)
        write_hub(folder, 12)  # other rows than those that were kept
        if message is None:
            assert len(opened(folder, {"kind": "kind"}, limit=limit).scenes) == limit
        else:
            with pytest.raises(UserError, match=message):
                opened(folder, {"kind": "kind"}, limit=limit)
        assert closed == [True]
        closed.clear()


def test_what_a_library_raises_is_let_go_with_all_that_its_frames_hold():
    class Reader:
        pass

    def fails():
        reader = Reader()
        held.append(weakref.ref(reader))
        raise TypeError("damaged")

    held = []
    said = r"the data set 'x' cannot be read \(damaged\)"
    with pytest.raises(UserError, match=said), hub_stream._one_line("x"):
        fails()
    assert held[0]() is None


def test_a_class_without_a_name(folder):
    with pytest.raises(UserError, match="row 2, column 'k': a class is a number below 2, the n"):
        hub._label(datasets.ClassLabel(names=["a", "b"]), 2**62, "row 2, column 'k'")
    assert hub._label(datasets.ClassLabel(names=["a", "b"]), -1, "") is None


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"Kind": "kind", "kind": "size"}, "must differ in letters and digits"),
        ({"Image!": "kind"}, "none may be 'image', got 'Image!'"),
        ({"ki\x1bnd": "kind"}, "the name of an attribute must hold no control characters"),
    ],
)
def test_names_that_cannot_be_told_apart(folder, columns, message):
    with pytest.raises(UserError, match=message):
        opened(folder, columns)


# Ten levels of nine aliases each, and a thousand levels of one.
BOMB = "---\na0: &a0 x.parquet\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 11)
) + "configs:\n- data_files: *a10\n---\n"  # fmt: skip
CHAIN = "a0: &a0 ../x.parquet\n" + "".join(
    f"a{level}: &a{level} [*a{level - 1}]\n" for level in range(1, 400)
)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", '{"image": ' + "[" * 5000, "line 1: JSON must be nested at most 200 deep"),
        ("a.json", "[\n" * 5000, "line 201: JSON must be nested at most 200 deep, got 201"),
        ("a.jsonl", '{"image": "a", "kind"\n', "cannot be read"),
        ("a.parquet", "PAR1", "cannot be read"),
        ("README.md", "---\nconfigs:\n- config_name: a\n  data_files: ../x.parquet\n---\n",
         "README.md': data must lie inside the folder, got '../x.parquet'"),
        (".huggingface.yaml", "configs:\n- data_files:\n  - {split: a, path: [/x.parquet]}\n",
         "data must lie inside the folder, got '/x.parquet'"),
        ("README.md", "---\nx: " + "[" * 5000 + "\n---\n", "must begin with YAML, got a broken"),
        ("README.md", "---\nx: [\n---\n", "must begin with YAML, got a broken"),
        ("README.md", "---\nconfigs:\n- data_files: &a [*a]\n---\n", "at most 100,000 values"),
        ("README.md", "---\nx: &a {b: *a}\n---\n", "at most 100,000 values"),
        ("README.md", BOMB, "at most 100,000 values, got more, with all that its aliases stand"),
        (".huggingface.yaml", BOMB.strip("-\n"), "at most 100,000 values"),
        ("README.md", f"---\n{CHAIN}configs:\n- data_files: *a399\n---\n", "got '../x.parquet'"),
    ],
)  # fmt: skip
def test_files_that_are_hostile_or_damaged(tmp_path, capfd, name, content, message):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / name).write_text(content)
    with pytest.raises(UserError, match=message):
        opened(tmp_path / "d", {"kind": "kind"})
    assert "Failed" not in capfd.readouterr().err


def test_a_kept_image_that_is_damaged_is_told_and_not_taken_for_another(folder, cache):
    first = opened(folder).fingerprint
    (kept,) = cache.iterdir()
    one = min(path for path in kept.iterdir() if path.name != "rows.json")
    content = one.read_bytes()
    changed = bytearray(content)
    changed[len(content) // 2] ^= 1
    for damaged in (bytes(changed), content[:-1], b""):
        one.write_bytes(damaged)
        with pytest.raises(UserError, match="is damaged since it was fetched: delete the folder"):
            opened(folder)
    one.unlink()
    with pytest.raises(UserError, match="is damaged since it was fetched"):
        opened(folder)
    one.write_bytes(content)
    assert opened(folder).fingerprint == first


def test_a_kept_list_in_which_a_label_was_changed_is_damaged(folder, cache):
    opened(folder)
    (file,) = cache.glob("*/rows.json")
    file.write_text(file.read_text().replace("cat", "dog", 1))
    with pytest.raises(UserError, match=r"is damaged \(its checksum differs\): delete the folder"):
        opened(folder)


def test_two_that_fetch_at_once_do_not_harm_each_other(tmp_path):
    rows = [Row(image=b"%d" % (n % 3), labels={"kind": str(n)}) for n in range(6)]

    def other():
        for place, row in enumerate(rows):
            if place == 3:
                keep_rows(tmp_path, rows, 2)
            yield row

    assert len(keep_rows(tmp_path, other(), None).labels) == 6
    kept = kept_rows(tmp_path, None)
    assert kept is not None
    for number, row in enumerate(rows):
        with kept.tree.open(f"{number:08d}") as image:
            assert image.read() == row.image
    assert sorted(path.name for path in tmp_path.iterdir())[-1] == "rows.json"
    assert len(list(tmp_path.iterdir())) == 6 + 1
