"""Makes the bundled minimal pairs from rendered pairs, whose scenes are those of the bundled set.

python -m data_prep.render --out runs/evaluation-pairs --split eval --scenes 300 --seed 2 --owners \
    --pairs color shape material size
python -m data_prep.bundled.build_pairs --data runs/evaluation-pairs --split eval
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from data_prep.bundled.blocks import blocks_jpeg, changed_blocks, paste_blocks
from data_prep.bundled.jpeg import jpeg_bytes, jpeg_round_trip
from data_prep.bundled.load import BundledScenes, load_bundled
from data_prep.bundled.pairs import FILE_NAME, METADATA_KEY
from data_prep.clevr import image_path, read_clevr, tree_of
from data_prep.command_line import from_command_line
from data_prep.errors import UserError, one_line_errors
from data_prep.files.image_file import UnreadableImageError, opened_image
from data_prep.pairs.minimal import Copies, Copy
from data_prep.pairs.pairs_file import pairs_file_name, read_pairs
from data_prep.pairs.reach import changed_outside, mean_changed_outside, outlines

THRESHOLD = 1
"""Blocks are stored in which a pixel differs by more grey levels than this. The differences of one
grey level that are left out lie all over the picture and would need more than half as many bytes
again."""

SCHEMA = pa.schema(
    {
        "base": pa.string(),
        "changed": pa.string(),
        "attribute": pa.string(),
        "object": pa.int64(),
        "value": pa.string(),
        "position_px": pa.list_(pa.float32(), 2),
        "coords": pa.list_(pa.float32(), 3),
        "blocks": pa.list_(pa.uint16()),
        "jpeg": pa.binary(),
    }
)
"""Columns of the Parquet file. Each row is one copy of a scene; what is not in it is as in the
scene."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPairs:
    """Packs rendered pairs into the Parquet file of the package."""

    data: Path
    """Folder that `python -m data_prep.render --pairs ... --owners` wrote."""
    split: str = "eval"
    """Split to pack."""
    out: Path = field(default_factory=lambda: Path(__file__).with_name(FILE_NAME))
    """File to write."""


def build_pairs(config: BuildPairs) -> None:
    """Write the Parquet file that `config` describes, either whole or not at all."""
    copies = _copies(config)
    packed = [_packed(copy, config) for copy in _checked(copies, load_bundled(), config)]
    outside: dict[str, list[dict[int, float]]] = {}
    for row, shares in packed:
        outside.setdefault(row["attribute"], []).append(shares)
    measured = {
        "threshold": THRESHOLD,
        "skipped": copies.skipped,
        "changed_outside": {name: mean_changed_outside(each) for name, each in outside.items()},
    }
    schema = SCHEMA.with_metadata({METADATA_KEY: json.dumps(measured).encode()})
    table = pa.Table.from_pylist([row for row, _ in packed], schema=schema)
    part = config.out.with_suffix(".part")
    # The pictures' equal headers, 600 bytes each, are stored about once.
    pq.write_table(table, part, compression="zstd", compression_level=19)
    os.replace(part, config.out)


def _copies(config: BuildPairs) -> Copies:
    scenes = read_clevr(config.data, config.split)
    copies = read_pairs(tree_of(config.data), config.split, scenes)
    if copies is None or not copies.copies:
        raise UserError(
            f"{str(config.data)!r} must hold pairs, got no {pairs_file_name(config.split)}: render "
            "with --pairs"
        )
    return copies


def _checked(copies: Copies, bundled: BundledScenes, config: BuildPairs) -> Iterator[Copy]:
    """The copies. UserError if the picture of a base scene is not the bundled one."""
    known = {scene.scene_id for scene in bundled.scenes}
    for copy in copies.copies:
        name = copy.base.scene_id
        path = image_path(config.data, config.split, copy.base.image)
        with opened_image(partial(path.open, "rb"), str(path)) as image:
            if name not in known or jpeg_bytes(image) != bundled.image_bytes(name):
                raise UserError(
                    f"bundled pairs are copies of bundled scenes, got another picture for {name!r}:"
                    " render with the recipe of the bundled scenes, on a processor of that family"
                )
        yield copy


def _packed(copy: Copy, config: BuildPairs) -> tuple[dict[str, Any], dict[int, float]]:
    """The row of a copy, and how far the change reaches in the pictures as they are read back."""
    base, changed = (_picture(config, each.image) for each in (copy.base, copy.changed))
    blocks = changed_blocks(base, changed, threshold=THRESHOLD)
    encoded = blocks_jpeg(changed, blocks)
    thing = copy.changed.objects[copy.target]
    row = {
        "base": copy.base.scene_id,
        "changed": copy.changed.scene_id,
        "attribute": copy.attribute,
        "object": copy.target,
        "value": getattr(thing, copy.attribute),
        "position_px": thing.position_px,
        "coords": thing.coords,
        "blocks": np.flatnonzero(blocks).tolist(),
        "jpeg": encoded,
    }
    read = jpeg_round_trip(Image.fromarray(base))
    one, other = (_picture(config, each.image, "owners") for each in (copy.base, copy.changed))
    inside = outlines(one, other, 1 + copy.target)  # in these pictures 0 is the ground
    return row, changed_outside(read, paste_blocks(read, blocks, encoded), inside)


def _picture(config: BuildPairs, name: str, kind: str = "images") -> np.ndarray:
    path = config.data / kind / config.split / name
    try:
        with opened_image(partial(path.open, "rb"), str(path)) as image:
            return np.asarray(image)
    except UnreadableImageError as error:
        raise UserError(
            f"{str(path)!r} cannot be read ({error.reason}): render with --owners, or once more"
        ) from error


if __name__ == "__main__":
    with one_line_errors():
        build_pairs(
            from_command_line(BuildPairs, command="python -m data_prep.bundled.build_pairs")
        )
