"""Inputs that must be taken: folders, pictures and texts, before anything is done to them."""

import io
import json
import shutil
import zipfile
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from PIL import Image

from analysis.run.study import Study
from tests.data_prep.clevr_folder import write_clevr
from tests.data_prep.photographs.made_up import many_coco, write_hub, write_images
from tests.probes.families.small import save

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "TGA", "ICO", "JPEG2000")
SHARD = "model-00001-of-00001.safetensors"


@cache
def good_folder(kind: str) -> Path:
    """A good folder of that kind, made once."""
    folder = Path(mkdtemp(prefix="good-")) / kind
    if kind == "clevr":
        write_clevr(folder)
    elif kind == "coco":
        many_coco(folder, 12)
    elif kind == "hub":
        write_hub(folder, 12)
    elif kind == "images":
        write_images(folder, ["cat", "dog"], 3)
    else:
        save(kind, folder)
    return folder


def copied_into(source: Path, folder: Path) -> Path:
    """A copy of a good folder, in a place of its own."""
    return shutil.copytree(source, Path(mkdtemp(dir=folder)) / source.name)


def picture(format_: str) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 17, 3), dtype=np.uint8)
    stream = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    more = {"exif": exif} if format_ in ("PNG", "JPEG", "WEBP", "TIFF") else {}
    Image.fromarray(pixels).save(stream, format_, **more)
    return stream.getvalue()


def zipped(folder: Path) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder.parent))
    return stream.getvalue()


def table_rows() -> list[list[str]]:
    """A good table of labels."""
    folder = good_folder("images")
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    return [["file", "kind"], *([name, name.split("/")[0]] for name in names)]


def good_table() -> bytes:
    return "\n".join(",".join(row) for row in table_rows()).encode()


@cache
def study_lines() -> tuple[str, ...]:
    return tuple(Study().to_toml().splitlines())


def index_of(file: str) -> bytes:
    """An index that says of every tensor that it stands in this file."""
    content = (good_folder("llava") / "model.safetensors").read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    places = {name: file for name in sorted(header) if name != "__metadata__"}
    return json.dumps({"metadata": {}, "weight_map": places}).encode()
