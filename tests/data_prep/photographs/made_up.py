"""Small data sets of photographs, to read and to damage: COCO, own folders, a Hub folder."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from data_prep.scene_data import SceneData
from data_prep.scenes import Photograph

CATEGORIES = [
    {"id": 1, "name": "person", "supercategory": "person"},
    {"id": 17, "name": "cat", "supercategory": "animal"},
    {"id": 18, "name": "dog", "supercategory": "animal"},
    {"id": 67, "name": "dining table", "supercategory": "furniture"},
    {"id": 38, "name": "kite", "supercategory": "sports"},
]
SPLIT = "val2017"


def picture(number: int, size: tuple[int, int] = (12, 9)) -> Image.Image:
    """Noise, another for every number."""
    pixels = np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def encoded(number: int) -> bytes:
    stream = io.BytesIO()
    picture(number).save(stream, format="PNG")
    return stream.getvalue()


def annotation(image_id: int, category_id: int, area: float, **more: Any) -> dict[str, Any]:
    return {"image_id": image_id, "category_id": category_id, "area": area, "iscrowd": 0, **more}


def write_coco(
    folder: Path,
    annotations: Mapping[int, Sequence[tuple[int, float]]],
    captions: Mapping[int, Sequence[str]] | None = None,
) -> Path:
    """By image id: (category id, area) of its annotations, and its captions."""
    (folder / "annotations").mkdir(parents=True)
    (folder / SPLIT).mkdir()
    images = []
    for number in annotations:
        images.append({"id": number, "file_name": f"{number:012d}.jpg"})
        picture(number).save(folder / SPLIT / f"{number:012d}.jpg")
    boxed = {"bbox": [4, 3, 4, 3]}
    instances = [annotation(n, *each, **boxed) for n, own in annotations.items() for each in own]
    write_annotations(
        folder,
        "instances",
        {"images": images, "annotations": instances, "categories": CATEGORIES},
    )
    if captions is not None:
        said = [{"image_id": n, "caption": text} for n, own in captions.items() for text in own]
        write_annotations(folder, "captions", {"images": images, "annotations": said})
    return folder


def write_annotations(folder: Path, kind: str, content: Any) -> None:
    (folder / "annotations" / f"{kind}_{SPLIT}.json").write_text(json.dumps(content))


def edit_annotations(folder: Path, kind: str, **changes: Any) -> None:
    """Puts other lists in place of some; None takes one away."""
    file = folder / "annotations" / f"{kind}_{SPLIT}.json"
    content = json.loads(file.read_text()) | changes
    kept = {key: each for key, each in content.items() if each is not None}
    write_annotations(folder, kind, kept)


def many_coco(folder: Path, n_images: int) -> Path:
    """A third cats, a third dogs, a third people at tables; every second with a kite besides."""
    kinds = [[(17, 50.0)], [(18, 60.0)], [(1, 70.0), (67, 20.0)]]
    said = ["a cat on the grass", "a dog at the beach", "a man eating in a kitchen"]
    annotations = {
        number: [*kinds[number % 3], *([(38, 10.0)] if number % 2 else [])]
        for number in range(n_images)
    }
    captions = {number: [said[number % 3]] * 2 + ["a photo"] for number in range(n_images)}
    return write_coco(folder, annotations, captions)


def write_images(folder: Path, labels: Sequence[str], each: int, first: int = 0) -> Path:
    """A sub-folder per label, or the folder itself for an empty one, with `each` images."""
    for place, label in enumerate(labels):
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number in range(each):
            name = f"{first + number:03d}.png"
            picture(first + 1000 * place + number).save(folder / label / name)
    return folder


def write_hub(folder: Path, n_rows: int, split: str = "train") -> Path:
    """A parquet file as the Hub has it: images, classes, names, numbers."""
    kinds = ["cat", "dog", "red_fox"]
    rows = [
        {
            "img": {"bytes": encoded(number), "path": None},
            "kind": number % 3,
            "size": ["small", "large"][number % 2],
            "year": 1990 + number % 2,
            "indoors": number % 2 == 0,
            "score": number / 2,
        }
        for number in range(n_rows)
    ]
    features = datasets.Features(
        img=datasets.Image(),
        kind=datasets.ClassLabel(names=kinds),
        size=datasets.Value("string"),
        year=datasets.Value("int64"),
        indoors=datasets.Value("bool"),
        score=datasets.Value("float32"),
    )
    table = datasets.Dataset.from_list(rows, features=features).data.table
    (folder / "data").mkdir(parents=True, exist_ok=True)
    pq.write_table(
        table.replace_schema_metadata(features.arrow_schema.metadata),
        folder / "data" / f"{split}-00000-of-00001.parquet",
    )
    return folder


def photographs(data: SceneData) -> list[Photograph]:
    """The scenes of data that has no others."""
    found = [scene for scene in data.scenes if isinstance(scene, Photograph)]
    assert len(found) == len(data.scenes)
    return found
