"""Labels of images in a CSV file: one row per image, one column per attribute."""

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from data_prep.errors import UserError
from data_prep.files.tree import Tree, leaves
from data_prep.photographs.labels import attribute_name

FILE_COLUMNS = ("file", "filename", "image", "path")
_DECIMAL = re.compile(r"[+-]?\d*\.\d+(e[+-]?\d+)?", re.IGNORECASE)


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
    """
    header, rows = table_rows(file)
    names_image = file_column(header, file)
    columns = {name: attribute_name(name) for name in header if name != names_image}
    if len(set(columns.values())) < len(columns):
        raise UserError(f"{str(file)!r} has two columns of one name, got {', '.join(columns)}")
    labels: dict[str, dict[str, str]] = {}
    for number, row in enumerate(rows, start=2):
        where = f"{file.name}, row {number}"
        image = _image(row[names_image], tree, where)
        if image in labels:
            raise UserError(f"{where}: {image!r} has a row already: keep one")
        labels[image] = {own: row[name].strip() for name, own in columns.items()}
        for name, own in columns.items():
            if not labels[image][own]:
                raise UserError(f"{where}: no value for {name!r}: fill it in or remove the row")
    values = {own: [each[own] for each in labels.values()] for own in columns.values()}
    reasons = {own: _why_none(each) for own, each in values.items()}
    left_out = {own: reason for own, reason in reasons.items() if reason}
    if needed and len(left_out) == len(values):
        told = "; ".join(f"{name} {reason}" for name, reason in left_out.items())
        raise UserError(
            f"{str(file)!r} needs a column of labels beside {names_image!r}, got "
            f"{told or 'none'}: add one"
        )
    return LabelTable(
        labels={image: _without(each, left_out) for image, each in labels.items()},
        values={own: set(each) for own, each in values.items() if own not in left_out},
        left_out=left_out,
    )


def table_rows(file: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The header of a CSV file and its rows as dicts by column. UserError unless all rows have the
    length of the header."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            table = [row for row in csv.reader(stream, strict=True) if row]
    except OSError as error:
        raise UserError(f"cannot read the CSV {str(file)!r}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{str(file)!r} must be a CSV in UTF-8 ({error}): save it again") from error
    if len(table) < 2:
        raise UserError(f"{str(file)!r} must hold a header and at least 1 row, got {len(table)}")
    header = [name.strip() for name in table[0]]
    if len(set(header)) < len(header):
        raise UserError(f"{str(file)!r} has two columns of one name, got {', '.join(header)}")
    for number, row in enumerate(table[1:], start=2):
        if len(row) != len(header):
            raise UserError(
                f"{file.name}, row {number}: must have {len(header)} values like the header, got "
                f"{len(row)}: quote values that hold commas"
            )
    return header, [dict(zip(header, row, strict=True)) for row in table[1:]]


def file_column(header: Sequence[str], file: Path) -> str:
    by_name = {name.lower(): name for name in reversed(header)}
    for known in FILE_COLUMNS:
        if known in by_name:
            return by_name[known]
    raise UserError(
        f"{str(file)!r} needs a column that names the image ({', '.join(FILE_COLUMNS)}), got "
        f"{', '.join(header)}: rename it"
    )


def _image(written: str, tree: Tree, where: str) -> str:
    name = written.strip()
    if leaves(name):
        raise UserError(
            f"{where}: an image must lie inside {str(tree.root)!r}, got {name!r}: put it there and "
            "write its name from there on"
        )
    name = PurePosixPath(name).as_posix()
    if not tree.is_file(name):
        raise UserError(
            f"{where}: no image {name!r} in {str(tree.root)!r}: put it there or remove the row"
        )
    return name


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
