"""Small vision-language models that say what an image shows, in words cut as the real ones cut.

Images have six attributes, each drawn in a place and manner of its own. A LLaVA with a decoder of
five blocks is taught, in seconds, to answer one question on each; the image enters nowhere but at
its tokens, so the answer has to come through the blocks. What it generates is then known, and what
is read at its last layer can be held against it.
"""

import csv
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock
from jaxtyping import Float, Int
from PIL import Image, ImageDraw
from torch import Tensor, nn
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
)

from data_prep.photographs.labels import default_text
from probes.bundled.schedule import one_cycle
from tests.probes.vocabularies import Kind, chat_template, tokenizer_of

SIDE, PATCH = 30, 10
ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "color": ("yellow", "green", "red", "cyan"),
    "shape": ("cube", "sphere", "cylinder"),
    "size": ("large", "tiny"),
    "material": ("rubber", "metal"),
    # With another's beginning among them, in tokens or in words.
    "count": ("1", "2", "3", "10"),
    "activity": ("playing tennis", "tennis racket", "tennis"),
}
"""By the name that a study gives it: the labels, lower-case."""
_COLORS = {"yellow": "#e6d228", "green": "#28aa3c", "red": "#dc2828", "cyan": "#32c8dc"}
_BANDS = {"playing tennis": "#283cc8", "tennis racket": "#ebebeb", "tennis": "#be3cbe"}
_N_TAUGHT, _TOWER_STEPS, _DECODER_STEPS = 1200, 250, 140
_WIDTH, _LAYERS = 64, 5


def said(label: str) -> str:
    """What a speaking model answers for a label: capitalized, as LLaVA and Qwen do."""
    return label.capitalize()


def question(attribute: str) -> str:
    """What a study asks by default of an attribute that is a column of a table."""
    return default_text(attribute)


def draw(labels: Mapping[str, str], rng: np.random.Generator) -> Image.Image:
    """An image that shows the labels; place, gray and noise differ from one to the next."""
    gray = int(rng.integers(60, 100))
    image = Image.new("RGB", (SIDE, SIDE), (gray, gray, gray))
    pen = ImageDraw.Draw(image)
    if labels["material"] == "metal":
        for x in range(0, SIDE, 4):
            pen.line((x, 5, x, 24), fill=(gray + 110,) * 3)
    for dot in range(int(labels["count"])):
        pen.rectangle((3 * dot, 1, 3 * dot + 1, 3), fill=(255, 255, 255))
    pen.rectangle((0, 26, SIDE - 1, SIDE - 1), fill=_BANDS[labels["activity"]])
    radius = 9 if labels["size"] == "large" else 5
    x, y = (int(each) for each in (15, 15) + rng.integers(-1, 2, 2))
    # A cylinder is a bar. The outline looks alike in every color, which a small tower needs.
    half = radius // 3 if labels["shape"] == "cylinder" else radius
    drawn = pen.ellipse if labels["shape"] == "sphere" else pen.rectangle
    box = (x - half, y - radius, x + half, y + radius)
    drawn(box, fill=_COLORS[labels["color"]], outline=(0, 0, 0))
    noisy = np.asarray(image) + rng.normal(0, 4, (SIDE, SIDE, 3))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def random_labels(n: int, rng: np.random.Generator) -> list[dict[str, str]]:
    """Labels of `n` images: of each attribute all labels, equally often but for a remainder."""
    columns = {
        name: rng.permutation([labels[place % len(labels)] for place in range(n)]).tolist()
        for name, labels in ATTRIBUTES.items()
    }
    return [{name: column[place] for name, column in columns.items()} for place in range(n)]


def speaking_images(folder: Path, n: int, *, seed: int = 0) -> Path:
    """Writes `n` images and labels.csv, for `images:FOLDER:labels.csv`; gives the folder.

    None of them is one that a speaking model was taught with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    rows = random_labels(n, rng)
    with (folder / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", *ATTRIBUTES])
        for place, labels in enumerate(rows):
            name = f"{place:04d}.png"
            draw(labels, rng).save(folder / name)
            table.writerow([name, *labels.values()])
    return folder


def read_images(folder: Path) -> tuple[list[Image.Image], list[dict[str, str]]]:
    """The images that `speaking_images` wrote, and their labels."""
    with (folder / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    images = [Image.open(folder / row.pop("file")).convert("RGB") for row in rows]
    return images, rows


def speaking_model(folder: Path, kind: Kind, *, seed: int = 0) -> Path:
    """Trains a model of the kind and saves it with its processor; gives the folder."""
    processor = _new_processor(kind)
    # All that torch draws, and nothing of it outside.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _new_model(processor.tokenizer)
        _teach(model.train(), processor, seed)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def speaking(tmp_path_factory) -> Callable[[Kind], Path]:
    """The folder of the speaking model of a kind, which is trained when first asked for."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        # Every worker has a folder of its own in that of the whole run.
        shared = shared.parent

    def of_kind(kind: Kind) -> Path:
        folder = shared / f"speaking-{kind}"
        with FileLock(f"{folder}.lock"):
            # The processor is written last.
            if not (folder / "processor_config.json").exists():
                speaking_model(folder, kind)
        return folder

    return of_kind


@pytest.fixture(scope="session")
def spoken_images(tmp_path_factory) -> Path:
    """120 images that the speaking models have not seen, and their labels.csv."""
    return speaking_images(tmp_path_factory.mktemp("spoken"), 120)


def _new_processor(kind: Kind) -> LlavaProcessor:
    tokenizer = tokenizer_of(kind)
    return LlavaProcessor(
        image_processor=CLIPImageProcessorPil(
            size={"height": SIDE, "width": SIDE}, do_center_crop=False
        ),
        tokenizer=tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=chat_template(kind),
    )


def _new_model(tokenizer: Any) -> LlavaForConditionalGeneration:
    vision = CLIPVisionConfig(
        image_size=SIDE, patch_size=PATCH, hidden_size=48, intermediate_size=96,
        num_hidden_layers=2, num_attention_heads=2,
    )  # fmt: skip
    text = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=_WIDTH, intermediate_size=128,
        num_hidden_layers=_LAYERS, num_attention_heads=4, num_key_value_heads=4,
        max_position_embeddings=256, initializer_range=0.1, tie_word_embeddings=False,
        pad_token_id=tokenizer.pad_token_id, bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids(tokenizer.image_token),
        vision_feature_layer=-1,
        image_seq_length=(SIDE // PATCH) ** 2,
        tie_word_embeddings=False,
    )
    return LlavaForConditionalGeneration(config)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lessons:
    """Images, and every question with every answer as the model is to continue it."""

    pixels: Float[Tensor, "image 3 y x"]
    labels: Int[Tensor, "image attribute"]
    """Places among an attribute's labels."""
    first: Int[Tensor, " attribute"]
    """The row of the attribute's first label in the following."""
    ids: Int[Tensor, "text token"]
    attended: Int[Tensor, "text token"]
    targets: Int[Tensor, "text token"]
    """-100 where nothing is learned: before the answer, and after the token that ends it."""

    @property
    def n_answer(self) -> int:
        """From the first token of the shortest prompt's answer to the end of all texts."""
        return self.ids.shape[1] - int((self.targets != -100).any(dim=0).nonzero()[0])


def _lessons(processor: Any, seed: int) -> _Lessons:
    # Of another stream than `speaking_images` draws from with any seed.
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    shown = random_labels(_N_TAUGHT, rng)
    images = [draw(labels, rng) for labels in shown]
    places = [[ATTRIBUTES[name].index(each) for name, each in row.items()] for row in shown]
    sizes = [len(labels) for labels in ATTRIBUTES.values()]
    ids, attended, targets = _texts(processor)
    return _Lessons(
        pixels=processor.image_processor(images, return_tensors="pt")["pixel_values"],
        labels=torch.tensor(places),
        first=torch.tensor([0, *np.cumsum(sizes)[:-1].tolist()]),
        ids=ids, attended=attended, targets=targets,
    )  # fmt: skip


def _texts(processor: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Token ids, attention mask and targets of every question with every answer to it."""
    prompts, whole = [], []
    for name, labels in ATTRIBUTES.items():
        parts = [{"type": "image"}, {"type": "text", "text": question(name)}]
        turns = [{"role": "user", "content": parts}]
        for label in labels:
            answer = {"role": "assistant", "content": [{"type": "text", "text": said(label)}]}
            prompts.append(processor.apply_chat_template(turns, add_generation_prompt=True))
            whole.append(processor.apply_chat_template([*turns, answer]))
    blank = [[Image.new("RGB", (SIDE, SIDE))]] * len(whole)
    encoded = processor(
        images=blank, text=whole, padding=True, padding_side="right", return_tensors="pt"
    )
    ids = encoded["input_ids"]
    targets = torch.full_like(ids, -100)
    for row, prompt in enumerate(processor(images=blank, text=prompts)["input_ids"]):
        assert ids[row, : len(prompt)].tolist() == list(prompt), "an answer changes no token before"
        end = int((ids[row] == processor.tokenizer.eos_token_id).nonzero()[-1]) + 1
        targets[row, len(prompt) : end] = ids[row, len(prompt) : end]
    return ids, encoded["attention_mask"], targets


def _teach(model: Any, processor: Any, seed: int) -> None:
    """First tower and projector, as CLIP is: a decoder learns little from features that move."""
    lessons = _lessons(processor, seed)
    tower, projector = model.model.vision_tower, model.model.multi_modal_projector
    heads = nn.ModuleList(nn.Linear(_WIDTH, len(labels)) for labels in ATTRIBUTES.values())

    def tower_loss() -> Tensor:
        """Image tokens name attributes in turn, by heads that are thrown away afterwards."""
        chosen = torch.randperm(_N_TAUGHT)[:64]
        seen = projector(tower(lessons.pixels[chosen]).last_hidden_state[:, 1:])
        seen = nn.functional.rms_norm(seen, seen.shape[-1:], eps=1e-5)
        losses = []
        for place, head in enumerate(heads):
            logits = head(seen[:, place :: len(heads)])
            wanted = lessons.labels[chosen, place, None].expand(logits.shape[:2])
            losses.append(nn.functional.cross_entropy(logits.flatten(0, 1), wanted.flatten()))
        return torch.stack(losses).sum()

    def decoder_loss() -> Tensor:
        """Teacher forcing: every question about each of some images."""
        chosen = torch.randperm(_N_TAUGHT)[:9]
        texts = (lessons.first + lessons.labels[chosen]).flatten()
        logits = model(
            input_ids=lessons.ids[texts],
            attention_mask=lessons.attended[texts],
            pixel_values=lessons.pixels[chosen].repeat_interleave(len(ATTRIBUTES), dim=0),
            # Every position speaks of the next.
            logits_to_keep=lessons.n_answer + 1,
            use_cache=False,
        ).logits[:, :-1]
        wanted = lessons.targets[texts, -lessons.n_answer :]
        return nn.functional.cross_entropy(logits.flatten(0, 1), wanted.flatten())

    _descend(tower_loss, nn.ModuleList([tower, projector, heads]), _TOWER_STEPS, 3e-3)
    tower.requires_grad_(False)
    _descend(decoder_loss, model, _DECODER_STEPS, 4e-3)


def _descend(loss: Callable[[], Tensor], module: nn.Module, steps: int, peak_rate: float) -> None:
    parameters = [each for each in module.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(parameters, peak_rate, betas=(0.9, 0.98))
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = peak_rate * one_cycle(step, steps)
        optimizer.zero_grad()
        loss().backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
