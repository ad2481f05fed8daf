"""Reads the bundled evaluation scenes."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Any

import pyarrow.parquet as pq

from data_prep.errors import UserError
from data_prep.scenes import Scene, SceneObject

FILE_NAME = "scenes.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class BundledScenes:
    """The bundled scenes in the order of their ids, and their images as encoded bytes."""

    scenes: tuple[Scene, ...]
    _bytes: Mapping[str, bytes]

    def image_bytes(self, key: str) -> bytes:
        """The encoded image with the key `key`, which is a scene's `image`."""
        if key not in self._bytes:
            raise UserError(f"the bundled scenes have no image {key!r}: take one of their names")
        return self._bytes[key]


def load_bundled() -> BundledScenes:
    """The evaluation scenes of the package: images of 128 x 128 pixels with 1 to 6 objects, and
    equally many scenes for each number of objects."""
    with as_file(files("data_prep.bundled").joinpath(FILE_NAME)) as path:
        # By Arrow alone: `datasets` takes most of a second to import, and leaves copies.
        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    scenes = [_scene(row) for row in rows]
    return BundledScenes(
        scenes=tuple(sorted(scenes, key=lambda scene: scene.scene_id)),
        _bytes={row["scene_id"]: row["image"]["bytes"] for row in rows},
    )


def _scene(row: Mapping[str, Any]) -> Scene:
    things = (
        SceneObject(
            **{name: thing[name] for name in ("shape", "color", "material", "size")},
            position_px=tuple(thing["position_px"]),
            coords=tuple(thing["coords"]),
            rotation_deg=thing["rotation_deg"],
        )
        for thing in row["objects"]
    )
    scene_id = row["scene_id"]
    return Scene(scene_id=scene_id, image=scene_id, split=row["split"], objects=tuple(things))
