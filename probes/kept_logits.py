"""The logits of a few rows over the whole vocabulary, chunk by chunk, to be passed over again."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from probes.unembedding import Unembedding

# Logits that are kept at a time (256 MiB), and rows, so that a chunk of them stays in the cache.
_KEPT_LOGITS = 2**26
_ROWS = 512
# Tokens whose largest logit is remembered: the k largest of all lie in the k groups with the
# largest maxima, so no other logit need be sorted.
_GROUP = 64
# Stands where the vocabulary does not fill the last chunk: its exponential is 0, and 0 times it
# too, which does not hold of an infinity.
_NOWHERE = -1e30


def items_per_block(n_layers: int, n_vocab: int) -> int:
    """How many items are taken together."""
    return max(1, min(_KEPT_LOGITS // (n_layers * n_vocab), _ROWS // n_layers))


class KeptLogits:
    """Buffers for at most `n_rows` rows, filled again and again."""

    def __init__(
        self,
        unembedding: Unembedding,
        *,
        n_rows: int,
        chunk: int,
    ) -> None:
        self._unembedding = unembedding
        self.device, self.n_vocab = unembedding.head.device, unembedding.n_vocab
        groups = -(-min(chunk, unembedding.n_vocab) // _GROUP)
        self._width = groups * _GROUP
        self.n_chunks = -(-unembedding.n_vocab // self._width)
        self.n_rows = n_rows
        self._all = torch.empty(self.n_chunks, n_rows, self._width, device=self.device)
        self._all[-1] = _NOWHERE
        self._head = torch.empty(self._width, unembedding.head.shape[1], device=self.device)

    def chunk(self, place: int) -> Float[Tensor, "row token"]:
        """May be overwritten; the other methods then no longer hold."""
        return self._all[place, : self.n_rows]

    def fill(self, residuals: Float[Tensor, "row d_model"]) -> None:
        """The logits of these rows, each normed by its own statistics, and their normalisers."""
        normed = self._unembedding.norm(residuals.to(self.device))
        self.n_rows = len(normed)
        self._all[-1] = _NOWHERE
        peak = torch.full((self.n_rows,), -math.inf, device=self.device)
        mass = torch.zeros(self.n_rows, dtype=torch.float64, device=self.device)
        below = torch.empty(self.n_rows, self._width, device=self.device)
        maxima = []
        for place in range(self.n_chunks):
            logits = self.chunk(place)
            with _fast_if_exact(normed, self._unembedding.head):
                self._project(normed.float(), place * self._width, logits)
            maxima.append(logits.unflatten(-1, (-1, _GROUP)).amax(-1))
            higher = torch.maximum(peak, maxima[-1].amax(-1))
            mass *= (peak - higher).double().exp()
            peak = higher
            mass += torch.sub(logits, peak[:, None], out=below).exp_().sum(-1)
        self._maxima = torch.cat(maxima, dim=-1)
        self.peak: Float[Tensor, " row"] = peak
        self.log_mass: Float[Tensor, " row"] = mass.log()

    def _project(
        self, normed: Float[Tensor, "row d_model"], first: int, out: Float[Tensor, "row token"]
    ) -> None:
        unembedding = self._unembedding
        rows = slice(first, min(first + self._width, unembedding.n_vocab))
        n_tokens = rows.stop - first
        head = unembedding.head[rows]
        if head.dtype != torch.float32:
            # Into one place each time: fresh memory costs more than the conversion.
            head = self._head[:n_tokens].copy_(head)
        out = out[:, :n_tokens]
        torch.mm(normed, head.T, out=out)
        if unembedding.bias is not None:
            out += unembedding.bias[rows].float()
        if unembedding.scale != 1:
            out *= unembedding.scale
        if unembedding.soft_cap is not None:
            out.div_(unembedding.soft_cap).tanh_().mul_(unembedding.soft_cap)

    @property
    def log_normaliser(self) -> Float[Tensor, " row"]:
        """Natural log of the sum of exp(logit), in float64."""
        return self.peak + self.log_mass

    def top(self, k: int) -> tuple[Float[Tensor, "row k"], Int[Tensor, "row k"]]:
        """The k largest logits of every row, largest first, and their tokens."""
        n_groups = min(k, self._maxima.shape[-1])
        groups = self._maxima.topk(n_groups, dim=-1).indices
        inside = torch.arange(_GROUP, device=self.device)
        candidates = (groups[..., None] * _GROUP + inside).flatten(1)
        values, places = self._at(candidates).topk(k, dim=-1)
        return values, candidates.gather(-1, places)

    def of_tokens(self, tokens: Sequence[tuple[int, ...]]) -> Float[Tensor, "row most"]:
        """The logits of some tokens of each row; rows with fewer end in minus infinity."""
        most = max(map(len, tokens))
        padded = [[*own, *[-1] * (most - len(own))] for own in tokens]
        ids = torch.tensor(padded, device=self.device)
        return torch.where(ids < 0, -math.inf, self._at(ids.clamp(min=0)))

    def count_above(self, threshold: Float[Tensor, " row"]) -> Int[Tensor, " row"]:
        """How many tokens of each row have a larger logit."""
        total = torch.zeros(self.n_rows, dtype=torch.int64, device=self.device)
        above = torch.empty(self.n_rows, self._width, device=self.device)
        for place in range(self.n_chunks):
            # As numbers: flags take many times as long to count.
            torch.gt(self.chunk(place), threshold[:, None], out=above)
            total += above.sum(-1).long()
        return total

    def _at(self, ids: Int[Tensor, "row chosen"]) -> Float[Tensor, "row chosen"]:
        rows = torch.arange(self.n_rows, device=self.device)[:, None]
        return self._all[ids // self._width, rows, ids % self._width]


@contextmanager
def _fast_if_exact(*factors: Tensor) -> Iterator[None]:
    """Lets processors that can multiply in bfloat16 where all numbers are of that format anyway.

    They add in float32, so nothing is rounded that was not before.
    """
    setting: Any = torch.backends.mkldnn.matmul  # pyright: ignore[reportAttributeAccessIssue]
    before = setting.fp32_precision
    if all(factor.dtype == torch.bfloat16 for factor in factors):
        setting.fp32_precision = "bf16"
    try:
        yield
    finally:
        setting.fp32_precision = before
