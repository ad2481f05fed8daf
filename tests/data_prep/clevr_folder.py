"""A tiny folder in the official layout, to read and to damage."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

OBJECTS = [
    ["large red metal sphere", "small blue rubber cube", "small cyan metal cylinder"],
    ["large gray rubber cube", "small gray rubber cube", "large red metal cube",
     "small red metal cube"],
]  # fmt: skip
"""Of the two scenes."""


def write_clevr(folder: Path, split: str = "val") -> Path:
    """Writes two scenes with their images, 8 x 6 pixels with an alpha channel."""
    for kind in ("images", "scenes", "questions"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    (folder / "images" / split).mkdir()
    records = []
    for index, phrases in enumerate(OBJECTS):
        name = f"CLEVR_{split}_{index:06d}.png"
        Image.new("RGBA", (8, 6), (10 + index, 20, 30, 128)).save(folder / "images" / split / name)
        records.append(
            {
                "image_index": index,
                "image_filename": name,
                "split": split,
                "directions": {},
                "relationships": {},
                "objects": [clevr_object(phrase, x) for x, phrase in enumerate(phrases)],
            }
        )
    write_json(folder, "scenes", records, split)
    return folder


def clevr_object(phrase: str, x: int) -> dict[str, Any]:
    """An object as in the scenes file."""
    size, color, material, shape = phrase.split()
    return {
        "size": size, "color": color, "material": material, "shape": shape, "rotation": 30,
        "3d_coords": [x, 0.5, 0.35], "pixel_coords": [10 * x, 3, 11.5],
    }  # fmt: skip


def write_json(folder: Path, kind: str, records: Any, split: str = "val") -> None:
    """Writes `records` as the file of that kind."""
    path = folder / kind / f"CLEVR_{split}_{kind}.json"
    path.write_text(json.dumps({"info": {"split": split}, kind: records}))


def edit_json(folder: Path, kind: str, edit: Callable[[list[dict[str, Any]]], Any]) -> None:
    """Changes the records of a file of the val split in place."""
    records = json.loads((folder / kind / f"CLEVR_val_{kind}.json").read_text())[kind]
    edit(records)
    write_json(folder, kind, records)
