"""What a model really says, and which answer that is: the check of every reading."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import torch
from PIL import Image

from probes.answers.tree import AnswerTree

if TYPE_CHECKING:
    from probes.vlm import VLM

MOST_TOKENS = 8
# No letter or digit follows, nor the rest of a number: 1 is not what "1.5" says.
_ENDED = re.compile(r"(?!\w|[.,]\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A greedy answer."""

    text: str
    """What the model says, without the space before it and what ends the turn."""
    answer: int | None
    """Which of the answers it is; None if it is none of them."""


def said(
    vlm: "VLM",
    images: Sequence[Image.Image],
    questions: Sequence[str],
    trees: Sequence[AnswerTree],
    batch_size: int = 32,
) -> list[Said]:
    """What the model generates, greedily, up to 8 tokens, and which answer of its tree that is.

    >>> from data_prep.attributes import attribute
    >>> text, red = "What color is the large sphere?", Image.new("RGB", (96, 96), "red")
    >>> tree = vlm.answer_tree(text, attribute("color"))
    >>> [tree.answers[each.answer] for each in said(vlm, [red], [text], [tree])]
    ['red']
    """
    found: list[Said] = []
    for start in range(0, len(questions), batch_size):
        rows = slice(start, start + batch_size)
        tokens = _generated(vlm, images[rows], questions[rows])
        found += [_said(vlm, own, tree) for own, tree in zip(tokens, trees[rows], strict=True)]
    return found


def _generated(
    vlm: "VLM", images: Sequence[Image.Image], questions: Sequence[str]
) -> list[list[int]]:
    inputs, model = vlm.prepare(images, questions), cast(Any, vlm.model)
    with torch.inference_mode():
        whole = model.generate(
            **inputs,
            do_sample=False,
            num_beams=1,
            max_new_tokens=MOST_TOKENS,
            pad_token_id=_pad(vlm),
        )
    return whole[:, inputs["input_ids"].shape[1] :].tolist()


def _pad(vlm: "VLM") -> int | None:
    pad = vlm.tokenizer.pad_token_id
    return vlm.turn_ends[0] if pad is None and vlm.turn_ends else pad


def _said(vlm: "VLM", tokens: list[int], tree: AnswerTree) -> Said:
    ends = [place for place, token in enumerate(tokens) if token in vlm.turn_ends]
    spoken = tokens[: ends[0]] if ends else tokens
    text = vlm.tokenizer.decode(spoken, skip_special_tokens=True).strip()
    return Said(text=text, answer=answer_said(text, tree))


def answer_said(text: str, tree: AnswerTree) -> int | None:
    """The answer with the longest spelling that `text` begins with, up to the end of a word.

    In words and not in tokens: what a model says may be written in more ways than one.

    >>> from probes.answers.tree import one_token_tree
    >>> tree = one_token_tree({"red": [7], "reddish": [8]})
    >>> [answer_said(text, tree) for text in ("red.", "reddish brown", "redder")]
    [0, 1, None]
    """
    text = text.strip()
    matches = [
        (len(each.text), each.answer)
        for each in tree.spellings
        if text.startswith(each.text) and _ENDED.match(text, len(each.text))
    ]
    return max(matches)[1] if matches else None
