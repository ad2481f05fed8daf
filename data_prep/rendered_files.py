"""The files of a rendered collection: pictures, and the record of each scene as in CLEVR's scenes
file."""

import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from data_prep.errors import UserError
from data_prep.sampler import TARGET, Layout, project
from data_prep.scenes import Scene, SceneObject

_SAME_PLACE = 0.2  # CLEVR's tolerance for "left of" and "behind", in scene units


def picture_name(split: str, number: int) -> str:
    """The name of a picture, as CLEVR's generator forms it."""
    return f"CLEVR_{split}_{number:06d}.png"


def save_picture(pixels: np.ndarray, path: Path) -> None:
    """Write the picture as PNG, either whole or not at all."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    _write(stream.getvalue(), path)


def write_json(content: Any, path: Path) -> None:
    """Write the content as JSON, either whole or not at all."""
    _write(json.dumps(content).encode(), path)


def _write(content: bytes, path: Path) -> None:
    """Write the file either whole or not at all. Its folder is created if needed."""
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        os.replace(part, path)
    except OSError as error:
        raise UserError(
            f"cannot write {str(path)!r} ({error.strerror}): free space or choose another --out "
            "and run again; what is written is kept"
        ) from error


def scene_of(layout: Layout, *, image: str, split: str, size: int) -> Scene:
    """The layout as the scene that is read back from its record; `size` is the side of the picture
    in pixels."""
    centres = _centres(layout)
    places = project(centres, layout.camera)[:, :2] * size
    return Scene(
        scene_id=Path(image).stem,
        image=image,
        split=split,
        objects=tuple(
            SceneObject(
                shape=placed.shape, color=placed.color, material=placed.material,
                size=placed.size, rotation_deg=placed.rotation_deg,
                position_px=(place[0], place[1]), coords=(centre[0], centre[1], centre[2]),
            )
            for placed, centre, place in zip(
                layout.objects, centres.tolist(), places.tolist(), strict=True
            )
        ),
    )  # fmt: skip


def record_of(layout: Layout, *, image: str, number: int, split: str, size: int) -> dict[str, Any]:
    """The entry of one scene in the official scenes file."""
    centres = _centres(layout)
    depths = project(centres, layout.camera)[:, 2].tolist()
    directions = _directions(layout)
    scene = scene_of(layout, image=image, split=split, size=size)
    return {
        "split": split,
        "image_index": number,
        "image_filename": image,
        "directions": {key: value.tolist() for key, value in directions.items()},
        "relationships": {
            key: _related(centres, directions[key]) for key in ("left", "right", "front", "behind")
        },
        "objects": [
            {
                "shape": thing.shape, "color": thing.color, "material": thing.material,
                "size": thing.size, "rotation": thing.rotation_deg,
                "3d_coords": list(thing.coords), "pixel_coords": [*thing.position_px, depth],
            }
            for thing, depth in zip(scene.objects, depths, strict=True)
        ],
    }  # fmt: skip


def _centres(layout: Layout) -> np.ndarray:
    return np.array([[o.x, o.y, o.radius] for o in layout.objects])


def _directions(layout: Layout) -> dict[str, np.ndarray]:
    """Unit vectors in scene coordinates for "left", "right", "front" and "behind", which lie on the
    ground as the camera sees it, and for "above" and "below"."""
    behind = np.array(TARGET) - np.array(layout.camera)
    behind[2] = 0
    behind /= np.linalg.norm(behind)
    above = np.array([0.0, 0.0, 1.0])
    right = np.cross(behind, above)
    named = {"right": right, "behind": behind, "above": above}
    return named | {"left": -right, "front": -behind, "below": -above}


def _related(centres: np.ndarray, direction: np.ndarray) -> list[list[int]]:
    """For each object the indices of the objects that lie in `direction` from it."""
    along = centres @ direction
    return [np.flatnonzero(along > place + _SAME_PLACE).tolist() for place in along]
