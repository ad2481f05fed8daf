"""Attention in which many exchanges share one image: each sees the image and itself only.

A plain causal mask over the packed sequence would let an exchange read its neighbours; a mask
that forbids it would still pay for every pair. Here the pairs are not formed at all.
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import AttentionInterface

PACKED = "packed_exchanges"


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """How a packed sequence is laid out: a prefix, then exchanges of equal length."""

    prefix: int
    exchanges: int
    length: int


def packed_attention(
    module: nn.Module,
    query: Float[Tensor, "image head token width"],
    key: Float[Tensor, "image head token width"],
    value: Float[Tensor, "image head token width"],
    attention_mask: Tensor | None,
    *,
    packing: Packing,
    scaling: float | None = None,
    **_: Any,
) -> tuple[Float[Tensor, "image token head width"], None]:
    """Causal within the prefix, and within each exchange behind the prefix.

    Padding needs no mask: it stands at the right end of an exchange, where no token looks.
    """
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    query = query * scale
    start = packing.prefix

    def prefix(states: Tensor) -> Tensor:
        return states[:, :, :start]

    def apart(states: Tensor) -> Tensor:
        """[image, head, exchange * token, width] to [image, head, exchange, token, width]."""
        return states[:, :, start:].unflatten(2, (packing.exchanges, packing.length))

    first = _causal(prefix(query) @ prefix(key).mT).softmax(-1).to(value.dtype) @ prefix(value)
    # Products with the shared part are formed for all exchanges at once, without copies of it;
    # the fused kernels have no such form, and are slow in training on a processor.
    to_prefix = (query[:, :, start:] @ prefix(key).mT).unflatten(2, (-1, packing.length))
    to_own = _causal(apart(query) @ apart(key).mT)
    weights = torch.cat([to_prefix, to_own], dim=-1).softmax(-1).to(value.dtype)
    of_prefix = weights[..., :start].flatten(2, 3) @ prefix(value)
    of_own = (weights[..., start:] @ apart(value)).flatten(2, 3)
    return torch.cat([first, of_prefix + of_own], dim=2).transpose(1, 2), None


def _causal(scores: Float[Tensor, "*batch token token"]) -> Float[Tensor, "*batch token token"]:
    hidden = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
    return scores.masked_fill(hidden, float("-inf"))


AttentionInterface.register(PACKED, packed_attention)
