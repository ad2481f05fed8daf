"""Rendered training scenes as arrays: pictures, and what every patch of them shows."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int8, UInt8
from numpy import ndarray
from PIL import Image

from data_prep.attributes import attribute
from data_prep.bundled.jpeg import jpeg_round_trip
from data_prep.clevr import read_clevr
from data_prep.errors import UserError
from data_prep.files.image_file import UnreadableImageError, opened_image
from data_prep.questions import PROPERTIES
from data_prep.scenes import Scene
from probes.bundled.architecture import GRID, IMAGE_SIZE, PATCH_SIZE

_MIN_PATCH_PIXELS = 24  # a tenth of a patch: less of an object does not show what it is


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingScenes:
    """Scenes of one split, in the order of their ids."""

    scenes: list[Scene]
    images: UInt8[ndarray, "scene height width 3"]
    patch_labels: Int8[ndarray, "scene patch property"]
    """Answer number of size, color, material and shape of the object on a patch; -1 for none."""
    centres: Bool[ndarray, "scene patch"]
    """Whether the middle of the visible part of some object lies on the patch."""

    def __len__(self) -> int:
        return len(self.scenes)


def read_training_scenes(folder: Path, split: str, *, limit: int | None = None) -> TrainingScenes:
    """Reads what `python -m data_prep.render --owners` wrote.

    UserError if pictures are not IMAGE_SIZE pixels wide and high, or if one of who is seen where
    is missing or leaves out an object.
    """
    scenes = read_clevr(folder, split, limit=limit)
    images, labels, centres = [], [], []
    for scene in scenes:
        images.append(jpeg_round_trip(_opened(folder / "images" / split / scene.image)))
        owners = np.asarray(_opened(folder / "owners" / split / scene.image))
        unseen = sorted({*range(1, len(scene.objects) + 1)} - {*np.unique(owners).tolist()})
        if unseen or not scene.objects:
            raise UserError(
                f"scene {scene.scene_id!r}: every object must be seen in owners/{split}, and "
                f"there must be one, got none of number {unseen[0] if unseen else 1}: render the "
                "scenes again, in a new folder"
            )
        label, centre = _patch_truth(owners, scene)
        labels.append(label)
        centres.append(centre)
    return TrainingScenes(
        scenes=scenes,
        images=np.stack(images),
        patch_labels=np.stack(labels),
        centres=np.stack(centres),
    )


def _opened(path: Path) -> Image.Image:
    try:
        with opened_image(lambda: path.open("rb"), str(path)) as image:
            image.load()
    except UnreadableImageError as error:
        raise UserError(
            f"training needs a picture {str(path)!r}, which cannot be read ({error.reason}): "
            "render the scenes with --owners"
        ) from error
    if image.size != (IMAGE_SIZE, IMAGE_SIZE):
        raise UserError(
            f"training needs pictures of {IMAGE_SIZE} x {IMAGE_SIZE} pixels, got {image.size[0]} "
            f"x {image.size[1]} in {str(path)!r}: render the scenes with --size {IMAGE_SIZE}"
        )
    return image


def _patch_truth(
    owners: UInt8[ndarray, "height width"], scene: Scene
) -> tuple[Int8[ndarray, "patch property"], Bool[ndarray, " patch"]]:
    n_objects = len(scene.objects)
    one_hot = owners[..., None] == np.arange(1, n_objects + 1)
    per_patch = one_hot.reshape(GRID, PATCH_SIZE, GRID, PATCH_SIZE, n_objects).sum(axis=(1, 3))
    per_patch = per_patch.reshape(GRID * GRID, n_objects)
    properties = np.array(
        [[attribute(p).answers.index(getattr(o, p)) for p in PROPERTIES] for o in scene.objects],
        dtype=np.int8,
    )
    labels = properties[per_patch.argmax(axis=1)]
    labels[per_patch.max(axis=1) < _MIN_PATCH_PIXELS] = -1
    centres = np.zeros((GRID, GRID), dtype=bool)
    for k in range(n_objects):
        row, column = (np.flatnonzero(one_hot[..., k].any(axis=1 - axis)) for axis in (0, 1))
        centres[int(row.mean()) // PATCH_SIZE, int(column.mean()) // PATCH_SIZE] = True
    return labels, centres.ravel()
