"""What reads foreign files, each with the inputs that it is tried on and what it must then hold."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from tests.hostile.good_inputs import (
    FORMATS,
    SHARD,
    good_folder,
    good_table,
    index_of,
    picture,
    study_lines,
    zipped,
)
from tests.hostile.hostile_inputs import PIECES, headers, indices, studies, tables
from tests.hostile.mutations import damaged_bytes, damaged_json
from tests.hostile.reading import (
    read_clevr,
    read_coco,
    read_hub,
    read_image,
    read_index,
    read_study_file,
    read_table,
    read_zip,
    reader_of_model,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Something that reads a foreign file."""

    name: str
    inputs: st.SearchStrategy[bytes]
    """Contents of that file."""
    good: bytes
    """A content that must be taken."""
    read: Callable[[bytes, Path], None]
    """Takes the content and an empty folder to work in; reads it, and raises if what was taken is
    not what the file says."""


@cache
def targets() -> dict[str, Target]:
    """Every target by its name."""
    model, images = good_folder("llava"), [picture(each) for each in FORMATS]
    (parquet,) = good_folder("hub").rglob("*.parquet")
    templates = st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
    archive = zipped(good_folder("clevr"))
    found = [
        Target(
            name="study",
            inputs=studies(),
            good="\n".join(study_lines()).encode(),
            read=read_study_file,
        ),
        Target(name="csv", inputs=tables(), good=good_table(), read=read_table),
        _of_json("coco", good_folder("coco") / "annotations" / "instances_val2017.json", read_coco),
        _of_json("clevr", good_folder("clevr") / "scenes" / "CLEVR_val_scenes.json", read_clevr),
        _of_bytes("parquet", [parquet.read_bytes()], read_hub),
        _of_bytes("image", images, read_image),
        _of_bytes("zip", [archive], read_zip),
        Target(
            name="weights",
            inputs=headers(),
            good=(model / "model.safetensors").read_bytes(),
            read=reader_of_model("model.safetensors"),
        ),
        Target(name="index", inputs=indices(), good=index_of(SHARD), read=read_index),
        Target(
            name="template",
            inputs=templates.map(lambda text: text.encode("utf-8", "surrogatepass")),
            good=(model / "chat_template.jinja").read_bytes(),
            read=reader_of_model("chat_template.jinja"),
        ),
    ]
    for name in ("config", "processor_config", "tokenizer", "tokenizer_config"):
        file = model / f"{name}.json"
        found.append(_of_json(name, file, reader_of_model(file.name)))
    return {each.name: each for each in found}


def _of_json(name: str, file: Path, read: Callable[[bytes, Path], None]) -> Target:
    content = file.read_bytes()
    return Target(name=name, inputs=damaged_json(json.loads(content)), good=content, read=read)


def _of_bytes(name: str, good: list[bytes], read: Callable[[bytes, Path], None]) -> Target:
    inputs = st.one_of([damaged_bytes(each) for each in good])
    return Target(name=name, inputs=inputs, good=good[0], read=read)
