"""POPE's files as published are read, corrected as RePOPE says, and every fault names its line."""

import json
from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal

from data_prep.absence.matched_items import ABSENCE_COLUMNS
from data_prep.absence.pope import read_pope, with_corrected_labels
from data_prep.errors import UserError
from data_prep.files.tree import Folder

# The first lines of coco_pope_random.json have this form.
LINES = [
    {"question_id": 1, "image": "a.jpg", "text": "Is there a snowboard in the image?",
     "label": "yes"},
    {"question_id": 2, "image": "a.jpg", "text": "Is there a car in the image?", "label": "no"},
    {"question_id": 3, "image": "b.jpg", "text": "Is there a car in the image?", "label": "yes"},
    {"question_id": 4, "image": "b.jpg", "text": "Is there a dog in the image?", "label": "no"},
]  # fmt: skip


def written(folder: Path, lines, *, name="pope.json", end="\n", start=b"") -> Path:
    file = folder / name
    text = "".join((each if isinstance(each, str) else json.dumps(each)) + end for each in lines)
    file.write_bytes(start + text.encode())
    return file


def changed(place: int, **fields) -> list[dict]:
    return [{**each, **fields} if n == place else each for n, each in enumerate(LINES)]


def test_items_are_the_lines(tmp_path):
    items = read_pope(written(tmp_path, LINES))
    assert tuple(items.columns) == ABSENCE_COLUMNS
    assert list(items["question"]) == [each["text"] for each in LINES]
    assert list(items["answer"]) == ["yes", "no", "yes", "no"]
    assert list(items["present"]) == [True, False, True, False]
    assert list(items["scene_id"]) == list(items["image"]) == ["a.jpg", "a.jpg", "b.jpg", "b.jpg"]
    assert list(items["item_id"].iloc[:2]) == ["a.jpg/presence/1", "a.jpg/presence/2"]
    assert set(items["attribute"]) == set(items["template"]) == {"presence"}
    assert set(items["absent_by"]) == {""}
    assert set(items["n_objects"]) == {0}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_how_lines_end_and_how_the_file_starts_does_not_matter(tmp_path, end, start):
    items = read_pope(written(tmp_path, LINES, end=end, start=start))
    assert_frame_equal(items, read_pope(written(tmp_path, LINES, name="plain.json")))


def test_other_fields_are_ignored_and_ids_may_be_texts(tmp_path):
    lines = [{**each, "question_id": f"{each['question_id']}", "image_id": 5} for each in LINES]
    assert list(read_pope(written(tmp_path, lines))["item_id"]) == [
        "a.jpg/presence/1", "a.jpg/presence/2", "b.jpg/presence/3", "b.jpg/presence/4",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"label": "Yes"}, "'label' must be yes or no, got 'Yes'"),
        ({"label": None}, "'label' must be a text in one line, got None"),
        ({"text": "  "}, "'text' must be a text in one line"),
        ({"text": ["Is there?"]}, "'text' must be a text in one line"),
        ({"text": "Is there\na dog?"}, "'text' must be a text in one line"),
        ({"text": "Is there\x1b[31m a dog?"}, "'text' must be a text in one line"),
        ({"text": "Is there \u202ea dog?"}, "'text' must be a text in one line"),
        ({"text": "x" * 10_001}, "'text' must be a text in one line"),
        ({"question_id": "7\0"}, "'question_id' must be a number"),
        ({"image": 7}, "'image' must be a text in one line, got 7"),
        ({"image": "../b.jpg"}, "'image' must be a name inside the folder"),
        ({"image": "/etc/passwd"}, "'image' must be a name inside the folder"),
        ({"image": "..\\b.jpg"}, "'image' must be a name inside the folder"),
        ({"image": "C:\\b.jpg"}, "'image' must be a name inside the folder"),
        ({"question_id": True}, "'question_id' must be a number, got True"),
        ({"question_id": 1.5}, "'question_id' must be a number, got 1.5"),
        ({"question_id": None}, "'question_id' must be a number, got None"),
        ({"question_id": 1}, "'question_id' must be its own, got '1'"),
        ({"image": "a.jpg", "text": LINES[1]["text"]}, r"was asked before \(pope.json, line 2\)"),
    ],
)
def test_a_fault_is_named_by_its_line(tmp_path, fields, rule):
    file = written(tmp_path, changed(2, **fields))
    with pytest.raises(UserError, match=f"^pope.json, line 3: .*{rule}.*: correct the file"):
        read_pope(file)


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ('{"question_id": 1', "must be JSON"),
        ("[" * 100_000, "must be JSON"),
        ('{"question_id": 1, "text": "\\ud800"}', "must be JSON"),
        (f'{{"question_id": {"9" * 5000}}}', "must be JSON"),
        ("[]", "must be a JSON object, got"),
        ("{}", "'question_id' must be a number, got None"),
    ],
)
def test_a_line_that_is_no_object_is_refused(tmp_path, line, rule):
    with pytest.raises(UserError, match=f"^pope.json, line 3: {rule}"):
        read_pope(written(tmp_path, [LINES[0], "", line]))


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"cannot be read \(No such file or directory\)"):
        read_pope(tmp_path / "none.json")
    with pytest.raises(UserError, match="at least 1 question, got none"):
        read_pope(written(tmp_path, [" "]))
    with pytest.raises(UserError, match="must be UTF-8, line 1 holds 0xff"):
        read_pope(written(tmp_path, LINES, start=b"\xff"))
    with pytest.raises(UserError, match="must be UTF-8, line 1 holds the character NUL"):
        read_pope(written(tmp_path, LINES, start=b"\0"))


def test_unusual_blanks_and_joiners_belong_to_a_question(tmp_path):
    text = "Y a-t-il un chat\u202f\u00a0? \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    assert read_pope(written(tmp_path, changed(2, text=text)))["question"].tolist()[2] == text


def test_with_a_folder_every_image_must_be_in_it(tmp_path):
    file, tree = written(tmp_path, LINES), Folder(tmp_path)
    (tmp_path / "a.jpg").touch()
    with pytest.raises(UserError, match=r"^pope.json, line 3: no image 'b.jpg' in .*: put it"):
        read_pope(file, tree)
    (tmp_path / "b.jpg").touch()
    assert_frame_equal(read_pope(file, tree), read_pope(file))


def test_labels_are_corrected_and_ambiguous_items_left_out_and_counted(tmp_path):
    items = read_pope(written(tmp_path, LINES))
    before = items.copy()
    lines = [changed(0, label="no")[0], LINES[2], changed(3, label="yes")[3]]
    corrected = with_corrected_labels(items, written(tmp_path, lines[::-1], name="repope.json"))
    assert list(corrected["item_id"]) == [items["item_id"][row] for row in (0, 2, 3)]
    assert list(corrected["answer"]) == ["no", "yes", "yes"]
    assert list(corrected["present"]) == [False, True, True]
    assert corrected.dtypes.equals(items.dtypes)
    assert corrected.attrs["skipped"] == {"presence": {"judged ambiguous": 1}}
    assert corrected.attrs["corrected"] == {"yes to no": 1, "no to yes": 1}
    assert_frame_equal(items, before)
    assert items.attrs == {"skipped": {"presence": {}}}


def test_labels_of_other_questions_are_refused(tmp_path):
    items = read_pope(written(tmp_path, LINES))
    other = written(tmp_path, changed(1, text="Is there a cat?"), name="repope.json")
    with pytest.raises(
        UserError,
        match=r"^repope.json, line 2: .*among the items, got 'Is there a cat\?' about 'a.jpg'",
    ):
        with_corrected_labels(items, other)


def test_another_spelling_of_an_image_is_that_image(tmp_path):
    items = read_pope(written(tmp_path, changed(1, image="./a.jpg")))
    assert set(items["scene_id"]) == {"a.jpg", "b.jpg"}
    again = changed(1, image="./a.jpg", text=LINES[0]["text"])
    with pytest.raises(UserError, match=r"line 2: the question was asked before"):
        read_pope(written(tmp_path, again))
