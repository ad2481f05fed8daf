"""Labels and corrected labels of pairs of files, in one table."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from data_prep.absence.pope import read_pope, with_corrected_labels
from data_prep.errors import UserError

AMBIGUOUS = ""
"""Stands for the corrected label of a question that was judged ambiguous."""
_ASKED = ["image", "question"]


def read_labels(pope: Sequence[Path], corrected: Sequence[Path]) -> pd.DataFrame:
    """A row for each line of the files in `pope`: file, image, question, label and corrected.

    `corrected` holds the files of corrected labels in the same order. `corrected` in the table is
    `AMBIGUOUS` where such a file leaves a question out. UserError for any fault of a file, if the
    numbers of files differ, if a file is given twice, and if two files do not say the same of a
    question.
    """
    if len(pope) != len(corrected):
        raise UserError(
            f"--pope and --corrected must name equally many files, got {len(pope)} and "
            f"{len(corrected)}: give the corrected files in the order of the others"
        )
    names = _names(pope)
    _names(corrected)
    pairs = zip(names, pope, corrected, strict=True)
    labels = pd.concat([_pair(*each) for each in pairs], ignore_index=True)
    _require_agreement(labels)
    return labels


def _names(files: Sequence[Path]) -> list[str]:
    """A name of each file for tables: short, if that tells them apart."""
    if len({each.resolve() for each in files}) < len(files):
        raise UserError(
            f"each file must be given once, got {' '.join(map(str, files))}: its labels would "
            "count twice"
        )
    short = [each.stem for each in files]
    return short if len(set(short)) == len(short) else [str(each) for each in files]


def _pair(name: str, pope: Path, corrected: Path) -> pd.DataFrame:
    items = read_pope(pope)
    kept = with_corrected_labels(items, corrected)
    after = dict(zip(kept["item_id"], kept["answer"], strict=True))
    return pd.DataFrame(
        {
            "file": name,
            **{column: items[column] for column in _ASKED},
            "label": items["answer"],
            "corrected": [after.get(each, AMBIGUOUS) for each in items["item_id"]],
        }
    )


def _require_agreement(labels: pd.DataFrame) -> None:
    """UserError if a question has other labels, or other corrected ones, in another file."""
    first = labels.groupby(_ASKED, sort=False)[["file", "label", "corrected"]].transform("first")
    for column in ("label", "corrected"):
        other = (labels[column] != first[column]).to_numpy()
        if other.any():
            row = int(other.argmax())
            own = labels.iloc[row]
            said = [each or "ambiguous" for each in (first[column].iloc[row], own[column])]
            raise UserError(
                f"{first['file'].iloc[row]} and {own['file']} must say the same of a question, got "
                f"{said[0]} and {said[1]} ({column}) for {own['question']!r} about "
                f"{own['image']!r}: take files of one release"
            )
