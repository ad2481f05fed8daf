"""Own images: labels from sub-folders, a CSV or a contrast, and what is refused."""

import os

import pytest

from data_prep.errors import UserError
from data_prep.photographs.image_folder import open_images
from data_prep.sources import DataOptions, open_data
from tests.data_prep.photographs.made_up import photographs, picture, write_images


@pytest.fixture
def folder(tmp_path):
    return write_images(tmp_path / "Red_kites", ["Milan royal", "buzzard_common"], 3)


def write_csv(folder, *rows, name="labels.csv"):
    (folder / name).write_text("\n".join(rows) + "\n", encoding="utf-8")
    return f"images:{folder}:{name}"


ROWS = (
    "Kind,file, Day time,id,score",
    "kite,Milan royal/000.png,day,1,0.5",
    "kite,./Milan royal/001.png,night,2,0.5",
    "buzzard,buzzard_common/000.png,day,3,1.5",
    "buzzard,buzzard_common/001.png,night,4,0.5",
)


def test_sub_folders_are_labels_said_by_their_words(folder):
    (folder / ".hidden").mkdir()
    picture(0).save(folder / ".hidden" / "a.png")
    (folder / "notes.txt").write_text("no image")
    (folder / "Milan royal" / "deep").mkdir()
    picture(1).save(folder / "Milan royal" / "deep" / "b.JPG", format="JPEG")
    data = open_data(f"images:{folder}")
    assert data.name == "images:Red_kites"
    assert list(data.attributes) == ["label"]
    label = data.attributes["label"]
    assert label.answers == ("Milan royal", "buzzard_common")
    assert label.words["buzzard_common"] == ("buzzard common",)
    found = {scene.image: scene.labels["label"] for scene in photographs(data)}
    assert found["Milan royal/deep/b.JPG"] == "Milan royal"
    assert len(found) == 7
    assert data.asking.offers(data.scenes[0], "label", "all")[0].text == "Label:"
    assert data.open_image("Milan royal/000.png").tobytes() == picture(0).tobytes()


def test_an_image_beside_the_sub_folders_has_no_label(folder):
    picture(5).save(folder / "loose.png")
    data = open_images(folder)
    (loose,) = (scene for scene in photographs(data) if scene.image == "loose.png")
    assert data.asking.offers(loose, "label", "all") == ()
    assert data.asking.why_not(loose, "label", "all") == "no label"


def test_columns_of_a_csv_are_attributes(folder):
    data = open_data(write_csv(folder, *ROWS), DataOptions(ask={"kind": "What bird is it?"}))
    assert list(data.attributes) == ["kind", "day_time"]
    assert photographs(data)[0].labels == {"kind": "kite", "day_time": "day"}
    assert [scene.image for scene in data.scenes] == [
        "Milan royal/000.png", "Milan royal/001.png", "buzzard_common/000.png",
        "buzzard_common/001.png",
    ]  # fmt: skip
    texts = [data.asking.offers(data.scenes[0], n, "all")[0].text for n in data.attributes]
    assert texts == ["What bird is it?", "Day time:"]
    with pytest.raises(UserError, match="id cannot be asked: has another value for every image"):
        data.chosen(["id"])
    with pytest.raises(UserError, match="score cannot be asked: holds numbers with decimals"):
        data.chosen(["score"])
    with pytest.raises(UserError, match="unknown attribute 'color': choose from kind, day_time"):
        data.chosen(["color"])


def test_a_csv_elsewhere(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path, *ROWS, name="mine.CSV")
    assert len(open_data("images:Red_kites:mine.CSV").scenes) == 4
    assert len(open_data(f"images:{folder}:{tmp_path}/mine.CSV").scenes) == 4


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["photo,kind", "a,b"], r"needs a column that names the image \(file, filename, image"),
        (["file,kind"], "must hold a header and at least 1 row, got 1"),
        ([""], "must hold a header and at least 1 row, got 0"),
        (["file,kind", "none.png,a"], "row 2: no image 'none.png' in"),
        (["file,kind", "../secret.png,a"], "row 2: an image must lie inside"),
        (["file,kind", "/etc/passwd,a"], "row 2: an image must lie inside"),
        (["file,kind", ",a"], "row 2: an image must lie inside"),
        (["file,kind", "Milan royal/000.png,a", "Milan royal/./000.png,b"], "row 3: .* has a row"),
        (["file,kind", "Milan royal/000.png, "], "row 2: no value for 'kind'"),
        (["file,kind", "Milan royal/000.png,a,b"], "row 2: must have 2 values like the header"),
        (["file,kind,kind", "Milan royal/000.png,a,b"], "two columns of one name"),
        (["file,the kind,the_kind", "Milan royal/000.png,a,b"], "two columns of one name"),
        (["file,all", "Milan royal/000.png,a"], "an attribute is named with letters and digits"),
        (["file,*", "Milan royal/000.png,a"], "an attribute is named with letters and digits"),
        (["file", "Milan royal/000.png"], "needs a column of labels beside 'file', got none"),
        (["file,kind", "Milan royal/000.png,a"], "kind is 'a' for every image"),
        (["file,kind", '"Milan royal/000.png,a'], "must be a CSV in UTF-8"),
        (["file,kind", "Milan royal/000.png,A", "Milan royal/001.png,a",
          "Milan royal/002.png,a"], "must differ in more than case"),
    ],
)  # fmt: skip
def test_a_csv_that_is_wrong(folder, rows, message):
    with pytest.raises(UserError, match=message):
        open_data(write_csv(folder, *rows))


@pytest.mark.parametrize("other", ["A", "a\u200b", "_a", "a\ufe0f", "a\u3164", "a\u2800"])
def test_labels_that_look_alike_are_told_apart_in_the_message(folder, other):
    names = ("a", "a", other, other)
    rows = [f"Milan royal/00{place}.png,{name}" for place, name in enumerate(names)]
    with pytest.raises(UserError, match="must differ in more than case") as told:
        open_data(write_csv(folder, "file,kind", *rows))
    assert str(told.value).isascii()


def test_letters_are_composed_as_models_write_them(folder):
    names = ("b", "b", "cafe\u0301", "cafe\u0301")
    rows = [f"Milan royal/00{place}.png,{name}" for place, name in enumerate(names)]
    words = open_data(write_csv(folder, "file,kind", *rows)).attributes["kind"].words
    assert words["cafe\u0301"] == ("caf\u00e9",)


def test_an_attribute_needs_a_name_that_files_can_have(folder):
    with pytest.raises(UserError, match="must have at most 100 characters, got 3,000 in 'xxx"):
        open_data(write_csv(folder, f"file,{'x' * 3000}", "Milan royal/000.png,a"))


def test_a_csv_that_cannot_be_read(folder):
    os.mkfifo(folder / "pipe.csv")
    with pytest.raises(UserError, match="got what is no file"):
        open_data(f"images:{folder}:pipe.csv")
    (folder / "labels.csv").write_bytes(b"file,kind\n\xff\xfe,a\n")
    with pytest.raises(UserError, match="must be a CSV in UTF-8"):
        open_data(f"images:{folder}:labels.csv")
    with pytest.raises(UserError, match=r"cannot read the CSV 'nowhere\.csv': No such file"):
        open_data(f"images:{folder}:nowhere.csv")


def test_a_contrast_is_asked_by_yes_and_no(folder, tmp_path):
    other = write_images(tmp_path / "other", [""], 2)
    options = DataOptions(contrast=str(other))
    data = open_data(f"images:{folder}", options)
    assert list(data.attributes) == ["label", "shown"]
    assert data.name == "images:Red_kites against other"
    answers = {scene.image: scene.labels["shown"] for scene in photographs(data)}
    assert answers["own/Milan royal/000.png"] == "yes"
    assert answers["contrast/000.png"] == "no"
    assert len(answers) == 8
    first = data.scenes[0]
    assert data.asking.offers(first, "shown", "all")[0].text == "Does the image show red kites?"
    assert data.open_image("contrast/001.png").tobytes() == picture(1).tobytes()
    with pytest.raises(UserError, match="cannot be read"):
        data.open_image("contrast/nothing.png")
    # Nothing but the contrast needs to be there.
    plain = write_images(tmp_path / "plain", [""], 2)
    assert list(open_data(f"images:{plain}", options).attributes) == ["shown"]
    fingerprints = {open_data(f"images:{each}", options).fingerprint for each in (folder, plain)}
    assert len(fingerprints) == 2


def test_a_contrast_that_is_wrong(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    for contrast, message in (
        (folder, "the contrast must be another folder"),
        (tmp_path / "nowhere", "no folder"),
        (tmp_path / "empty", "need at least 1 image, got none in"),
    ):
        with pytest.raises(UserError, match=message):
            open_images(folder, contrast=contrast)
    for spec in ("bundled", f"coco:{folder}", "hub:x"):
        with pytest.raises(UserError, match="contrast is for data of the kind images, got"):
            open_data(spec, DataOptions(contrast="x"))


def test_folders_that_are_wrong(tmp_path):
    (tmp_path / "empty").mkdir()
    one = write_images(tmp_path / "one", ["cat"], 2)
    flat = write_images(tmp_path / "flat", [""], 2)
    for folder, message in (
        (tmp_path / "nowhere", "no folder"),
        (tmp_path / "empty", "need at least 1 image, got none in"),
        (one, r"at least 2 sub-folders with images, one per label, got 1 \('cat'\)"),
        (flat, "at least 2 sub-folders with images, one per label, got 0"),
    ):
        with pytest.raises(UserError, match=message):
            open_data(f"images:{folder}")


def test_a_link_that_leads_out_and_a_name_that_cannot_be_read(folder, tmp_path):
    picture(0).save(tmp_path / "secret.png")
    link = folder / "Milan royal" / "link.png"
    link.symlink_to(tmp_path / "secret.png")
    with pytest.raises(UserError, match=r"'Milan royal/link\.png', which leads elsewhere"):
        open_images(folder)
    link.unlink()
    (folder / os.fsdecode(b"caf\xe9.png")).write_bytes(b"")
    with pytest.raises(UserError, match="needs a name in readable UTF-8"):
        open_images(folder)


def test_own_texts_name_attributes(folder):
    with pytest.raises(UserError, match="ask must name attributes of the data, got 'lable'"):
        open_images(folder, ask={"lable": "What?"})
    for spec in ("bundled", "clevr:x"):
        with pytest.raises(UserError, match="ask is for data of the kind coco or images or hub"):
            open_data(spec, DataOptions(ask={"color": "Which?"}))


def test_the_fingerprint_follows_what_is_there_and_not_where(folder, tmp_path):
    first = open_images(folder).fingerprint
    moved = folder.rename(tmp_path / "elsewhere")
    assert open_images(moved).fingerprint == first
    (moved / "Milan royal" / "000.png").rename(moved / "buzzard_common" / "9.png")
    assert open_images(moved).fingerprint != first
