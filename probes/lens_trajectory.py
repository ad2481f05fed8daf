"""What the lens says from layer to layer: top tokens, entropy, and divergences between layers.

The lens is that of `logit_lens`; divergences between layers need the normalisers of both before
the first token can be counted, so the logits of a few items are kept between two passes over
chunks of the vocabulary that stay near the processor.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from probes.kept_logits import KeptLogits, items_per_block
from probes.unembedding import Unembedding

_LN2 = math.log(2)
# The smallest normal number: its logarithm is finite, and 0 log 0 counts nothing.
_TINY = torch.finfo(torch.float32).tiny


@dataclass(frozen=True, slots=True, kw_only=True)
class LensTrajectory:
    """The lens's distribution over the whole vocabulary at every layer, in a few numbers."""

    token_ids: Int[ndarray, "item layer rank"]
    """The most probable tokens, most probable first."""
    probabilities: Float[ndarray, "item layer rank"]
    entropy_bits: Float[ndarray, "item layer"]
    kl_to_final_bits: Float[ndarray, "item layer"]
    """D(last layer || this layer): the bits that are still missing here. 0 at the last layer."""
    jsd_adjacent_bits: Float[ndarray, "item step"]
    """Jensen-Shannon divergence of layers l and l + 1, for l = 0..L-1: in [0, 1], symmetric."""
    jsd_final_bits: Float[ndarray, "item layer"]
    """Jensen-Shannon divergence of this layer and the last. 0 at the last layer."""
    log_normaliser: Float[ndarray, "item layer"]
    """Natural log of the sum of exp(logit): turns single logits into probabilities."""
    mean_probability: Float[ndarray, "layer vocab"] | None = None
    """Every token's probability, the mean over the items; None unless asked for."""


@torch.no_grad()
def lens_trajectory(
    residuals: Float[Tensor, "item layer d_model"],
    unembedding: Unembedding,
    *,
    k: int = 3,
    means: bool = False,
    chunk: int = 1024,
) -> LensTrajectory:
    """Layers 0..L of each item through the unembedding, each normed once by its own statistics.

    `means` asks for `mean_probability`. Logits are in float32, sums in float32 by chunk and float64
    over chunks: divergences hold to about 1e-6 bits. Memory: the logits of some items (256 MiB, or
    one item's if that is more), whatever the number of items.

    Raises ValueError for no item, a single layer, or a `k` or `chunk` out of range. Source: Lin
    (1991), IEEE Trans. Inf. Theory 37:145, for the divergence as H(m) - (H(p) + H(q)) / 2.

    >>> from probes.vocabulary import FinalNorm
    >>> norm = FinalNorm(kind="rms", weight=torch.ones(2), bias=None, eps=0.0)
    >>> head = torch.tensor([[99.0, 0.0], [0.0, 99.0]])
    >>> unembedding = Unembedding(norm=norm, head=head, bias=None, scale=1.0, soft_cap=None)
    >>> layers = torch.tensor([[[3.0, 3.0], [5.0, 0.0]]])  # one item; undecided, then decided
    >>> found = lens_trajectory(layers, unembedding, k=1)
    >>> found.entropy_bits.round(3).tolist(), found.jsd_adjacent_bits.round(3).tolist()
    ([[1.0, 0.0]], [[0.3109999895095825]])
    """
    n_items, n_layers, _ = residuals.shape
    if n_items < 1 or n_layers < 2:
        raise ValueError(f"need at least 1 item and 2 layers, got {n_items} and {n_layers}")
    if not 1 <= k <= unembedding.n_vocab or chunk < 1:
        raise ValueError(
            f"need 1 <= k <= {unembedding.n_vocab} and chunk >= 1, got k={k}, chunk={chunk}"
        )
    size = items_per_block(n_layers, unembedding.n_vocab)
    kept = KeptLogits(unembedding, n_rows=min(size, n_items) * n_layers, chunk=chunk)
    parts = []
    for start in range(0, n_items, size):
        block = residuals[start : start + size]
        kept.fill(block.flatten(0, 1))
        parts.append(_block(kept, n_layers, k, means))
    return joined(parts)


def _block(kept: KeptLogits, n_layers: int, k: int, means: bool) -> LensTrajectory:
    def by_item(rows: Tensor) -> Tensor:
        return rows.unflatten(0, (-1, n_layers))

    log_normaliser = kept.log_normaliser
    top, ids = kept.top(k)
    # Last: it overwrites the logits.
    between = _Between(kept, n_layers, means)
    kept.pass_again(between)
    return LensTrajectory(
        token_ids=_numpy(by_item(ids)),
        probabilities=_numpy(by_item((top.double() - log_normaliser[:, None]).exp())),
        entropy_bits=_numpy(between.entropy()),
        kl_to_final_bits=_numpy(between.kl_to_final()),
        jsd_adjacent_bits=_numpy(between.jsd_adjacent()),
        jsd_final_bits=_numpy(between.jsd_final()),
        log_normaliser=by_item(log_normaliser).cpu().numpy(),
        mean_probability=between.mean_probability(),
    )


class _Between:
    """Sums over the kept logits that compare layers: a reducer.

    With y = log p and h = p/2, `own` is the sum of h y, `cross` of the last layer's h times this
    layer's y, and for two layers with mixture m = h + h', `adjacent` and `final` are the sums of
    m log m. A mixture costs one addition and one logarithm a token; halving costs nothing, since
    it is a shift of the logits.
    """

    def __init__(self, kept: KeptLogits, n_layers: int, means: bool) -> None:
        n_items = kept.n_rows // n_layers
        self._shape, self._n_vocab = (n_items, n_layers, -1), kept.n_vocab
        zeros = torch.zeros(n_items, n_layers, dtype=torch.float64, device=kept.device)
        self._own, self._cross = zeros, zeros.clone()
        self._adjacent, self._final = zeros[:, 1:].clone(), zeros[:, 1:].clone()
        self._peak, self._rest = kept.peak[:, None], (kept.log_mass + _LN2).float()[:, None]
        self._means: list[Float[Tensor, "layer token"]] | None = [] if means else None
        self._half, self._mixture, self._scratch = (
            torch.empty_like(kept.chunk(0)) for _ in range(3)
        )

    def add(self, part: int, tokens: slice, logits: Float[Tensor, "row token"]) -> None:
        """Take in a chunk, and overwrite it."""
        # The peak first: what is then left of large logits is exact.
        lowered = logits.sub_(self._peak).sub_(self._rest).view(self._shape)
        half = torch.exp(logits, out=self._half).view(self._shape)
        if self._means is not None:
            self._means.append(half.mean(0).cpu())
        self._add(lowered, half, self._mixture.view(self._shape), self._scratch.view(self._shape))

    def _add(
        self,
        lowered: Float[Tensor, "item layer token"],
        half: Float[Tensor, "item layer token"],
        mixture: Float[Tensor, "item layer token"],
        scratch: Float[Tensor, "item layer token"],
    ) -> None:
        """`lowered` is log h; sums by chunk are small, so their differences keep their digits."""
        mass = half.sum(-1).double() * _LN2
        self._own += torch.mul(half, lowered, out=scratch).sum(-1).double() + mass
        last = half[:, -1]
        self._cross += torch.einsum("ilv,iv->il", lowered, last).double() + mass[:, -1:]
        mixture, scratch = mixture[:, 1:], scratch[:, 1:]
        torch.add(half[:, 1:], half[:, :-1], out=mixture)
        self._adjacent += _negentropy(mixture, scratch)
        torch.add(half[:, :-1], last[:, None], out=mixture)
        self._final += _negentropy(mixture, scratch)

    def mean_probability(self) -> Float[ndarray, "layer vocab"] | None:
        if self._means is None:
            return None
        return 2 * torch.cat(self._means, dim=-1)[:, : self._n_vocab].numpy()

    def entropy(self) -> Float[Tensor, "item layer"]:
        return (-2 * self._own / _LN2).clamp(min=0)

    def kl_to_final(self) -> Float[Tensor, "item layer"]:
        missing = (2 * (self._own[:, -1:] - self._cross) / _LN2).clamp(min=0)
        missing[:, -1] = 0
        return missing

    def jsd_adjacent(self) -> Float[Tensor, "item step"]:
        found = self._own[:, 1:] + self._own[:, :-1] - self._adjacent
        return (found / _LN2).clamp(0, 1)

    def jsd_final(self) -> Float[Tensor, "item layer"]:
        found = self._own[:, :-1] + self._own[:, -1:] - self._final
        return torch.nn.functional.pad((found / _LN2).clamp(0, 1), (0, 1))


def _negentropy(
    mixture: Float[Tensor, "item pair token"], scratch: Float[Tensor, "item pair token"]
) -> Float[Tensor, "item pair"]:
    """Sum of m log m over the tokens; overwrites both."""
    torch.log(mixture.clamp_(min=_TINY), out=scratch)
    return scratch.mul_(mixture).sum(-1).double()


def joined(parts: Sequence[LensTrajectory]) -> LensTrajectory:
    """The trajectories of some items after those of others, as if they had been read together.

    >>> residuals = torch.zeros(3, 2, vlm.d_model)
    >>> parts = [lens_trajectory(some, vlm.unembedding) for some in residuals.split(2)]
    >>> joined(parts).entropy_bits.shape  # 2 items and 1 item
    (3, 2)
    """
    columns: dict[str, Any] = {}
    for field in fields(LensTrajectory):
        values = [getattr(part, field.name) for part in parts]
        if values[0] is None:
            continue
        if field.name == "mean_probability":
            sizes = [len(part.token_ids) for part in parts]
            columns[field.name] = np.average(values, axis=0, weights=sizes).astype(np.float32)
        else:
            columns[field.name] = np.concatenate(values)
    return LensTrajectory(**columns)


def _numpy(values: Tensor) -> ndarray:
    return (values.float() if values.is_floating_point() else values).cpu().numpy()
