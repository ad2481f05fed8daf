"""Reads the bundled minimal pairs: copies of evaluation scenes in which one attribute of one object
differs. Of each copy only the blocks are stored in which it differs from its scene."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import as_file, files
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from jaxtyping import Bool
from numpy import ndarray
from PIL import Image

from data_prep.bundled.blocks import SIDE, paste_blocks
from data_prep.bundled.load import BundledScenes
from data_prep.pairs.minimal import Copies, Copy, minimal_pairs
from data_prep.pairs.pair import Pairs
from data_prep.scenes import Scene

FILE_NAME = "pairs.parquet"
METADATA_KEY = b"minimal_pairs"
"""Key of the file's metadata under which JSON says how the pairs were made and measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A picture as what differs from another."""

    base: str
    """Key of the image that it is put over."""
    blocks: tuple[int, ...]
    """Numbers of the stored blocks, counted row by row."""
    encoded: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BundledPairs:
    """The copies of the bundled scenes, and their pictures."""

    copies: Copies
    patches: Mapping[str, Patch]
    """What is stored of the picture of each copy, by the copy's `image`."""


def load_bundled_pairs(bundled: BundledScenes) -> BundledPairs:
    """The minimal pairs of the package, whose base scenes are scenes of `bundled`."""
    with as_file(files("data_prep.bundled").joinpath(FILE_NAME)) as path:
        table = pq.read_table(path)
    rows: list[dict[str, Any]] = table.to_pylist()
    measured = json.loads((table.schema.metadata or {})[METADATA_KEY])
    scenes = {scene.scene_id: scene for scene in bundled.scenes}
    return BundledPairs(
        copies=Copies(
            copies=tuple(_copy(row, scenes[row["base"]]) for row in rows),
            skipped=measured["skipped"],
            changed_outside={
                name: {int(threshold): share for threshold, share in shares.items()}
                for name, shares in measured["changed_outside"].items()
            },
        ),
        patches={
            row["changed"]: Patch(
                base=row["base"], blocks=tuple(row["blocks"]), encoded=row["jpeg"]
            )
            for row in rows
        },
    )


def bundled_pairs(
    bundled: BundledScenes,
    open_image: Callable[[str], Image.Image],
    image_size: Callable[[str], tuple[int, int]],
    attribute: str,
) -> Pairs:
    """The bundled minimal pairs of an attribute. `open_image` and `image_size` are those of the
    bundled scenes."""
    stored = load_bundled_pairs(bundled)
    return minimal_pairs(
        stored.copies,
        partial(_open, stored.patches, open_image),
        partial(_size, stored.patches, image_size),
        attribute,
    )


def chosen_blocks(
    numbers: tuple[int, ...], *, width: int, height: int
) -> Bool[ndarray, "row column"]:
    """Whether each block of a picture is among those with the given numbers."""
    chosen = np.zeros((height // SIDE, width // SIDE), dtype=bool)
    chosen.flat[list(numbers)] = True
    return chosen


def _open(
    patches: Mapping[str, Patch], open_image: Callable[[str], Image.Image], key: str
) -> Image.Image:
    if key not in patches:
        return open_image(key)
    patch = patches[key]
    base = open_image(patch.base)
    chosen = chosen_blocks(patch.blocks, width=base.width, height=base.height)
    return Image.fromarray(paste_blocks(np.array(base), chosen, patch.encoded))


def _size(
    patches: Mapping[str, Patch], image_size: Callable[[str], tuple[int, int]], key: str
) -> tuple[int, int]:
    return image_size(patches[key].base if key in patches else key)


def _copy(row: Mapping[str, Any], base: Scene) -> Copy:
    things = list(base.objects)
    things[row["object"]] = replace(
        things[row["object"]],
        **{row["attribute"]: row["value"]},
        position_px=tuple(row["position_px"]),
        coords=tuple(row["coords"]),
    )
    name = row["changed"]
    changed = replace(base, scene_id=name, image=name, objects=tuple(things))
    return Copy(attribute=row["attribute"], target=row["object"], base=base, changed=changed)
