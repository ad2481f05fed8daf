"""Renders a collection of CLEVR-style scenes into a folder of the official CLEVR layout.

    python -m data_prep.render --out FOLDER --split train --scenes 12000 --seed 1

writes `images/<split>/CLEVR_<split>_000000.png`, ... and `scenes/CLEVR_<split>_scenes.json`;
`--owners` adds `owners/<split>/`, pictures whose pixel values say which object is seen there
(0 the ground, k the k-th object). A killed run goes on where it stopped; `render_<split>.json` says
what the folder holds, so that nothing else is mixed into it.
"""

import io
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from data_prep.command_line import from_command_line
from data_prep.errors import UserError, one_line_errors
from data_prep.renderer import Renderer
from data_prep.sampler import FIELD_OF_VIEW_DEG, RADII, TARGET, Layout, project, sample_layout

MIN_VISIBLE_SHARE = 0.4
"""Smallest visible part of an object, as a share (0 to 1) of the disc that a ball of its size would
cover."""
_MAX_ATTEMPTS = 1000
_MIN_SIZE = 32  # below, a small object is a handful of pixels, and the rule above a lottery
_SAME_PLACE = 0.2  # CLEVR's tolerance for "left of" and "behind", in scene units


@dataclass(frozen=True, slots=True, kw_only=True)
class Render:
    """Renders CLEVR-style scenes in the official CLEVR layout."""

    out: Path
    """Folder to write."""
    split: str = "val"
    """Name of the split, part of the file names."""
    scenes: int = 100
    """Number of scenes."""
    seed: int = 0
    """Seed of the collection; another seed gives scenes that share nothing with it."""
    size: int = 128
    """Side of the pictures in pixels."""
    samples: int = 64
    """Light paths per pixel."""
    owners: bool = False
    """Also write which object every pixel shows."""


def render(config: Render) -> None:
    """Write the collection of scenes that `config` describes."""
    _check(config)
    images, owners = (config.out / kind / config.split for kind in ("images", "owners"))
    renderer = Renderer(size=config.size, samples=config.samples)
    _declare(config)
    records = []
    for index in tqdm(range(config.scenes), unit="scene", disable=None):
        layout, owner = _visible_layout(renderer, config.seed, index)
        name = f"CLEVR_{config.split}_{index:06d}.png"
        if not (images / name).exists():
            _save(renderer.render(layout, seed=_noise_seed(config.seed, index)), images / name)
        if config.owners and not (owners / name).exists():
            _save((owner + 1).astype(np.uint8), owners / name)
        records.append(_record(layout, index, name, config))
    info = {"split": config.split, "version": "1.0", "license": "MIT", "seed": config.seed}
    _write_json({"info": info, "scenes": records}, _scenes_file(config))


def _check(config: Render) -> None:
    """Raise UserError for an invalid option. This is not done when the object is made, because tyro
    would draw a frame of several lines around the error."""
    for name, least in (("scenes", 1), ("seed", 0), ("size", _MIN_SIZE), ("samples", 1)):
        if getattr(config, name) < least:
            raise UserError(
                f"--{name} must be at least {least}, got {getattr(config, name)}: give a larger "
                "number"
            )
    if not re.fullmatch(r"[A-Za-z0-9]+", config.split):
        raise UserError(
            f"--split must be letters and digits, got {config.split!r}: a name such as val"
        )


def _declare(config: Render) -> None:
    """Write down the options that determine the pictures. UserError if the folder holds a
    collection made with other options.

    The number of scenes and `owners` do not count as such options, so that a collection can be
    extended later.
    """
    file = config.out / f"render_{config.split}.json"
    declared = {name: getattr(config, name) for name in ("seed", "size", "samples")}
    if not file.exists():
        if _scenes_file(config).exists() or (config.out / "images" / config.split).exists():
            raise UserError(
                f"{str(config.out)!r} holds a split {config.split!r} that was not rendered by this "
                "command: choose another --out or --split"
            )
        _write_json(declared, file)
    begun = _read_declared(file)
    for name, value in declared.items():
        if begun.get(name) != value:
            raise UserError(
                f"{str(config.out)!r} holds a rendering with --{name} {begun.get(name)}, got "
                f"{value}: choose another --out or --split"
            )


def _read_declared(file: Path) -> dict[str, Any]:
    try:
        begun = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{str(file)!r} cannot be read ({error}): choose another --out") from error
    return begun if isinstance(begun, dict) else {}


def _scenes_file(config: Render) -> Path:
    return config.out / "scenes" / f"CLEVR_{config.split}_scenes.json"


def _visible_layout(renderer: Renderer, seed: int, index: int) -> tuple[Layout, np.ndarray]:
    """The first view of layout `index` in which enough of every object is visible, with the index
    of the object at each pixel."""
    for attempt in range(_MAX_ATTEMPTS):
        layout = sample_layout(seed, index, attempt=attempt)
        owner = renderer.owners(layout)
        seen = np.bincount(owner.ravel() + 1, minlength=len(layout.objects) + 1)[1:]
        centres = np.array([[o.x, o.y, o.radius] for o in layout.objects])
        depth = project(centres, layout.camera)[:, 2]
        radii = np.array([RADII[o.size] for o in layout.objects])
        half_width = depth * np.tan(np.deg2rad(FIELD_OF_VIEW_DEG) / 2)
        disc = np.pi * (radii / half_width * owner.shape[0] / 2) ** 2
        if (seen >= MIN_VISIBLE_SHARE * disc).all():
            return layout, owner
    raise RuntimeError(f"layout {index} of seed {seed} has no view with every object in sight")


def _noise_seed(seed: int, index: int) -> int:
    return int(np.random.SeedSequence(seed, spawn_key=(99, index)).generate_state(1)[0])


def _save(pixels: np.ndarray, path: Path) -> None:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    _write(stream.getvalue(), path)


def _write_json(content: Any, path: Path) -> None:
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


def _record(layout: Layout, index: int, name: str, config: Render) -> dict[str, Any]:
    """The entry of one scene in the official scenes file."""
    centres = np.array([[o.x, o.y, o.radius] for o in layout.objects])
    seen = project(centres, layout.camera) * (config.size, config.size, 1)
    directions = _directions(layout)
    return {
        "split": config.split,
        "image_index": index,
        "image_filename": name,
        "directions": {key: value.tolist() for key, value in directions.items()},
        "relationships": {
            key: _related(centres, directions[key]) for key in ("left", "right", "front", "behind")
        },
        "objects": [
            {
                "shape": placed.shape, "color": placed.color, "material": placed.material,
                "size": placed.size, "rotation": placed.rotation_deg,
                "3d_coords": centre.tolist(), "pixel_coords": pixel.tolist(),
            }
            for placed, centre, pixel in zip(layout.objects, centres, seen, strict=True)
        ],
    }  # fmt: skip


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


if __name__ == "__main__":
    with one_line_errors():
        render(from_command_line(Render, command="python -m data_prep.render"))
