"""That a prompt asks what it is to ask, and ends where the answer is predicted."""

from typing import Any

import torch
from PIL import Image

from probes.families import family_of
from probes.gate.check import Check
from probes.gate.fit import SAVED_TOGETHER, other_mark
from probes.vlm import VLM

_NAME = "prompt: question, one begin token, image tokens, answer position"


def checked_prompt(vlm: VLM, image: Image.Image, question: str) -> Check:
    """That the prompt of one question holds it, begins once, has image tokens and is not padded.

    >>> from PIL import Image
    >>> checked_prompt(vlm, Image.new("RGB", (64, 64)), "What is this?").passed
    True
    """
    fault = _fault(vlm, image, question)
    remedy = f"; {SAVED_TOGETHER}" if fault else ""
    return Check(name=_NAME, passed=not fault, fault=fault, remedy=remedy)


def _fault(vlm: VLM, image: Image.Image, question: str) -> str:
    text = vlm.prompt(question)
    if question not in text:
        return f"the prompt {text!r:.200} does not hold the question {question!r}"
    inputs: Any = vlm.processed([image], [question])
    ids = inputs["input_ids"][0]
    begin = vlm.tokenizer.bos_token_id
    if begin is not None and ids[:2].tolist() == [begin, begin]:
        # The template writes one and the processor another: the model was not trained on two.
        return f"the prompt begins with two begin tokens ({vlm.tokenizer.bos_token!r})"
    mark = getattr(vlm.model.config, "image_token_id", None)
    beside = family_of(vlm.model.config).image_layout == "beside"
    if mark is not None and not beside and not bool((ids == mark).any()):
        return other_mark(vlm) or f"no token of the prompt is the model's image token ({mark})"
    mask = inputs.get("attention_mask")
    if isinstance(mask, torch.Tensor) and not bool(mask[:, -1].all()):
        return "the last position of the prompt, where the answer is predicted, is padding"
    return ""
