"""Labels of images in a CSV file: one row per image, one column per attribute."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from data_prep.errors import UserError
from data_prep.files.foreign_csv import CsvTable, read_csv, separator_hint
from data_prep.files.tree import Tree, leaves
from data_prep.photographs.labels import attribute_name
from data_prep.plain_text import require_plain

FILE_COLUMNS = ("file", "filename", "image", "path")
_DECIMAL = re.compile(r"[+-]?\d*[.,]\d+(e[+-]?\d+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelTable:
    """The labels that a CSV file gives to images."""

    labels: Mapping[str, Mapping[str, str]]
    """The labels by name of the image and then by attribute."""
    values: Mapping[str, Set[str]]
    """For each attribute, in the order of the columns, the set of labels that occur."""
    left_out: Mapping[str, str]
    """Columns of the file that are not used as attributes, with the reason."""


def read_label_table(file: Path, tree: Tree, *, needed: bool = True) -> LabelTable:
    """Read the labels of a CSV file about images of `tree`.

    One column names the image's file, relative to the tree. Every other column is an attribute,
    unless it holds decimal numbers or a different text for every image. UserError for any fault in
    the file, with the number of the row, and for a table without attributes if one is `needed`.

    An image that is not there is a broken image like one that cannot be read, unless none is there.
    If no attribute is needed, the tree and not the table says which images there are, and then each
    must be there.
    """
    table = read_csv(file)
    names_image = file_column(table, file)
    columns = {name: attribute_name(name) for name in table.header if name != names_image}
    if len(set(columns.values())) < len(columns):
        raise UserError(
            f"{str(file)!r} has two columns of one name, got {', '.join(columns)}: rename one"
        )
    labels = _labels(table, names_image, columns)
    _require_images(table, list(labels), tree, all_needed=not needed)
    values = {own: [each[own] for each in labels.values()] for own in columns.values()}
    reasons = {own: _why_none(each) for own, each in values.items()}
    left_out = {own: reason for own, reason in reasons.items() if reason}
    _require_plain(table, {name: own for name, own in columns.items() if own not in left_out})
    if needed and len(left_out) == len(values):
        told = "; ".join(f"{name} {reason}" for name, reason in left_out.items())
        raise UserError(
            f"{str(file)!r} needs a column of labels beside {names_image!r}, got "
            f"{told or 'none'}: add one"
        )
    return LabelTable(
        labels={image: _without(each, left_out) for image, each in labels.items()},
        values={own: set(each) for own, each in values.items() if own not in left_out},
        left_out={**left_out, **table.left_out},
    )


def file_column(table: CsvTable, file: Path) -> str:
    """The column of a table that names the images. UserError if there is none."""
    by_name = {name.lower(): name for name in reversed(table.header)}
    for known in FILE_COLUMNS:
        if known in by_name:
            return by_name[known]
    raise UserError(
        f"{str(file)!r} needs a column that names the image ({', '.join(FILE_COLUMNS)}), got "
        f"{', '.join(table.header)}{separator_hint(table.header)}: rename it"
    )


def image_of(written: str, where: str) -> str:
    """The name of an image in the form in which a tree lists it. UserError for none, and for one
    that leads out of the tree."""
    if leaves(written):
        raise UserError(
            f"{where}: an image must lie inside the folder of images, got {written!r}: put it "
            "there and write its name from there on"
        )
    require_plain(written, f"{where}: the name of an image")
    return PurePosixPath(written).as_posix()


def _labels(
    table: CsvTable, names_image: str, columns: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """The labels by name of the image and then by attribute."""
    labels: dict[str, dict[str, str]] = {}
    for place, row in enumerate(table.rows):
        where = table.where(place)
        image = image_of(row[names_image], where)
        if image in labels:
            raise UserError(f"{where}: {image!r} has a row already: keep one")
        for name in columns:
            if not row[name]:
                raise UserError(f"{where}: no value for {name!r}: fill it in or remove the row")
        labels[image] = {own: row[name] for name, own in columns.items()}
    return labels


def _require_plain(table: CsvTable, columns: Mapping[str, str]) -> None:
    """Raise UserError for a label that cannot be shown as it is."""
    for place, row in enumerate(table.rows):
        for name in columns:
            require_plain(row[name], f"{table.where(place)}: a label of {name!r}")


def _require_images(
    table: CsvTable, images: Sequence[str], tree: Tree, *, all_needed: bool
) -> None:
    """Raise UserError if no image is in the tree, or if one is not where all are needed."""
    absent = [place for place, image in enumerate(images) if not tree.is_file(image)]
    if absent and (all_needed or len(absent) == len(images)):
        raise UserError(
            f"{table.where(absent[0])}: no image {images[absent[0]]!r} in {str(tree.root)!r} "
            f"({len(absent)} of {len(images)} missing): put it there or remove the row"
        )


def _why_none(values: Sequence[str]) -> str:
    """The reason why a column with these values is not an attribute; empty if it is one."""
    counts = Counter(values)
    if len(counts) < 2:
        return f"is {values[0]!r} for every image"
    if all(_DECIMAL.fullmatch(value) for value in values):
        return "holds numbers with decimals: make classes of it, such as low and high"
    if len(counts) == len(values) > 2:
        return "has another value for every image"
    return ""


def _without(labels: Mapping[str, str], left_out: Mapping[str, str]) -> dict[str, str]:
    return {name: label for name, label in labels.items() if name not in left_out}
