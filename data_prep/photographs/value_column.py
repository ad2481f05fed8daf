"""Reads one column of a CSV about images, as labels or as numbers, for a decoder to predict."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from data_prep.errors import UserError
from data_prep.photographs.label_table import file_column, table_rows

Kind = Literal["auto", "number", "label"]
LEAST_OF_A_LABEL = 5
_MOST_CLASSES = 10
"""Columns of whole numbers with at most this many different values are taken for labels, such as
grades."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueColumn:
    """The values of a column by the file name of the image. They are either all numbers or all
    labels."""

    name: str
    kind: Literal["number", "label"]
    numbers: Mapping[str, float] = field(hash=False)
    """The values by image if they are numbers; empty otherwise."""
    labels: Mapping[str, str] = field(hash=False)
    """The values by image if they are labels; empty otherwise."""

    @property
    def images(self) -> tuple[str, ...]:
        """File names of the images that have a value."""
        return tuple(self.numbers or self.labels)


def read_value_column(file: Path, column: str, kind: Kind = "auto") -> ValueColumn:
    """The values of one column. With "auto" they are numbers if all can be read as such, unless
    they are few different whole numbers.

    UserError for an unknown column, for a missing value (with its row), and for values that are all
    the same, that are not numbers where numbers are asked for, or that occur on too few images.
    """
    header, rows = table_rows(file)
    names_image = file_column(header, file)
    if column not in header or column == names_image:
        choose = ", ".join(name for name in header if name != names_image)
        raise UserError(f"{file.name} has no column {column!r}: choose from {choose or 'none'}")
    texts: dict[str, str] = {}
    for number, row in enumerate(rows, start=2):
        image, value = PurePosixPath(row[names_image].strip()).as_posix(), row[column].strip()
        if not value:
            raise UserError(
                f"{file.name}, row {number}: no value for {column!r}: fill it in or remove the row"
            )
        if image in texts:
            raise UserError(f"{file.name}, row {number}: {image!r} has a row already: keep one")
        texts[image] = value
    if len(set(texts.values())) < 2:
        only = next(iter(texts.values()))
        raise UserError(
            f"a decoder needs at least 2 values of {column!r}, got {only!r} for every image: "
            "choose another column"
        )
    return _of_kind(column, texts, kind)


def require_enough(column: str, labels: Mapping[str, str]) -> None:
    """Raise UserError if all images have the same label, or if a label occurs on too few images for
    a split."""
    counts = Counter(labels.values())
    if len(counts) < 2:
        raise UserError(
            f"a decoder needs at least 2 labels of {column!r} among the images, got "
            f"{', '.join(map(repr, counts)) or 'none'}: use more images"
        )
    label, count = min(counts.items(), key=lambda each: each[1])
    if count < LEAST_OF_A_LABEL:
        raise UserError(
            f"each label of {column!r} needs at least {LEAST_OF_A_LABEL} images, got {count} for "
            f"{label!r}: join labels, remove those rows, or name a column of numbers"
        )


def _of_kind(column: str, texts: Mapping[str, str], kind: Kind) -> ValueColumn:
    numbers = {image: _number(text) for image, text in texts.items()}
    no_number = next((texts[image] for image, each in numbers.items() if each is None), None)
    values = {image: each for image, each in numbers.items() if each is not None}
    if kind == "number" and no_number is not None:
        raise UserError(f"{column!r} must hold numbers, got {no_number!r}: correct or remove it")
    few = len(set(values.values())) <= _MOST_CLASSES and all(map(float.is_integer, values.values()))
    if kind == "number" or (kind == "auto" and no_number is None and not few):
        return ValueColumn(name=column, kind="number", numbers=values, labels={})
    return ValueColumn(name=column, kind="label", numbers={}, labels=dict(texts))


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
