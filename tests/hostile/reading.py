"""Reads a foreign file as the product does, and raises if what was taken is not what it says."""

import io
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

from PIL import Image

from analysis.commands.study_file import read_study
from data_prep.errors import UserError
from data_prep.files.images import photograph_rgb, photograph_size, rendered_rgb
from data_prep.scene_data import SceneData
from data_prep.scenes import Photograph
from data_prep.sources import open_data
from probes.loading.load import load_vlm
from tests.hostile.good_inputs import SHARD, copied_into, good_folder


def _require_sound(data: SceneData) -> None:
    """What was taken must hold together: labels among the answers, and every image a picture or
    one that is said to be broken."""
    for scene in data.scenes:
        if isinstance(scene, Photograph):
            for name, label in scene.labels.items():
                if label not in data.attributes[name].words:
                    raise AssertionError(f"{label!r} is no answer of {name}")
        try:
            image = data.open_image(scene.image)
        except UserError:
            continue
        if image.mode != "RGB" or min(image.size) < 1:
            raise AssertionError(f"{scene.image!r} is {image.mode} of {image.size}")
    if not data.scenes:
        raise AssertionError("data without scenes were taken")


def read_study_file(content: bytes, folder: Path) -> None:
    file = Path(mkdtemp(dir=folder)) / "study.toml"
    file.write_bytes(content)
    plan = read_study(file).plan
    file.write_text(plan.to_toml(), encoding="utf-8")
    if read_study(file).plan != plan:
        raise AssertionError(f"{plan} is not what is read back of it")


def read_table(content: bytes, folder: Path) -> None:
    images = copied_into(good_folder("images"), folder)
    (images / "labels.csv").write_bytes(content)
    _require_sound(open_data(f"images:{images}:labels.csv"))


def read_coco(content: bytes, folder: Path) -> None:
    coco = copied_into(good_folder("coco"), folder)
    (coco / "annotations" / "instances_val2017.json").write_bytes(content)
    _require_sound(open_data(f"coco:{coco}"))


def read_clevr(content: bytes, folder: Path) -> None:
    clevr = copied_into(good_folder("clevr"), folder)
    (clevr / "scenes" / "CLEVR_val_scenes.json").write_bytes(content)
    _require_sound(open_data(f"clevr:{clevr}"))


def read_hub(content: bytes, folder: Path) -> None:
    hub = copied_into(good_folder("hub"), folder)
    (file,) = hub.rglob("*.parquet")
    file.write_bytes(content)
    _require_sound(open_data(f"hub:{hub}"))


def read_zip(content: bytes, folder: Path) -> None:
    file = Path(mkdtemp(dir=folder)) / "clevr.zip"
    file.write_bytes(content)
    _require_sound(open_data(f"clevr:{file}"))


def read_image(content: bytes, folder: Path) -> None:
    del folder
    image = photograph_rgb(lambda: io.BytesIO(content), "x.png")
    size = photograph_size(lambda: io.BytesIO(content), "x.png")
    if image.mode != "RGB" or image.size != size:
        raise AssertionError(f"{image.mode} of {image.size}, told before: {size}")
    rendered_rgb(lambda: io.BytesIO(content), "x.png")


def read_model(file: str, content: bytes, folder: Path) -> None:
    model = copied_into(good_folder("llava"), folder)
    (model / file).write_bytes(content)
    vlm = load_vlm(model, device="cpu")
    prepared = vlm.prepare([Image.new("RGB", (16, 16), "red")], ["What color is it?"])
    del prepared  # taken by model and processor, whose gate was passed


def read_index(content: bytes, folder: Path) -> None:
    model = copied_into(good_folder("llava"), folder)
    (model.parent / "outside.safetensors").write_bytes((model / "model.safetensors").read_bytes())
    (model / "model.safetensors").rename(model / SHARD)
    (model / "model.safetensors.index.json").write_bytes(content)
    load_vlm(model, device="cpu")


def reader_of_model(file: str) -> Callable[[bytes, Path], None]:
    return lambda content, folder: read_model(file, content, folder)
