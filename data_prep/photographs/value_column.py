"""Reads one column of a CSV about images, as labels or as numbers, for a decoder to predict."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from data_prep.errors import UserError
from data_prep.files.foreign_csv import CsvTable, read_csv
from data_prep.photographs.label_table import file_column, image_of
from data_prep.plain_text import require_plain

Kind = Literal["auto", "number", "label"]
LEAST_OF_A_LABEL = 5
_MOST_CLASSES = 10
"""Columns of whole numbers with at most this many different values are taken for labels, such as
grades."""
_LARGEST = 1e100
_GAPS = frozenset(("nan", "na", "n/a", "null", "none", "-", "?", "inf", "-inf"))
"""How a table says that there is no number."""


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
    table = read_csv(file)
    texts = _texts(table, file_column(table, file), column)
    if len(set(texts.values())) < 2:
        only = next(iter(texts.values()))
        raise UserError(
            f"a decoder needs at least 2 values of {column!r}, got {only!r} for every image: "
            "choose another column"
        )
    return _of_kind(column, texts, kind)


def _texts(table: CsvTable, names_image: str, column: str) -> dict[str, str]:
    """The cells of a column by the name of the image."""
    if column not in table.header or column == names_image:
        choose = ", ".join(name for name in table.header if name != names_image)
        raise UserError(f"{table.name} has no column {column!r}: choose from {choose or 'none'}")
    texts: dict[str, str] = {}
    for place, row in enumerate(table.rows):
        where, value = table.where(place), row[column]
        image = image_of(row[names_image], where)
        if not value:
            raise UserError(f"{where}: no value for {column!r}: fill it in or remove the row")
        if image in texts:
            raise UserError(f"{where}: {image!r} has a row already: keep one")
        require_plain(value, f"{where}: a value of {column!r}")
        texts[image] = value
    return texts


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
        _require_size(column, values)
        return ValueColumn(name=column, kind="number", numbers=values, labels={})
    if kind == "auto" and not few and 2 * len(values) > len(texts):
        _require_no_gap(column, texts)
    return ValueColumn(name=column, kind="label", numbers={}, labels=dict(texts))


def _require_size(column: str, values: Mapping[str, float]) -> None:
    """Raise UserError for numbers whose squares are too large to be added up."""
    largest = max(values.values(), key=abs)
    if abs(largest) > _LARGEST:
        raise UserError(
            f"numbers of {column!r} must lie within {_LARGEST:g} of 0, got {largest:g}: give them "
            "in another unit, or correct it"
        )


def _require_no_gap(column: str, texts: Mapping[str, str]) -> None:
    """Raise UserError for a column of numbers that says of an image that it has none: its numbers
    are not to be taken for labels."""
    gap = next((text for text in texts.values() if text.lower() in _GAPS), None)
    if gap is not None:
        raise UserError(
            f"{column!r} must hold numbers or labels, got numbers and {gap!r}: fill it in or "
            "remove the row"
        )


def _number(text: str) -> float | None:
    try:
        # Python takes 1_000 for a thousand.
        value = float(text) if "_" not in text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None
