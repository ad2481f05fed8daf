"""The files of the COCO layout (Lin et al. 2014, arXiv:1405.0312), read and checked.

    FOLDER/annotations/instances_<split>.json    images, annotations, categories
    FOLDER/annotations/captions_<split>.json     images, annotations (may be missing)
    FOLDER/<split>/*.jpg

A folder from elsewhere is not trusted: every field that is used is checked, and the name of an
image never leads out of FOLDER/<split>.
"""

import math
import re
import reprlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from data_prep.errors import UserError
from data_prep.files.foreign_json import read_json_file
from data_prep.files.names import is_plain
from data_prep.files.tree import leaves
from data_prep.plain_text import as_seen
from data_prep.scenes import Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A category of objects, such as "dog"."""

    name: str
    supercategory: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One annotated object, or a group of objects annotated as a crowd."""

    category: Category
    area_px: float
    is_crowd: bool
    box: Box | None = None
    """Where it lies; None if the file does not say."""


def read_images(content: Mapping[str, Any], file: Path) -> dict[int, str]:
    """The file name of each image by its id, in the order of the file. UserError for a fault in the
    file."""
    names: dict[int, str] = {}
    for where, entry in _entries(content, "images", file):
        number, name = entry.get("id"), entry.get("file_name")
        if type(number) is not int or number in names:
            raise _wrong(where, "'id' must be a number of its own", number)
        if not isinstance(name, str) or leaves(name):
            raise _wrong(where, "'file_name' must be a name inside the split's folder", name)
        if not is_plain(name):
            raise _wrong(where, "'file_name' must hold no control character", name)
        names[number] = PurePosixPath(name).as_posix()  # "./a.jpg" is "a.jpg"
    if not names:
        raise UserError(f"{str(file)!r} must list at least 1 image, got none: take another split")
    if len(set(names.values())) < len(names):
        raise UserError(f"{str(file)!r} lists an image twice: every image needs one entry")
    return names


def read_instances(
    content: Mapping[str, Any], images: Mapping[int, str], file: Path
) -> dict[int, list[Instance]]:
    """The annotated objects of each image by its id. UserError for a fault in the file."""
    categories = _categories(content, file)
    found: dict[int, list[Instance]] = {number: [] for number in images}
    for where, entry in _entries(content, "annotations", file):
        number, kind = entry.get("image_id"), entry.get("category_id")
        if type(number) is not int or number not in found:
            raise _wrong(where, "'image_id' must be that of an image", number)
        if type(kind) is not int or kind not in categories:
            raise _wrong(where, "'category_id' must be that of a category", kind)
        found[number].append(
            Instance(
                category=categories[kind],
                area_px=_area(where, entry.get("area")),
                is_crowd=_is_crowd(where, entry.get("iscrowd")),
                box=_box(where, entry.get("bbox")),
            )
        )
    _require_apart({each.category.name for every in found.values() for each in every}, file)
    return found


def _require_apart(names: Iterable[str], file: Path) -> None:
    """UserError for two categories that are the same to the eye. Those without objects do not
    count: exports of some tools begin with one that is named like the data set."""
    seen: dict[str, str] = {}
    for name in sorted(names):
        other = seen.setdefault(as_seen(name), name)
        if other != name:
            raise UserError(
                f"{str(file)!r}: categories must differ in more than case, underscores, blanks and "
                f"what is not seen, got {other[:80]!a} and {name[:80]!a}: rename one"
            )


def read_captions(
    content: Mapping[str, Any], images: Mapping[int, str], file: Path
) -> dict[int, list[str]]:
    """The captions of each image by its id. Captions of images that are not in `images` are
    ignored."""
    found: dict[int, list[str]] = {number: [] for number in images}
    for where, entry in _entries(content, "annotations", file):
        number, caption = entry.get("image_id"), entry.get("caption")
        if type(number) is not int:
            raise _wrong(where, "'image_id' must be a number", number)
        if not isinstance(caption, str):
            raise _wrong(where, "'caption' must be a text", caption)
        if number in found:
            found[number].append(caption)
    return found


def annotation_file(folder: Path, kind: str, split: str) -> Path:
    """Path of a split's annotation file; `kind` is "instances" or "captions". UserError if `split`
    cannot be the name of a split."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", split):
        raise UserError(f"a split is named with letters and digits, got {split!r}: such as val2017")
    return folder / "annotations" / f"{kind}_{split}.json"


def read_json(file: Path) -> Mapping[str, Any]:
    """The JSON object in a file. UserError if the file cannot be read or holds something else."""
    try:
        content = read_json_file(file)
    except OSError as error:
        raise UserError(
            f"{str(file)!r} cannot be read ({error.strerror or error}): unpack the annotations "
            "there"
        ) from error
    if not isinstance(content, dict):
        raise UserError(
            f"{str(file)!r} must hold an object, got {type(content).__name__}: take a file in "
            "COCO's layout"
        )
    return content


def _categories(content: Mapping[str, Any], file: Path) -> dict[int, Category]:
    found: dict[int, Category] = {}
    for where, entry in _entries(content, "categories", file):
        number, name = entry.get("id"), entry.get("name")
        if type(number) is not int or number in found:
            raise _wrong(where, "'id' must be a number of its own", number)
        if not isinstance(name, str) or not name.strip():
            raise _wrong(where, "'name' must be a text", name)
        found[number] = Category(name=name, supercategory=str(entry.get("supercategory", "")))
    return found


def _area(where: str, value: object) -> float:
    """The value as an area in square pixels. UserError unless it is finite and not negative."""
    area = _finite(value)
    if area is None or area < 0:
        raise _wrong(where, "'area' must be a number of square pixels", value)
    return area


def _is_crowd(where: str, value: object) -> bool:
    """COCO's 0 or 1 as a bool; False if there is none."""
    if value is not None and (not isinstance(value, int) or value not in (0, 1)):
        raise _wrong(where, "'iscrowd' must be 0 or 1", value)
    return bool(value)


def _box(where: str, value: object) -> Box | None:
    """COCO's left, top, width and height as a box; None if there is none, or one without area.
    UserError for anything else than four finite numbers."""
    if value is None:
        return None
    numbers = [_finite(each) for each in value] if isinstance(value, list) else []
    if len(numbers) != 4 or None in numbers:
        raise _wrong(where, "'bbox' must be left, top, width and height in pixels", value)
    left, top, width, height = (each for each in numbers if each is not None)
    # COCO itself has a few without any width or height: they show where nothing lies.
    is_box = width > 0 and height > 0
    return (left, top, left + width, top + height) if is_box else None


def _finite(value: object) -> float | None:
    """The value as a float. None unless it is a finite number: Python's JSON reader also accepts
    NaN, Infinity and integers that are too large for a float."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return number if math.isfinite(number := float(value)) else None
    except OverflowError:
        return None


def _entries(content: Mapping[str, Any], key: str, file: Path) -> list[tuple[str, dict[str, Any]]]:
    """The entries of the list under `key`, each with a description of its place for messages."""
    entries = content.get(key)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UserError(
            f"{str(file)!r} must hold a list of objects named {key!r}, got "
            f"{reprlib.repr(entries)}: take a file in COCO's layout"
        )
    return [(f"{file.name}, {key}[{number}]", entry) for number, entry in enumerate(entries)]


def _wrong(where: str, rule: str, value: object) -> UserError:
    return UserError(f"{where}: {rule}, got {reprlib.repr(value)}: correct the file")
