"""The logit lens: what each layer's residual says through the model's own unembedding.

nostalgebraist (2020), "interpreting GPT: the logit lens"; summaries over the vocabulary as in
Belrose et al. (2023), arXiv:2303.08112.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from probes.unembedding import Unembedding
from probes.vocabulary import Moments, TopTokens, stream

# Logits that are held at a time: bounds the memory whatever the items, layers and vocabulary.
_BLOCK_LOGITS = 2**22


@dataclass(frozen=True, slots=True, kw_only=True)
class LensSummaries:
    """The lens's distribution over the whole vocabulary, in a few numbers."""

    token_ids: Int[ndarray, "item layer rank"]
    """The most probable tokens, most probable first."""
    probabilities: Float[ndarray, "item layer rank"]
    entropy_bits: Float[ndarray, "item layer"]
    kl_to_final_bits: Float[ndarray, "item layer"]
    """D(last layer || this layer): the bits that are still missing here. 0 at the last layer."""


@torch.no_grad()
def lens_summaries(
    residuals: Float[Tensor, "item layer d_model"],
    unembedding: Unembedding,
    *,
    k: int = 10,
    chunk: int = 4096,
) -> LensSummaries:
    """Top-k, entropy and KL to the last layer in one pass over chunks of the vocabulary.

    Layers are 0..L of each item, raw. Items are taken in blocks, so that memory is bounded.
    ValueError for a `k` or a `chunk` out of range.

    >>> from probes.vocabulary import FinalNorm
    >>> norm = FinalNorm(kind="rms", weight=torch.ones(2), bias=None, eps=0.0)
    >>> head = torch.tensor([[99.0, 0.0], [0.0, 99.0]])
    >>> unembedding = Unembedding(norm=norm, head=head, bias=None, scale=1.0, soft_cap=None)
    >>> layers = torch.tensor([[[3.0, 3.0], [5.0, 0.0]]])  # one item; undecided, then decided
    >>> found = lens_summaries(layers, unembedding, k=1)
    >>> found.entropy_bits.tolist(), found.kl_to_final_bits.tolist()
    ([[1.0, 0.0]], [[1.0, 0.0]])
    """
    n_vocab = unembedding.n_vocab
    if not 1 <= k <= n_vocab or chunk < 1:
        raise ValueError(f"need 1 <= k <= {n_vocab} and chunk >= 1, got k={k}, chunk={chunk}")
    project = unembedding.projection()
    n_items, n_layers = residuals.shape[:2]
    step = max(1, _BLOCK_LOGITS // (n_layers * min(chunk, n_vocab)))
    parts = []
    for start in range(0, max(n_items, 1), step):
        block = residuals[start : start + step].to(unembedding.head.device)
        normed = unembedding.norm(block)
        moments, top = Moments(normed.shape[:2], normed.device), TopTokens(k)
        stream(project, [normed], [moments, top], chunk=chunk)
        parts.append(_summaries(moments, top))
    return LensSummaries(
        token_ids=np.concatenate([part.token_ids for part in parts]),
        probabilities=np.concatenate([part.probabilities for part in parts]),
        entropy_bits=np.concatenate([part.entropy_bits for part in parts]),
        kl_to_final_bits=np.concatenate([part.kl_to_final_bits for part in parts]),
    )


def _summaries(moments: Moments, top: TopTokens) -> LensSummaries:
    return LensSummaries(
        token_ids=top.ids.cpu().numpy(),
        probabilities=moments.probability(top.logits).float().cpu().numpy(),
        entropy_bits=moments.entropy_bits().float().cpu().numpy(),
        kl_to_final_bits=moments.kl_to_last_bits().float().cpu().numpy(),
    )
