"""The logit lens: what each layer's residual says through the model's own unembedding.

nostalgebraist (2020), "interpreting GPT: the logit lens"; summaries over the vocabulary as in
Belrose et al. (2023), arXiv:2303.08112.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from probes.unembedding import Unembedding

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

    Items are taken in blocks, so that memory is bounded.
    """
    n_vocab = unembedding.n_vocab
    if not 1 <= k <= n_vocab or chunk < 1:
        raise ValueError(f"need 1 <= k <= {n_vocab} and chunk >= 1, got k={k}, chunk={chunk}")
    n_items, n_layers = residuals.shape[:2]
    step = max(1, _BLOCK_LOGITS // (n_layers * min(chunk, n_vocab)))
    parts = []
    for start in range(0, max(n_items, 1), step):
        block = residuals[start : start + step].to(unembedding.head.device)
        normed = unembedding.norm(block)
        running = _Running(normed.shape[:2], k, normed.device)
        for first_token, logits in unembedding.vocabulary_chunks(normed, chunk):
            running.add(first_token, logits)
        parts.append(running.summaries())
    return LensSummaries(
        token_ids=np.concatenate([part.token_ids for part in parts]),
        probabilities=np.concatenate([part.probabilities for part in parts]),
        entropy_bits=np.concatenate([part.entropy_bits for part in parts]),
        kl_to_final_bits=np.concatenate([part.kl_to_final_bits for part in parts]),
    )


class _Running:
    """Sums over the vocabulary so far, relative to the largest logit so far.

    With m the peak and w = exp(x - m): `mass` is the sum of w, `own` of w (x - m), `cross` of
    the last layer's w times this layer's (x - m). Everything else follows from these; taking
    the peak off keeps logits of any offset exact. A new peak moves what has been summed.
    """

    def __init__(self, shape: torch.Size, k: int, device: torch.device) -> None:
        zeros = torch.zeros(shape, dtype=torch.float64, device=device)
        self._peak: Float[Tensor, "item layer"] | None = None
        self._mass, self._own, self._cross = zeros, zeros.clone(), zeros.clone()
        self._k = k
        self._top = torch.empty((*shape, 0), device=device)
        self._top_ids = torch.empty((*shape, 0), dtype=torch.int64, device=device)

    def add(self, first_token: int, logits: Float[Tensor, "item layer rows"]) -> None:
        peak = logits.amax(-1)
        if self._peak is not None:
            peak = torch.maximum(peak, self._peak)
            self._move(lowered=(self._peak - peak).double())
        self._peak = peak
        below = logits - peak[..., None]
        weight = below.exp()
        self._mass += weight.sum(-1)
        self._cross += torch.einsum("iv,ilv->il", weight[:, -1], below)
        self._own += weight.mul_(below).sum(-1)
        self._keep_top(first_token, logits)

    def _move(self, lowered: Float[Tensor, "item layer"]) -> None:
        """Take all sums from the old peak to the new one, which lies `-lowered` above it."""
        shrink = lowered.exp()
        self._cross = shrink[:, -1:] * (self._cross + lowered * self._mass[:, -1:])
        self._own = shrink * (self._own + lowered * self._mass)
        self._mass = shrink * self._mass

    def _keep_top(self, first_token: int, logits: Float[Tensor, "item layer rows"]) -> None:
        values, places = logits.topk(min(self._k, logits.shape[-1]), dim=-1)
        values = torch.cat([self._top, values], dim=-1)
        ids = torch.cat([self._top_ids, places + first_token], dim=-1)
        self._top, chosen = values.topk(min(self._k, values.shape[-1]), dim=-1)
        self._top_ids = ids.gather(-1, chosen)

    def summaries(self) -> LensSummaries:
        peak = self._peak
        if peak is None:
            raise ValueError("the vocabulary is empty")
        log_mass = self._mass.log()
        entropy = log_mass - self._own / self._mass
        log_likelihood = self._cross / self._mass[:, -1:] - log_mass
        missing = (log_likelihood[:, -1:] - log_likelihood).clamp(min=0)
        probabilities = (self._top - peak[..., None]).double().exp() / self._mass[..., None]
        return LensSummaries(
            token_ids=self._top_ids.cpu().numpy(),
            probabilities=probabilities.float().cpu().numpy(),
            entropy_bits=(entropy / math.log(2)).float().cpu().numpy(),
            kl_to_final_bits=(missing / math.log(2)).float().cpu().numpy(),
        )
