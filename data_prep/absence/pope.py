"""The questions of POPE about photographs of COCO, and the corrected labels of RePOPE.

POPE (Li et al. 2023, arXiv:2305.10355) publishes its questions as coco_pope_random.json,
coco_pope_popular.json and coco_pope_adversarial.json. Each line is a JSON object:

    {"question_id": 1, "image": "COCO_val2014_000000310196.jpg",
     "text": "Is there a snowboard in the image?", "label": "yes"}

RePOPE (Neuhaus & Hein 2025, arXiv:2504.15707) looked at every image again. Its files
coco_repope_*.json have the same form and the same question ids. Lines that are missing in them were
judged ambiguous. A file from elsewhere is not trusted: every field that is used is checked.
"""

import re
import reprlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from data_prep.absence.matched_items import absence_table
from data_prep.errors import UserError
from data_prep.files.foreign_json import read_foreign_json
from data_prep.files.foreign_text import read_foreign_text
from data_prep.files.tree import Tree, leaves
from data_prep.items import item_row
from data_prep.photographs.labels import PRESENCE, YES_NO
from data_prep.plain_text import MOST_CHARACTERS, hidden_in
from data_prep.questions import Question
from data_prep.scenes import Photograph

_AMBIGUOUS = "judged ambiguous"
_THING = re.compile(r"Is there an? (.+) in the image\?", re.IGNORECASE)
"""POPE's wording of a question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One line of a file."""

    where: str
    """The file and the number of the line, for messages."""
    question_id: str
    image: str
    text: str
    label: str

    @property
    def asked(self) -> tuple[str, str]:
        return self.image, self.text


def read_pope(file: Path, tree: Tree | None = None) -> pd.DataFrame:
    """The questions of a file in the order of its lines, in the columns
    `matched_items.ABSENCE_COLUMNS`.

    The scene is the image. `n_objects` is 0, because the file does not say it, and `absent_by` is
    empty. With `tree`, the folder or archive of the images, every image must be in it. UserError
    for any fault of the file, with the number of the line.
    """
    entries = _read_entries(file)
    for each in entries:
        if tree is not None and not tree.is_file(each.image):
            raise UserError(
                f"{each.where}: no image {each.image!r} in {str(tree.root)!r}: put it there"
            )
    return absence_table([_row(each) for each in entries], skipped={PRESENCE: {}})


def with_corrected_labels(items: pd.DataFrame, file: Path) -> pd.DataFrame:
    """The items of `read_pope` with the labels of RePOPE's file for the same questions.

    Items that the file does not list are left out. `.attrs["skipped"]` counts them as judged
    ambiguous, and `.attrs["corrected"]` counts the labels that were "yes to no" and "no to yes".
    UserError for any fault of the file, and for a line that asks what `items` do not: so give all
    items of a file, before some are chosen.
    """
    row_of = {
        asked: row for row, asked in enumerate(zip(items["image"], items["question"], strict=True))
    }
    labels: dict[int, str] = {}
    for each in _read_entries(file):
        if each.asked not in row_of:
            raise UserError(
                f"{each.where}: the question must be among the items, got {each.text!r} about "
                f"{each.image!r}: take the file for the same questions"
            )
        labels[row_of[each.asked]] = each.label
    rows = sorted(labels)
    kept = items.iloc[rows].reset_index(drop=True)
    before = kept["answer"].tolist()
    kept["answer"] = pd.Series([labels[row] for row in rows], dtype="str")
    kept["present"] = kept["answer"] == "yes"
    changes = list(zip(before, kept["answer"], strict=True))
    kept.attrs["skipped"] = {PRESENCE: {_AMBIGUOUS: len(items) - len(kept)}}
    kept.attrs["corrected"] = {
        "yes to no": changes.count(("yes", "no")),
        "no to yes": changes.count(("no", "yes")),
    }
    return kept


def _row(entry: _Entry) -> dict[str, str | int | bool]:
    photograph = Photograph(scene_id=entry.image, image=entry.image, split="", labels={})
    question = Question(
        attribute=PRESENCE, template="presence", text=entry.text, answer=entry.label
    )
    return {
        **item_row(photograph, question),
        # An image is asked several questions.
        "item_id": f"{entry.image}/{PRESENCE}/{entry.question_id}",
        "thing": thing[1] if (thing := _THING.fullmatch(entry.text)) else "",
        "present": entry.label == "yes",
        "absent_by": "",
        "group": entry.image,
    }


def _read_entries(file: Path) -> list[_Entry]:
    """The lines of a file that are not blank. UserError for a fault, or if there is none."""
    entries = [_entry(where, line) for where, line in _lines(file)]
    if not entries:
        raise UserError(f"{str(file)!r} must hold at least 1 question, got none: take another file")
    ids: dict[str, str] = {}
    asked: dict[tuple[str, str], str] = {}
    for each in entries:
        if ids.setdefault(each.question_id, each.where) != each.where:
            raise _wrong(each.where, "'question_id' must be its own", each.question_id)
        if asked.setdefault(each.asked, each.where) != each.where:
            first = asked[each.asked]
            raise _wrong(each.where, f"the question was asked before ({first})", each.text)
    return entries


def _lines(file: Path) -> Iterator[tuple[str, str]]:
    """Every line that is not blank, with its place for messages."""
    try:
        text = read_foreign_text(file, "UTF-8")
    except OSError as error:
        raise UserError(
            f"{str(file)!r} cannot be read ({error.strerror}): give POPE's file of questions"
        ) from error
    # Not splitlines: a text may hold characters that count as line breaks for Python only.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield f"{file.name}, line {number}", line


def _entry(where: str, line: str) -> _Entry:
    try:
        fields = read_foreign_json(line.encode(), where)
    except UserError as error:
        # The place in the file is the name of what is read, which the message quotes.
        raise UserError(f"{where}:{str(error).removeprefix(repr(where))}") from error
    if not isinstance(fields, dict):
        raise _wrong(where, "must be a JSON object", fields)
    number = fields.get("question_id")
    if isinstance(number, bool) or not isinstance(number, int | str) or not _is_line(str(number)):
        raise _wrong(where, "'question_id' must be a number", number)
    image = _text(where, fields, "image")
    if leaves(image):
        raise _wrong(where, "'image' must be a name inside the folder of images", image)
    label = _text(where, fields, "label")
    if label not in YES_NO:
        raise _wrong(where, f"'label' must be {' or '.join(YES_NO)}", label)
    return _Entry(
        where=where,
        question_id=str(number),
        image=PurePosixPath(image).as_posix(),  # "./a.jpg" is "a.jpg"
        text=_text(where, fields, "text"),
        label=label,
    )


def _text(where: str, fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not _is_line(value):
        raise _wrong(where, f"{name!r} must be a text in one line", value)
    return value


def _is_line(text: str) -> bool:
    return bool(text.strip()) and len(text) <= MOST_CHARACTERS and hidden_in(text) is None


def _wrong(where: str, rule: str, value: object) -> UserError:
    return UserError(f"{where}: {rule}, got {reprlib.repr(value)}: correct the file")
