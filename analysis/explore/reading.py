"""Reads one forward pass everywhere: the most probable tokens at each image token and at the
answer.

A run keeps the residuals of the answer position only, so the model runs again; the answer position
is then read from the same pass.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from PIL import Image
from torch import Tensor

from analysis.explore.lenses import Lens
from analysis.explore.places import Grid
from probes.image_tokens import image_tokens
from probes.logit_lens import lens_summaries
from probes.streams import require_finite

if TYPE_CHECKING:
    from probes.vlm import VLM

# Residuals that are held at a time; a pass with more is run again for the rest of its tokens.
_HELD_BYTES = 2**29
# Places that are translated and read together.
_PLACES_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Tops:
    """The most probable tokens under a lens at every layer and place, the most probable first."""

    token_ids: Int[ndarray, "place layer rank"]
    """Token ids. Places are the image tokens in the order of the sequence, then the answer
    position."""
    probabilities: Float[ndarray, "place layer rank"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PassReading:
    """What the lenses say about one image with its question."""

    tops: Mapping[str, Tops]
    """The most probable tokens, by lens."""
    answer: Float[Tensor, "layer d_model"]
    """The residuals at the answer position."""


def read_pass(
    vlm: "VLM",
    image: Image.Image,
    question: str,
    grid: Grid | None,
    lenses: Mapping[str, Lens],
    *,
    k: int,
    progress: Callable[[int], object] = lambda places: None,
) -> PassReading:
    """Runs the pass and reads it at the image tokens and the answer; without a grid, at the answer
    position only.

    Places are read in blocks, which bounds the memory for any image. UserError if a residual is not
    finite, or if the vocabulary has fewer than `k` tokens.
    """
    parts: dict[str, list[Tops]] = {name: [] for name in lenses}
    block = torch.empty(0)
    for block in _residuals(vlm, image, question, grid):
        for start in range(0, len(block), _PLACES_AT_ONCE):
            places = block[start : start + _PLACES_AT_ONCE]
            require_finite(places, [question] * len(places))
            for name, lens in lenses.items():
                said = lens_summaries(lens.translate(places), lens.unembedding, k=k)
                tops = Tops(token_ids=said.token_ids, probabilities=said.probabilities)
                parts[name].append(tops)
            progress(len(places))
    return PassReading(
        tops={name: _joined(tops) for name, tops in parts.items()}, answer=block[-1].clone()
    )


def _residuals(
    vlm: "VLM", image: Image.Image, question: str, grid: Grid | None
) -> Iterator[Float[Tensor, "place layer d_model"]]:
    """The residuals in blocks of places; the answer position is the last place of the last
    block."""
    inputs = vlm.prepare([image], [question])
    last = inputs["input_ids"].shape[1] - 1
    tokens = [] if grid is None else image_tokens(vlm, inputs)[0].nonzero()[:, 0].tolist()
    tokens.append(last)
    per_place = (vlm.n_layers + 1) * vlm.d_model * vlm.dtype.itemsize
    step = max(1, _HELD_BYTES // per_place)
    for start in range(0, len(tokens), step):
        chosen = torch.tensor(tokens[start : start + step])
        # Weights that pick one token each: means of single tokens are these tokens.
        weights = torch.zeros(1, len(chosen), last + 1)
        weights[0, torch.arange(len(chosen)), chosen] = 1
        buffer = vlm.new_buffer(len(chosen))
        vlm.residuals_into(inputs, buffer, weights)
        yield buffer


def _joined(parts: list[Tops]) -> Tops:
    return Tops(
        token_ids=np.concatenate([part.token_ids for part in parts]),
        probabilities=np.concatenate([part.probabilities for part in parts]),
    )
