"""Reader of the official CLEVR_v1.0 and CoGenT layout (Johnson et al., 2017, CVPR).

    FOLDER/images/<split>/CLEVR_<split>_000000.png
    FOLDER/scenes/CLEVR_<split>_scenes.json

FOLDER may also be the zip archive as it is published; then it is read without being unpacked. A
folder from elsewhere is not trusted: every field that is used is checked, and the name of an
image never leads out of `images/<split>`.
"""

import math
import re
import reprlib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from data_prep.attributes import attribute
from data_prep.errors import UserError
from data_prep.files.archive import open_archive
from data_prep.files.foreign_json import read_json_stream
from data_prep.files.tree import INSTEAD_OF_LINKS, Folder, Tree, inside, leaves, link_out
from data_prep.questions import PROPERTIES
from data_prep.scenes import Scene, SceneObject

DEFAULT_SPLIT = "val"


class Record(NamedTuple):
    """An entry of a list in a JSON file, and where it stands, for messages."""

    where: str
    fields: Mapping[str, Any]


def read_clevr(
    folder: Path, split: str = DEFAULT_SPLIT, *, limit: int | None = None
) -> list[Scene]:
    """The scenes of a split in the order of the file; with `limit` only the first so many.

    `scene_id` is the name of the image without its ending. UserError for any fault of the folder:
    missing or broken files, unknown words, and an image that is missing or lies outside of
    `images/<split>`.
    """
    return scenes_of(json_records(folder, split, "scenes"), folder, split, limit=limit)


def scenes_of(
    records: Sequence[Record], folder: Path, split: str, *, limit: int | None = None
) -> list[Scene]:
    """Like `read_clevr`, for records that have already been read."""
    if limit is not None and limit < 1:
        raise UserError(f"need at least 1 scene, got a limit of {limit}: give a larger one")
    scenes = [_scene(record, split) for record in records[:limit]]
    if not scenes:
        raise UserError(f"need at least 1 scene, got none in {str(folder)!r}: take another split")
    for scene_id, times in Counter(scene.scene_id for scene in scenes).items():
        if times > 1:
            raise UserError(
                f"{str(folder)!r}: every scene needs an image of its own, got {scene_id!r} "
                f"{times} times: remove the copies"
            )
    require_images(tree_of(folder), split, [scene.image for scene in scenes])
    return scenes


def require_images(tree: Tree, split: str, images: Sequence[str]) -> None:
    """Raise UserError unless every image exists inside the split's folder."""
    absent = [each for each in images if not tree.is_file(image_name(tree, split, each))]
    for each in absent:
        _require_no_link_out(tree, image_name(tree, split, each))
    if absent:
        raise UserError(
            f"{str(tree.root / 'images' / split)!r} must hold an image per scene, {len(absent)} of "
            f"{len(images)} missing, first {absent[0]!r}: unpack the images again"
        )


def image_name(tree: Tree, split: str, name: str) -> str:
    """The name of an image in the tree. UserError if it lies outside of the split's folder."""
    if isinstance(tree, Folder):
        image_path(tree.root, split, name)
    elif leaves(name):
        raise _outside(tree.root / "images" / split, name)
    return f"images/{split}/{name}"


def image_path(folder: Path, split: str, name: str) -> Path:
    """The path of an image, with links followed. UserError if it lies outside of the split's
    folder."""
    root = folder / "images" / split
    path = inside(root, name)
    if path is None:
        raise _outside(root, name)
    return path


def tree_of(folder: Path) -> Tree:
    """The files of an unpacked CLEVR release, or of its zip archive."""
    if folder.is_file():
        return open_archive(folder)
    if not folder.is_dir():
        raise UserError(f"no folder {str(folder)!r}: give the one that holds images/ and scenes/")
    return Folder(folder)


def json_records(folder: Path, split: str, kind: str) -> list[Record]:
    """The entries under the key `kind` of the file `<kind>/CLEVR_<split>_<kind>.json`. UserError if
    it is missing or damaged."""
    tree = tree_of(folder)
    name = _json_name(tree, split, kind)
    return records_in(json_content(tree, name), tree.root / name, kind)


def json_content(tree: Tree, name: str) -> object:
    """What a JSON file holds. UserError if it cannot be read."""
    path = tree.root / name
    try:
        return read_json_stream(partial(tree.open, name), str(path))
    except OSError as error:
        remedy = "correct its permissions" if error.strerror else "download it again"
        raise UserError(
            f"{str(path)!r} cannot be read ({error.strerror or error}): {remedy}"
        ) from error


def records_in(content: object, path: Path, kind: str) -> list[Record]:
    """The entries under the key `kind` of what the file at `path` holds. UserError if they are no
    list of objects."""
    entries = content.get(kind) if isinstance(content, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UserError(
            f"{str(path)!r} must hold a list of objects named {kind!r}, got something else: take "
            "the file of the official release"
        )
    return [Record(f"{path.name}, {kind}[{n}]", entry) for n, entry in enumerate(entries)]


def text_field(record: Record, name: str) -> str:
    """The value of a field. UserError unless it is a text that is not empty."""
    value = record.fields.get(name)
    if not isinstance(value, str) or not value.strip():
        raise wrong_field(record, f"{name!r} must be a text", value)
    return value


def wrong_field(record: Record, rule: str, value: object) -> UserError:
    """The error for a field whose value breaks a rule."""
    return UserError(f"{record.where}: {rule}, got {reprlib.repr(value)}: correct the file")


def _json_name(tree: Tree, split: str, kind: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", split):
        raise UserError(f"a split is named with letters and digits, got {split!r}: such as val")
    name = f"{kind}/CLEVR_{split}_{kind}.json"
    if not tree.is_file(name):
        _require_no_link_out(tree, name)
        rule = f"the split needs the file CLEVR_{split}_{kind}.json"
        if split in ("test", "testA", "testB"):
            rule = f"the {split} split is published without scenes and answers"
        raise UserError(
            f"no {kind} for split {split!r} in {str(tree.root)!r}: {rule}: choose from the splits "
            f"that have them ({', '.join(_splits(tree, kind)) or 'none here'})"
        )
    return name


def _splits(tree: Tree, kind: str) -> list[str]:
    """Names of the splits that have a file of the given kind."""
    pattern = re.compile(rf"CLEVR_(.+)_{kind}\.json")
    found = (pattern.fullmatch(name) for name in tree.names(kind))
    return sorted(match[1] for match in found if match)


def _scene(record: Record, split: str) -> Scene:
    image = text_field(record, "image_filename")
    things = record.fields.get("objects")
    if not isinstance(things, list) or not all(isinstance(thing, dict) for thing in things):
        raise wrong_field(record, "'objects' must be a list of objects", things)
    records = [Record(f"{record.where}.objects[{n}]", thing) for n, thing in enumerate(things)]
    return Scene(
        scene_id=image.removesuffix(PurePosixPath(image).suffix),
        image=image,
        split=split,
        objects=tuple(_scene_object(each) for each in records),
    )


def _scene_object(record: Record) -> SceneObject:
    for name in PROPERTIES:
        known = attribute(name).answers
        if (value := record.fields.get(name)) not in known:
            raise wrong_field(record, f"{name} must be one of {', '.join(known)}", value)
    x, y, _ = _numbers(record, "pixel_coords")
    return SceneObject(
        **{name: record.fields[name] for name in PROPERTIES},
        position_px=(x, y),
        coords=_numbers(record, "3d_coords"),
        rotation_deg=_number(record, "rotation", record.fields.get("rotation")),
    )


def _numbers(record: Record, name: str) -> tuple[float, float, float]:
    value = record.fields.get(name)
    if not isinstance(value, list) or len(value) != 3:
        raise wrong_field(record, f"{name!r} must be 3 numbers", value)
    first, second, third = (_number(record, name, each) for each in value)
    return first, second, third


def _number(record: Record, name: str, value: object) -> float:
    """The value as a float. UserError unless it is a finite number: Python's JSON reader also
    accepts NaN, Infinity and integers that are too large for a float."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            if math.isfinite(number := float(value)):
                return number
        except OverflowError:
            pass
    raise wrong_field(record, f"{name!r} must be finite numbers", value)


def _outside(root: Path, name: str) -> UserError:
    if link := link_out(root, name):
        return UserError(
            f"an image must lie inside {str(root)!r}, got {name!r}: {link!r} is a link that leads "
            f"elsewhere: {INSTEAD_OF_LINKS}"
        )
    return UserError(
        f"an image must lie inside {str(root)!r}, got {name!r}: put it there and correct its "
        "name in the JSON file"
    )


def _require_no_link_out(tree: Tree, name: str) -> None:
    """UserError if a file is not in the folder because a link on the way to it leads elsewhere."""
    if isinstance(tree, Folder) and (link := link_out(tree.root, name)):
        raise UserError(
            f"{str(tree.root)!r} must hold its own files, got {link!r}, a link that leads "
            f"elsewhere: {INSTEAD_OF_LINKS}"
        )
