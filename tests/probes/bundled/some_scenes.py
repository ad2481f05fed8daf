"""Scenes drawn with Pillow in the official layout, with pictures of who is seen where."""

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from data_prep.sampler import COLORS_SRGB, MATERIALS, RADII, SHAPES

CELL = 32
"""Objects are squares of up to a CELL's width, one in a cell of a 4 x 4 grid."""


def write_scenes(folder: Path, n_scenes: int, *, split: str = "train", seed: int = 0) -> Path:
    """Scenes of 1 to 4 objects, 128 pixels; colours as in CLEVR, shapes in name only."""
    rng = np.random.default_rng(seed)
    for kind in ("images", "owners"):
        (folder / kind / split).mkdir(parents=True)
    (folder / "scenes").mkdir()
    records = []
    for index in range(n_scenes):
        name = f"CLEVR_{split}_{index:06d}.png"
        picture, owners = Image.new("RGB", (128, 128), (110, 110, 110)), Image.new("L", (128, 128))
        objects = []
        for number, cell in enumerate(rng.permutation(16)[: 1 + index % 4], start=1):
            thing = {
                "shape": str(rng.choice(SHAPES)), "color": str(rng.choice(list(COLORS_SRGB))),
                "material": str(rng.choice(MATERIALS)), "size": str(rng.choice(list(RADII))),
            }  # fmt: skip
            x, y = int(cell) % 4 * CELL + CELL // 2, int(cell) // 4 * CELL + CELL // 2
            half = 14 if thing["size"] == "large" else 7
            box = (x - half, y - half, x + half - 1, y + half - 1)
            ImageDraw.Draw(picture).rectangle(box, fill=COLORS_SRGB[thing["color"]])
            ImageDraw.Draw(owners).rectangle(box, fill=number)
            objects.append(
                thing | {"rotation": 0.0, "3d_coords": [x, y, 0.5], "pixel_coords": [x, y, 10.0]}
            )
        picture.save(folder / "images" / split / name)
        owners.save(folder / "owners" / split / name)
        records.append({"image_index": index, "image_filename": name, "objects": objects})
    path = folder / "scenes" / f"CLEVR_{split}_scenes.json"
    path.write_text(json.dumps({"info": {"split": split}, "scenes": records}))
    return folder
