"""What reads foreign files, each with the inputs that it is tried on and what it must then hold."""

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from data_prep.files.images import photograph_rgb, photograph_size, rendered_rgb
from data_prep.scene_data import SceneData
from data_prep.sources import open_data
from tests.data_prep.clevr_folder import write_clevr
from tests.data_prep.photographs.made_up import many_coco, write_hub, write_images
from tests.hostile.mutations import VALUES, damaged_bytes, damaged_json
from tests.probes.families.small import save

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "TGA", "ICO", "JPEG2000")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Something that reads a foreign file."""

    name: str
    inputs: st.SearchStrategy[bytes]
    """Contents of that file."""
    read: Callable[[bytes, Path], None]
    """Takes the content and an empty folder to work in; reads it, and raises if what was taken is
    not what the file says."""


def _copied(source: Path, folder: Path) -> Path:
    """A copy of a good folder, in a place of its own."""
    return shutil.copytree(source, Path(mkdtemp(dir=folder)) / source.name)


@cache
def _good(kind: str) -> Path:
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


def _require_sound(data: SceneData) -> None:
    """What was taken must hold together: labels among the answers, and every image a picture or
    one that is said to be broken."""
    from data_prep.errors import UserError
    from data_prep.scenes import Photograph

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


def _study(content: bytes, folder: Path) -> None:
    from analysis.commands.study_file import read_study

    file = Path(mkdtemp(dir=folder)) / "study.toml"
    file.write_bytes(content)
    plan = read_study(file).plan
    file.write_text(plan.to_toml(), encoding="utf-8")
    if read_study(file).plan != plan:
        raise AssertionError(f"{plan} is not what is read back of it")


def _table(content: bytes, folder: Path) -> None:
    images = _copied(_good("images"), folder)
    (images / "labels.csv").write_bytes(content)
    _require_sound(open_data(f"images:{images}:labels.csv"))


def _coco(content: bytes, folder: Path) -> None:
    coco = _copied(_good("coco"), folder)
    (coco / "annotations" / "instances_val2017.json").write_bytes(content)
    _require_sound(open_data(f"coco:{coco}"))


def _clevr(content: bytes, folder: Path) -> None:
    clevr = _copied(_good("clevr"), folder)
    (clevr / "scenes" / "CLEVR_val_scenes.json").write_bytes(content)
    _require_sound(open_data(f"clevr:{clevr}"))


def _hub(content: bytes, folder: Path) -> None:
    hub = _copied(_good("hub"), folder)
    (file,) = hub.rglob("*.parquet")
    file.write_bytes(content)
    _require_sound(open_data(f"hub:{hub}"))


def _zip(content: bytes, folder: Path) -> None:
    file = Path(mkdtemp(dir=folder)) / "clevr.zip"
    file.write_bytes(content)
    _require_sound(open_data(f"clevr:{file}"))


def _image(content: bytes, folder: Path) -> None:
    del folder
    image = photograph_rgb(lambda: io.BytesIO(content), "x.png")
    size = photograph_size(lambda: io.BytesIO(content), "x.png")
    if image.mode != "RGB" or image.size != size:
        raise AssertionError(f"{image.mode} of {image.size}, told before: {size}")
    rendered_rgb(lambda: io.BytesIO(content), "x.png")


def _model(file: str, content: bytes, folder: Path) -> None:
    from probes import load_vlm

    model = _copied(_good("llava"), folder)
    (model / file).write_bytes(content)
    vlm = load_vlm(model, device="cpu")
    prepared = vlm.prepare([Image.new("RGB", (16, 16), "red")], ["What color is it?"])
    del prepared  # taken by model and processor, whose gate was passed


def _index(content: bytes, folder: Path) -> None:
    from probes import load_vlm

    model = _copied(_good("llava"), folder)
    (model.parent / "outside.safetensors").write_bytes((model / "model.safetensors").read_bytes())
    (model / "model.safetensors").rename(model / "model-00001-of-00001.safetensors")
    (model / "model.safetensors.index.json").write_bytes(content)
    load_vlm(model, device="cpu")


def _of_model(file: str) -> Callable[[bytes, Path], None]:
    return lambda content, folder: _model(file, content, folder)


def _picture(format_: str) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 17, 3), dtype=np.uint8)
    stream = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    more = {"exif": exif} if format_ in ("PNG", "JPEG", "WEBP", "TIFF") else {}
    Image.fromarray(pixels).save(stream, format_, **more)
    return stream.getvalue()


def _zipped(folder: Path) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder.parent))
    return stream.getvalue()


def _json_of(kind: str, name: str) -> Any:
    return json.loads((_good(kind) / name).read_text(encoding="utf-8"))


@st.composite
def _headers(draw: st.DrawFn) -> bytes:
    """A file of safetensors with a damaged header."""
    content = (_good("llava") / "model.safetensors").read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = draw(damaged_json(json.loads(content[8 : 8 + length])))
    told = draw(st.sampled_from([len(header), len(header), 0, 2**40, 2**63, len(header) + 8]))
    return told.to_bytes(8, "little") + header + content[8 + length :]


_PIECES = (
    "{{ bos_token }}", "{% for m in messages %}{{ m }}{% endfor %}", "<image>", "USER: ",
    "{% for i in range(10**9) %}{% endfor %}", "{{ 'x' * 10**10 }}", "{{ 'a ' * 40000 }}",
    "{% set x = 'x' * 10**6 %}{{ x * 10**6 }}", "{{ ''.__class__.__mro__ }}", "{% raw %}", "{{",
    "{{ messages[0].content }}", "{{ raise_exception('no') }}", "{% include '/etc/passwd' %}",
    "{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}", "{{ 10 ** 10 ** 10 }}", "\x00", "</s>",
    "{{ cycler.__init__.__globals__ }}", "{{ lipsum() }}", "{% for a in messages %}", "\ud7ff",
)  # fmt: skip


@cache
def _study_texts() -> tuple[str, ...]:
    from analysis.run.study import Study

    return tuple(Study().to_toml().splitlines())


@st.composite
def _studies(draw: st.DrawFn) -> bytes:
    """A study file: good lines, and lines with other values."""
    lines = list(_study_texts())
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(lines) - 1))
        name = lines[place].partition(" = ")[0]
        value = draw(st.sampled_from(VALUES))
        text = json.dumps(value) if draw(st.booleans()) else str(value)
        lines[place] = f"{name} = {text}"
    content = "\n".join(lines).encode("utf-8", "surrogatepass")
    return draw(damaged_bytes(content)) if draw(st.integers(0, 4)) == 0 else content


@st.composite
def _tables(draw: st.DrawFn) -> bytes:
    """A CSV of labels: cells, separators, ends of lines and encodings of all kinds."""
    names = sorted(
        path.relative_to(_good("images")).as_posix() for path in _good("images").rglob("*.png")
    )
    cells = st.one_of(
        st.sampled_from([*names, "cat", "dog", "file", "kind", ""]),
        st.text(max_size=8),
        st.sampled_from([str(each)[:500] for each in VALUES if each != 10**400]),
    )
    mark = draw(st.sampled_from([",", ",", ",", ";", "\t", "|"]))
    end = draw(st.sampled_from(["\n", "\n", "\r\n", "\r", "\n\n"]))
    rows = [["image", "kind"], *([name, name.split("/")[0]] for name in names)]
    for _ in range(draw(st.integers(0, 3))):
        row = draw(st.sampled_from(rows))
        row[draw(st.integers(0, len(row) - 1))] = draw(cells)
        if draw(st.booleans()):
            row.append(draw(cells))
    text = end.join(mark.join(row) for row in rows)
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252"]))
    return text.encode(encoding, "replace")


@cache
def targets() -> dict[str, Target]:
    """Every target by its name."""
    model = _good("llava")
    templates = st.lists(st.sampled_from(_PIECES), max_size=6).map("".join)
    clevr = _json_of("clevr", "scenes/CLEVR_val_scenes.json")
    coco = _json_of("coco", "annotations/instances_val2017.json")
    (parquet,) = _good("hub").rglob("*.parquet")
    names = ("outside.safetensors", "../outside.safetensors", "model-00001-of-00001.safetensors",
             "pytorch_model.bin", "/etc/passwd", "", "model.py")  # fmt: skip
    keys = _tensor_names(model)
    indices = st.fixed_dictionaries(
        {"metadata": st.just({}), "weight_map": st.lists(
            st.sampled_from(names), min_size=len(keys), max_size=len(keys),
        ).map(lambda files: dict(zip(keys, files, strict=True)))}
    ).map(lambda index: json.dumps(index).encode())  # fmt: skip
    found = [
        Target(name="study", inputs=_studies(), read=_study),
        Target(name="csv", inputs=_tables(), read=_table),
        Target(name="coco", inputs=damaged_json(coco), read=_coco),
        Target(name="clevr", inputs=damaged_json(clevr), read=_clevr),
        Target(name="parquet", inputs=damaged_bytes(parquet.read_bytes()), read=_hub),
        Target(
            name="image",
            inputs=st.one_of([damaged_bytes(_picture(each)) for each in FORMATS]),
            read=_image,
        ),
        Target(name="zip", inputs=damaged_bytes(_zipped(_good("clevr"))), read=_zip),
        Target(name="weights", inputs=_headers(), read=_of_model("model.safetensors")),
        Target(name="index", inputs=indices, read=_index),
        Target(
            name="template",
            inputs=templates.map(lambda text: text.encode("utf-8", "surrogatepass")),
            read=_of_model("chat_template.jinja"),
        ),
    ]
    for name in ("config.json", "processor_config.json", "tokenizer.json", "tokenizer_config.json"):
        good = _json_of("llava", name)
        found.append(
            Target(name=name.removesuffix(".json"), inputs=damaged_json(good), read=_of_model(name))
        )
    return {each.name: each for each in found}


def _tensor_names(model: Path) -> list[str]:
    content = (model / "model.safetensors").read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return sorted(name for name in header if name != "__metadata__")
