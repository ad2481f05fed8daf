"""A column of the user's CSV on the images of a run: what a decoder is fitted to."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
from numpy import ndarray

from analysis.concept.found import ColumnAsked
from data_prep.errors import UserError
from data_prep.files.foreign_csv import read_csv
from data_prep.photographs.label_table import file_column, image_of
from data_prep.photographs.value_column import Kind, read_value_column, require_enough
from data_prep.sources import folder_and_table

LEAST_IMAGES = 20
_OWN = "own/"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnOfItems:
    """The values of a column for the images of the own folder, in the order of the items."""

    kind: str
    items: pd.DataFrame
    """The items of the images that have a value, numbered anew from 0."""
    rows: list[int]
    """The row numbers of these images among all items."""
    values: ndarray
    """The values: floats, or whole numbers that are indices into `names`."""
    names: list[str]
    """The labels; empty if the column holds numbers."""
    n_without: int
    """The number of own images that have no row in the CSV."""


def column_of(
    items: pd.DataFrame, data: str, table: Path | None, column: str, kind: Kind
) -> ColumnOfItems:
    """The column's values for the own images. UserError if there is no CSV, or too little in the
    column to decode."""
    file = _csv(data, table)
    if file is None:
        raise UserError(
            f"--decode {column} needs a CSV with a column of images: name it with --table, or as "
            "--data images:FOLDER:CSV"
        )
    read = read_value_column(file, column, kind)
    given = read.numbers or read.labels
    own = [image for image in items["image"] if image.startswith(_OWN)]
    rows = [
        place
        for place, image in enumerate(items["image"])
        if image.startswith(_OWN) and image.removeprefix(_OWN) in given
    ]
    if len(rows) < LEAST_IMAGES:
        raise UserError(
            f"a decoder needs at least {LEAST_IMAGES} images with a value of {column!r}, got "
            f"{len(rows)} of {len(own)} own ones in {file.name}: add rows or images"
        )
    chosen = items.iloc[rows].reset_index(drop=True)
    images = [image.removeprefix(_OWN) for image in chosen["image"]]
    if read.kind == "number":
        values, names = np.array([read.numbers[image] for image in images]), []
    else:
        labels = {image: read.labels[image] for image in images}
        require_enough(column, labels)
        names = sorted(set(labels.values()))
        values = np.array([names.index(labels[image]) for image in images])
    return ColumnOfItems(
        kind=read.kind,
        items=chosen,
        rows=rows,
        values=values,
        names=names,
        n_without=len(own) - len(rows),
    )


def asked_of(column: ColumnOfItems) -> ColumnAsked:
    """Identifies the images and their values, so that a column is decoded anew when these
    change."""
    pairs = zip(column.items["scene_id"], column.values.tolist(), strict=True)
    content = repr([column.names, *pairs])
    return ColumnAsked(kind=column.kind, values=sha256(content.encode()).hexdigest())


def csv_columns(data: str, table: Path | None) -> Mapping[str, Mapping[str, str]]:
    """Every column of the CSV as text, by column name and then by the image of an item; empty if
    there is no CSV."""
    file = _csv(data, table)
    if file is None:
        return {}
    read = read_csv(file)
    names_image = file_column(read, file)
    images = [
        _OWN + image_of(row[names_image], read.where(place)) for place, row in enumerate(read.rows)
    ]
    return {
        name: {image: row[name] for image, row in zip(images, read.rows, strict=True)}
        for name in read.header
        if name != names_image
    }


def _csv(data: str, table: Path | None) -> Path | None:
    """The CSV that is named, or else that of the data; a relative path may also start in the data's
    folder. None if there is none."""
    folder, named = folder_and_table(data.partition(":")[2])
    wanted = table or named
    if wanted is None:
        return None
    inner = folder / wanted
    return inner if inner.is_file() else wanted.expanduser()
