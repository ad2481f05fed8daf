"""Renders copies of training scenes in which one object is missing, and nothing else differs.

    python -m probes.bundled.remedies.removed --data runs/remedy-scenes \\
        --out runs/remedy-scenes-removed --scenes 2400

A copy has the camera, the lamps and the sampling noise of its scene. The split of the copies of
"train" is called "trainremoved". Scenes with one object have no copy, for nothing would be left of
them. A killed run goes on where it stopped.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from data_prep.command_line import from_command_line
from data_prep.errors import UserError, one_line_errors
from data_prep.option_rules import MOST_SCENES, Within
from data_prep.questions import PROPERTIES, referring_questions
from data_prep.render_options import Render, check, declare
from data_prep.rendered_files import picture_name, record_of, scene_of, write_json
from data_prep.renderer import Renderer
from data_prep.sampler import Layout, sample_layout
from data_prep.scenes import Scene, SceneObject
from data_prep.terminal.progress import Progress
from data_prep.views import render_view, visible_layout

_REMOVAL_STREAM = 97


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    """Renders copies of scenes with one object removed."""

    data: Path
    """Folder that `python -m data_prep.render` writes or has written."""
    out: Path
    """Folder to write."""
    split: str = "train"
    """Split of the data."""
    scenes: Annotated[int, Within(1, MOST_SCENES)] = 2400
    """Number of scenes of the data to copy; the first so many."""


def remove(config: Remove) -> None:
    """Write the copies and, when all of them are there, their scenes file."""
    rendering = _rendering(config)
    check(rendering)
    renderer = Renderer(size=rendering.size, samples=rendering.samples)
    declare(rendering)
    numbers = Progress(range(config.scenes), what="render", unit="scene")
    made = [_render_copy(rendering, renderer, index) for index in numbers]
    records = [record for record in made if record is not None]
    info = {"split": rendering.split, "version": "1.0", "license": "MIT", "seed": rendering.seed}
    write_json({"info": info, "scenes": records}, rendering.scenes_file)


def split_of_copies(split: str) -> str:
    """The name of the split that holds the copies of `split`."""
    return f"{split}removed"


def removed_object(scene: Scene, copy: Scene) -> int:
    """The index of the object of `scene` that its copy lacks. UserError if anything else differs.

    Their places are computed again for the copy, which on some processors moves the last digit.
    """
    for target in range(scene.n_objects):
        others = scene.objects[:target] + scene.objects[target + 1 :]
        if len(others) == copy.n_objects and all(map(_alike, others, copy.objects)):
            return target
    raise UserError(
        f"scene {copy.scene_id!r} must be {scene.scene_id!r} with one object removed, got other "
        "objects: make the copies from these scenes, in a new folder"
    )


def _alike(one: SceneObject, other: SceneObject) -> bool:
    def places(each: SceneObject) -> tuple[float, ...]:
        return (*each.position_px, *each.coords, each.rotation_deg)

    moved = replace(one, position_px=other.position_px, coords=other.coords,
                    rotation_deg=other.rotation_deg)  # fmt: skip
    return moved == other and np.allclose(places(one), places(other), rtol=0, atol=1e-9)


def drawn_target(layout: Layout, seed: int, index: int) -> int | None:
    """The object to remove from layout number `index`, drawn with equal probability among those
    that a referring question can be asked about. None if there is none, or no other object."""
    scene = scene_of(layout, image="", split="", size=1)
    askable = [
        target
        for target in range(scene.n_objects)
        if any(referring_questions(scene, name, target=target) for name in PROPERTIES)
    ]
    if not askable or scene.n_objects < 2:
        return None
    key = np.random.SeedSequence(seed, spawn_key=(_REMOVAL_STREAM, index))
    return askable[np.random.default_rng(key).integers(len(askable))]


def without(layout: Layout, target: int) -> Layout:
    """The layout without object number `target`."""
    return replace(layout, objects=layout.objects[:target] + layout.objects[target + 1 :])


def _render_copy(rendering: Render, renderer: Renderer, index: int) -> dict[str, Any] | None:
    """Write the copy of scene number `index`. Returns its record, or None if it has no copy."""
    if len(sample_layout(rendering.seed, index).objects) < 2:
        return None
    layout, _ = visible_layout(renderer, rendering.seed, index)
    target = drawn_target(layout, rendering.seed, index)
    if target is None:
        return None
    changed = without(layout, target)
    name = picture_name(rendering.split, index)
    render_view(rendering, renderer, changed, renderer.owners(changed), name, index)
    return record_of(changed, image=name, number=index, split=rendering.split, size=rendering.size)


def _rendering(config: Remove) -> Render:
    """The options of the data, for the folder of the copies."""
    file = config.data / f"render_{config.split}.json"
    try:
        declared = json.loads(file.read_text())
        seed, size, samples = (int(declared[name]) for name in ("seed", "size", "samples"))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"copies are made of scenes of this renderer, and {str(file)!r} cannot be read "
            f"({error}): give a folder that python -m data_prep.render wrote"
        ) from error
    split = split_of_copies(config.split)
    return Render(
        out=config.out, split=split, scenes=config.scenes, owners=True,
        seed=seed, size=size, samples=samples,
    )  # fmt: skip


if __name__ == "__main__":
    with one_line_errors():
        remove(from_command_line(Remove, command="python -m probes.bundled.remedies.removed"))
