"""Makes the bundled set from rendered scenes.

python -m data_prep.render --out runs/evaluation-scenes --split eval --scenes 1536 --seed 2
python -m data_prep.bundled.build --data runs/evaluation-scenes --split eval
"""

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import datasets

from data_prep.bundled.jpeg import jpeg_bytes
from data_prep.bundled.load import FILE_NAME
from data_prep.clevr import image_path, read_clevr
from data_prep.command_line import from_command_line
from data_prep.errors import one_line_errors
from data_prep.files.image_file import opened_image
from data_prep.scenes import Scene

FEATURES = datasets.Features(
    {
        "scene_id": datasets.Value("string"),
        "split": datasets.Value("string"),
        "image": datasets.Image(decode=False),
        "objects": datasets.List(
            {
                "shape": datasets.Value("string"),
                "color": datasets.Value("string"),
                "material": datasets.Value("string"),
                "size": datasets.Value("string"),
                "position_px": datasets.List(datasets.Value("float32"), length=2),
                "coords": datasets.List(datasets.Value("float32"), length=3),
                "rotation_deg": datasets.Value("float32"),
            }
        ),
    }
)
"""Columns of the Parquet file. Each row is one scene, with its image as encoded bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """Packs rendered scenes into the Parquet file of the package."""

    data: Path
    """Folder of the official CLEVR layout."""
    split: str = "eval"
    """Split to pack."""
    out: Path = field(default_factory=lambda: Path(__file__).with_name(FILE_NAME))
    """File to write."""


def build(config: Build) -> None:
    """Write the Parquet file that `config` describes, either whole or not at all."""
    rows = list(_rows(read_clevr(config.data, config.split), config))
    part = config.out.with_suffix(".part")
    datasets.Dataset.from_list(rows, features=FEATURES).to_parquet(part)
    os.replace(part, config.out)


def _rows(scenes: list[Scene], config: Build) -> Iterator[dict[str, Any]]:
    for scene in scenes:
        path = image_path(config.data, config.split, scene.image)
        with opened_image(partial(path.open, "rb"), str(path)) as image:
            encoded = {"bytes": jpeg_bytes(image), "path": None}
        yield {
            "scene_id": scene.scene_id,
            "split": scene.split,
            "image": encoded,
            "objects": [asdict(thing) for thing in scene.objects],
        }


if __name__ == "__main__":
    with one_line_errors():
        build(from_command_line(Build, command="python -m data_prep.bundled.build"))
