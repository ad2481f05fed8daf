"""Which columns of a data set of the Hub are its images and its labels."""

from collections.abc import Mapping
from typing import Any

import datasets

from data_prep.errors import UserError
from data_prep.photographs.labels import attribute_name

IMAGE = "image"
"""The key of `columns` that stands for the column of images. Every other key is an attribute."""


def chosen_columns(
    features: Mapping[str, Any], asked: Mapping[str, str], name: str
) -> dict[str, str]:
    """The column of each attribute and of the images. UserError for a column that cannot be
    used."""
    images = [column for column, kind in features.items() if isinstance(kind, datasets.Image)]
    image = asked.get(IMAGE, images[0] if images else IMAGE)
    columns = {key: own for key, own in asked.items() if key != IMAGE}
    if not columns:
        columns = {
            own: own for own, kind in features.items() if isinstance(kind, datasets.ClassLabel)
        }
    chosen = {IMAGE: image}
    for key, column in columns.items():
        attribute = attribute_name(key)
        if attribute in chosen:
            raise UserError(
                f"the attributes of the data set {name!r} must differ in letters and digits, and "
                f"none may be {IMAGE!r}, got {key!r} beside {chosen[attribute]!r}: name them with "
                "--columns image=COLUMN NAME=COLUMN"
            )
        chosen[attribute] = column
    for column in chosen.values():
        if column not in features:
            raise UserError(
                f"the data set {name!r} has no column {column!r}: choose from "
                f"{', '.join(features) or 'none'} with --columns image=COLUMN NAME=COLUMN"
            )
    if len(chosen) == 1:
        others = [column for column in features if column not in images]
        raise UserError(
            f"the data set {name!r} has no column of classes: name one of "
            f"{', '.join(others) or 'none'} with --columns NAME=COLUMN"
        )
    for attribute, column in chosen.items():
        if attribute != IMAGE:
            _require_labels(features[column], column)
    return chosen


def _require_labels(kind: Any, column: str) -> None:
    if isinstance(kind, datasets.ClassLabel):
        return
    dtype = str(getattr(kind, "dtype", "")) if isinstance(kind, datasets.Value) else ""
    if dtype.startswith(("float", "double", "decimal")):
        raise UserError(
            f"a label must be a name or a whole number, column {column!r} holds {dtype}: add a "
            "column of classes to the data, such as low and high, and name that one"
        )
    if not dtype.startswith(("string", "large_string", "int", "uint", "bool")):
        raise UserError(
            f"a label must be a name or a whole number, column {column!r} holds "
            f"{dtype or type(kind).__name__}: name another one"
        )
