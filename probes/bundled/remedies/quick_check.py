"""A first look at a trained arm: does it say "none" where nothing is there, and only there?

Only the first token of the answer counts, the most likely of the whole vocabulary. "None" begins
with a token of its own among the answers to referring questions. The evaluation proper is left to
the studies.
"""

import io
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from numpy import ndarray
from PIL import Image
from torch import Tensor
from transformers import LlavaForConditionalGeneration, PreTrainedTokenizerFast

from data_prep.bundled.load import load_bundled
from data_prep.questions import PROPERTIES, referring_questions
from data_prep.scenes import Scene
from probes.bundled.architecture import GRID
from probes.bundled.corpus import Exchange, prefix_ids
from probes.bundled.remedies.false_premises import NONE, exchange_of, false_premise, form_of
from probes.bundled.tower import normalized

_CHECK_STREAM = 14
_BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Questions about bundled scenes: with an answer, and false premises of the same forms."""

    images: UInt8[ndarray, "scene height width 3"]
    scene: list[int]
    """For each question the index of its image."""
    exchanges: list[Exchange]
    """The questions with their right answers."""
    is_false: Bool[ndarray, " question"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Shares from 0 to 1."""

    right: float
    """Of the questions with an answer, those that are answered rightly."""
    none_if_there: float
    """Of the questions with an answer, those that are answered "none"."""
    none_if_absent: float
    """Of the false premises, those that are answered "none"."""


def bundled_questions(tokenizer: PreTrainedTokenizerFast, *, n_scenes: int = 300) -> Asked:
    """For each attribute and scene a referring question, and a false premise of its form if the
    scene has one. The same questions in every call."""
    bundled = load_bundled()
    scenes = bundled.scenes[:n_scenes]
    images = [Image.open(io.BytesIO(bundled.image_bytes(each.image))) for each in scenes]
    places, exchanges, is_false = [], [], []
    for place, scene in enumerate(scenes):
        drawn = _drawn(scene, np.random.SeedSequence(0, spawn_key=(_CHECK_STREAM, place)))
        for text, answer in drawn:
            places.append(place)
            exchanges.append(exchange_of(text, answer, tokenizer))
            is_false.append(answer == NONE)
    return Asked(
        images=np.stack([np.asarray(each.convert("RGB")) for each in images]),
        scene=places,
        exchanges=exchanges,
        is_false=np.array(is_false),
    )


def said(
    model: LlavaForConditionalGeneration, tokenizer: PreTrainedTokenizerFast, asked: Asked
) -> Said:
    """What `model` answers to these questions."""
    model.model.language_model.set_attn_implementation("sdpa")
    prefix = prefix_ids(tokenizer, GRID * GRID)
    starts = range(0, len(asked.exchanges), _BATCH)
    first = torch.cat([_first_logits(model, prefix, asked, start) for start in starts]).argmax(1)
    given = first.numpy()
    right = given == np.array([each.answer[0] for each in asked.exchanges])
    none = given == exchange_of("", NONE, tokenizer).answer[0]
    return Said(
        right=float(right[~asked.is_false].mean()),
        none_if_there=float(none[~asked.is_false].mean()),
        none_if_absent=float(none[asked.is_false].mean()),
    )


def _drawn(scene: Scene, key: np.random.SeedSequence) -> list[tuple[str, str]]:
    """Texts and right answers."""
    rng, found = np.random.default_rng(key), []
    for name in PROPERTIES:
        offered = referring_questions(scene, name)
        if not offered:
            continue
        question = offered[rng.integers(len(offered))]
        found.append((question.text, question.answer))
        form = form_of(question.text)
        text = false_premise(scene, form, rng) if form else None
        if text is not None:
            found.append((text, NONE))
    return found


@torch.inference_mode()
def _first_logits(
    model: LlavaForConditionalGeneration, prefix: list[int], asked: Asked, start: int
) -> Float[Tensor, "question vocab"]:
    """Logits of the first token of the answer to a batch of questions."""
    chosen = asked.exchanges[start : start + _BATCH]
    length = max(len(each.question) for each in chosen)
    # Padding stands at the right end, where no token of the question looks.
    padded = [[*prefix, *each.question, *[0] * (length - len(each.question))] for each in chosen]
    pixels = normalized(torch.from_numpy(asked.images[asked.scene[start : start + _BATCH]]))
    logits = model(input_ids=torch.tensor(padded), pixel_values=pixels).logits
    ends = [len(prefix) + len(each.question) - 1 for each in chosen]
    return logits[torch.arange(len(chosen)), ends].float()
