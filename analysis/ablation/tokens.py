"""Which image tokens are ablated: the object's, and as many others."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from analysis.ablation.found import ELSEWHERE, OBJECT, REGISTERS
from probes.interventions.places import elsewhere

Positions = Bool[Tensor, "item token"]
DRAWS = 10


def ablated_positions(
    shown: Positions,
    image: Positions,
    stream: Float[Tensor, "item token d_model"],
    rngs: Sequence[np.random.Generator],
) -> Mapping[str, Positions]:
    """The positions of every arm, by its name. Every arm has as many tokens of an image as show its
    object, and none but the object's own arm has any of those."""
    named = {OBJECT: shown, REGISTERS: register_like(shown, image, stream)}
    drawn = [
        torch.cat([
            elsewhere(shown[row : row + 1], image[row : row + 1], rng)
            for row, rng in enumerate(rngs)
        ])
        for _ in range(DRAWS)
    ]  # fmt: skip
    return named | {f"{ELSEWHERE} {number}": each for number, each in enumerate(drawn)}


def register_like(
    shown: Positions, image: Positions, stream: Float[Tensor, "item token d_model"]
) -> Positions:
    """The image tokens with the longest rows, as many as show the object and none of those.

    Vision transformers keep global information in a few tokens of large norm (Darcet et al. 2024,
    arXiv:2309.16588), which could be what an answer needs.
    """
    norms = stream.float().norm(dim=-1).masked_fill(~(image & ~shown).to(stream.device), -torch.inf)
    out = torch.zeros_like(image)
    for row, number in enumerate(shown.sum(1).tolist()):
        out[row, norms[row].topk(number).indices.to(out.device)] = True
    return out
