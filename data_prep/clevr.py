"""Reader of the official CLEVR_v1.0 layout (Johnson et al., 2017, CVPR).

    FOLDER/images/<split>/CLEVR_<split>_000000.png
    FOLDER/scenes/CLEVR_<split>_scenes.json

A folder from elsewhere is not trusted: every field that is used is checked, and the name of an
image never leads out of `images/<split>`. The questions are read by clevr_questions.
"""

import json
import math
import re
import reprlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from data_prep.attributes import attribute
from data_prep.errors import UserError
from data_prep.questions import PROPERTIES
from data_prep.scenes import Scene, SceneObject

DEFAULT_SPLIT = "val"


class Record(NamedTuple):
    """One entry of a list in a JSON file, with its place for messages."""

    where: str
    fields: Mapping[str, Any]


def read_clevr(
    folder: Path, split: str = DEFAULT_SPLIT, *, limit: int | None = None
) -> list[Scene]:
    """The scenes of a split, the first `limit` of them, in the order of the file.

    `scene_id` is the name of the image without its ending. UserError for whatever is wrong with
    the folder: missing or broken files, unknown words, an image that is not there or lies
    outside of `images/<split>`.
    """
    return scenes_of(json_records(folder, split, "scenes"), folder, split, limit=limit)


def scenes_of(
    records: Sequence[Record], folder: Path, split: str, *, limit: int | None = None
) -> list[Scene]:
    """`read_clevr` for records already read."""
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
    absent = [each.image for each in scenes if not image_path(folder, split, each.image).is_file()]
    if absent:
        raise UserError(
            f"{str(folder / 'images' / split)!r} must hold an image per scene, {len(absent)} of "
            f"{len(scenes)} missing, first {absent[0]!r}: unpack the images again"
        )
    return scenes


def image_path(folder: Path, split: str, name: str) -> Path:
    """The file of an image, links followed; UserError if it is outside of the split's folder."""
    root = folder / "images" / split
    try:
        path = (root / name).resolve()
        inside = path.is_relative_to(root.resolve())
        path.is_file()  # raises for a name that is too long
    except (OSError, RuntimeError, ValueError):  # also: links in a circle, a null character
        path, inside = root, False
    if not inside:
        raise UserError(
            f"an image must lie inside {str(root)!r}, got {name!r}: put it there and correct its "
            "name in the JSON file"
        )
    return path


def json_records(folder: Path, split: str, kind: str) -> list[Record]:
    """The entries of `<kind>/CLEVR_<split>_<kind>.json`, under the key `kind` there."""
    path = _json_path(folder, split, kind)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"{str(path)!r} must be JSON, got a broken file ({error}): unpack it again"
        ) from error
    except OSError as error:
        raise UserError(
            f"{str(path)!r} cannot be read ({error.strerror}): correct its permissions"
        ) from error
    entries = content.get(kind) if isinstance(content, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UserError(
            f"{str(path)!r} must hold a list of objects named {kind!r}, got something else: take "
            "the file of the official release"
        )
    return [Record(f"{path.name}, {kind}[{n}]", entry) for n, entry in enumerate(entries)]


def text_field(record: Record, name: str) -> str:
    """A field that must be a text with something in it."""
    value = record.fields.get(name)
    if not isinstance(value, str) or not value.strip():
        raise _wrong(record, f"{name!r} must be a text", value)
    return value


def _json_path(folder: Path, split: str, kind: str) -> Path:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", split):
        raise UserError(f"a split is named with letters and digits, got {split!r}: such as val")
    if not folder.is_dir():
        raise UserError(f"no folder {str(folder)!r}: give the one that holds images/ and scenes/")
    path = folder / kind / f"CLEVR_{split}_{kind}.json"
    if not path.is_file():
        rule = f"the split needs the file {path.name}"
        if split == "test":
            rule = "the test split is published without scenes and answers"
        raise UserError(
            f"no {kind} for split {split!r} in {str(folder)!r}: {rule}: choose from the splits "
            f"that have them ({', '.join(_splits(folder, kind)) or 'none here'})"
        )
    return path


def _splits(folder: Path, kind: str) -> list[str]:
    """Splits with a file of that kind."""
    pattern = re.compile(rf"CLEVR_(.+)_{kind}\.json")
    found = (pattern.fullmatch(path.name) for path in (folder / kind).glob("*"))
    return sorted(match[1] for match in found if match)


def _scene(record: Record, split: str) -> Scene:
    image = text_field(record, "image_filename")
    things = record.fields.get("objects")
    if not isinstance(things, list) or not all(isinstance(thing, dict) for thing in things):
        raise _wrong(record, "'objects' must be a list of objects", things)
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
            raise _wrong(record, f"{name} must be one of {', '.join(known)}", value)
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
        raise _wrong(record, f"{name!r} must be 3 numbers", value)
    first, second, third = (_number(record, name, each) for each in value)
    return first, second, third


def _number(record: Record, name: str, value: object) -> float:
    """A finite number; JSON as Python reads it also has NaN, Infinity and endless integers."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            if math.isfinite(number := float(value)):
                return number
        except OverflowError:
            pass
    raise _wrong(record, f"{name!r} must be finite numbers", value)


def _wrong(record: Record, rule: str, value: object) -> UserError:
    return UserError(f"{record.where}: {rule}, got {reprlib.repr(value)}: correct the file")
