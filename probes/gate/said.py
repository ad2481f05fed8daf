"""What is read at the last layer against what the model says when it generates, greedily."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from probes.gate.check import Check, judged
from probes.loading.remarks import without_remarks
from probes.trial import QUESTIONS, tolerance_of, trial_images
from probes.vlm import VLM

_COLORS = ((220, 20, 20), (20, 160, 30), (30, 60, 220))
_QUESTION = "What color is this?"
_MOST_TOKENS = 8
# Settings of generation_config.json that change a greedy answer, with the value that changes none.
_CHANGING = {
    "repetition_penalty": (None, 1.0), "no_repeat_ngram_size": (None, 0),
    "suppress_tokens": (None,), "begin_suppress_tokens": (None,), "bad_words_ids": (None,),
    "sequence_bias": (None,), "min_new_tokens": (None, 0), "min_length": (None, 0),
    "forced_bos_token_id": (None,), "guidance_scale": (None, 1, 1.0),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One built-in item: what is read, and what is said."""

    question: str
    read: str
    """The token of the highest logit of the lens at the last layer."""
    first: str
    """The first token that the model generates."""
    text: str
    """All that it generates, up to 8 tokens."""
    agrees: bool
    """Whether the two tokens are one, or as probable as the format of numbers can tell."""


def items() -> list[tuple[Image.Image, str]]:
    """The built-in images with their questions: those of the trial, and three plain colors.

    >>> len(items())
    6
    """
    plain = [(Image.new("RGB", (64, 64), color), _QUESTION) for color in _COLORS]
    return [*zip(trial_images(), QUESTIONS, strict=True), *plain]


def checked_answers(
    vlm: VLM, after_each: Callable[[], None] = lambda: None
) -> tuple[list[Check], list[Answer]]:
    """The checks that the built-in items are answered as they are read, and their answers.

    >>> checks, answers = checked_answers(vlm)
    >>> [check.passed for check in checks], len(answers)
    ([True, True], 6)
    """
    allowed, differences, answers = tolerance_of(vlm).same, [], []
    for image, question in items():
        read = vlm.unembed(vlm.capture([image], [question])[0, -1]).float()
        own, tokens = _generated(vlm, image, question)
        size = own.abs().max()
        share = float(torch.nan_to_num((read.to(own.device) - own).abs().max() / size, torch.inf))
        differences.append(share)
        answers.append(_answer(vlm, question, read, tokens, float(allowed * size)))
        after_each()
    numbers = judged(
        "logits of the last layer, against generating",
        "the lens at the last layer differs from the logits that the model generates from",
        max(differences),
        allowed,
        None,
    )
    return [numbers, _said_as_read(vlm, answers)], answers


def _generated(
    vlm: VLM, image: Image.Image, question: str
) -> tuple[Float[Tensor, " vocab"], list[int]]:
    """The logits of the first token that a model generates, before any settings change them, and
    all tokens."""
    inputs, model = vlm.prepare([image], [question]), cast(Any, vlm.model)
    pad = vlm.tokenizer.pad_token_id
    with torch.inference_mode(), without_remarks():
        found = model.generate(
            **inputs,
            do_sample=False,
            num_beams=1,
            max_new_tokens=_MOST_TOKENS,
            pad_token_id=pad,
            output_logits=True,
            return_dict_in_generate=True,
        )
    tokens = found.sequences[0, inputs["input_ids"].shape[1] :].tolist()
    return found.logits[0][0].float(), tokens


def _answer(
    vlm: VLM, question: str, read: Float[Tensor, " vocab"], tokens: list[int], near: float
) -> Answer:
    best = int(read.argmax())
    return Answer(
        question=question,
        read=_written(vlm, [best]),
        first=_written(vlm, tokens[:1]),
        text=_written(vlm, tokens),
        agrees=bool(read[best] - read[tokens[0]] <= near),
    )


def _written(vlm: VLM, tokens: list[int]) -> str:
    text = vlm.tokenizer.decode(tokens, skip_special_tokens=False)
    # Vocabularies are padded beyond what the tokenizer can write.
    return text or f"token {tokens[0]}"


def _said_as_read(vlm: VLM, answers: list[Answer]) -> Check:
    """That the first tokens agree. What changes them may be a setting, not a fault of reading."""
    others = [each for each in answers if not each.agrees]
    name = "first token said is the one read (share that is not)"
    if not others:
        return Check(name=name, passed=True, difference=0.0, allowed=0.0)
    config, first = vlm.model.generation_config, others[0]
    changing = [
        f"{each}={value}"
        for each, neutral in _CHANGING.items()
        if (value := getattr(config, each, None)) not in neutral
    ]
    why = f": generation_config.json has {', '.join(changing)}" if changing else ""
    return Check(
        name=name,
        passed=False,
        difference=len(others) / len(answers),
        allowed=0.0,
        fault=f"{len(others)} of {len(answers)} built-in items are answered otherwise than the "
        f"last layer is read: {first.first!r} is said where {first.read!r} is read{why}",
    )
