"""First and second moments of residuals in one pass, and what follows from them in closed form.

The rows are weighted by 1 / rms of the final residual: the final norm divides by that rms, so
that an error counts by what it does to the logits and not by how long the final residual is.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from probes.translators.rows import ResidualRows

_BLOCK_ROWS = 2048
# Added to the variance, as share of the square mean: a layer whose residual is the same in every
# row (the embedding of the last word of a prompt) has no variance of its own, only rounding.
_FLOOR = 1e-9
_WHITENING = 1e-4
# No row's final residual counts as shorter than this share of the median.
_LEAST_RMS = 0.01


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SecondMoments:
    """Weighted moments of the layers below the last (inputs) and of the last (target)."""

    mean: Float[Tensor, "layer d_model"]
    target_mean: Float[Tensor, " d_model"]
    covariance: Float[Tensor, "layer d_model d_model"]
    cross: Float[Tensor, "layer d_model d_model"]
    """Covariance of the target (rows) with the input (columns)."""

    def variance(self) -> Float[Tensor, " layer"]:
        """The variance of each layer, the mean over units; never quite 0."""
        own = self.covariance.diagonal(dim1=1, dim2=2).mean(1)
        return own + _FLOOR * self.mean.square().mean(1) + torch.finfo(torch.float32).tiny

    def ridge(
        self, strength: float
    ) -> tuple[Float[Tensor, "layer d_model d_model"], Float[Tensor, "layer d_model"]]:
        """The A and b that minimise |h + A h + b - final|^2 + strength * variance * |A|^2.

        The penalty draws towards the logit lens (A = 0), the offset is free.
        """
        damped = self._damped(strength)
        a = torch.linalg.solve(damped, (self.cross - self.covariance).mT).mT
        b = self.target_mean - self.mean - torch.einsum("loi,li->lo", a, self.mean)
        return a.float(), b.float()

    def whitener(self) -> Float[Tensor, "layer d_model d_model"]:
        """The W with cov(W h) = 1, as far as directions of little variance allow (Cholesky)."""
        lower = torch.linalg.cholesky(self._damped(_WHITENING))
        identity = torch.eye(lower.shape[-1], dtype=lower.dtype)
        return torch.linalg.solve_triangular(lower, identity.expand_as(lower), upper=False).float()

    def _damped(self, strength: float) -> Float[Tensor, "layer d_model d_model"]:
        identity = torch.eye(self.covariance.shape[-1], dtype=self.covariance.dtype)
        return self.covariance + strength * self.variance()[:, None, None] * identity


@torch.no_grad()
def second_moments(rows: ResidualRows) -> SecondMoments:
    """The moments over all rows; memory is that of a block and of the result, in float64.

    >>> layers = torch.tensor([[[0.0], [1.0]], [[2.0], [-1.0]]])  # two rows, a layer and the last
    >>> found = second_moments(ResidualRows.of(layers, ["a", "b"]))
    >>> found.mean.item(), found.target_mean.item(), found.covariance.item(), found.cross.item()
    (1.0, 0.0, 1.0, -1.0)
    """
    n_layers, width = rows.n_layers, rows.d_model
    total = 0.0
    first = torch.zeros(n_layers + 1, width, dtype=torch.float64)
    covariance = torch.zeros(n_layers, width, width, dtype=torch.float64)
    cross = torch.zeros_like(covariance)
    shift, least = None, 1.0
    for block in rows.blocks(_BLOCK_ROWS):
        if shift is None:
            # Products of what is left are exact enough in float32, whatever the offset was; a
            # layer that is the same in every row becomes exactly 0.
            shift = block[0].clone()
            # A padding token's residual can be 0: it must not outweigh all others.
            least = _LEAST_RMS * float(_rms(block[:, -1]).median()) or 1.0
        weight = 1 / _rms(block[:, -1]).clamp(min=least)
        centred = block - shift
        weighted = centred * weight[:, None, None]
        total += float(weight.sum(dtype=torch.float64))
        first += weighted.sum(0, dtype=torch.float64)
        target = weighted[:, -1].T.contiguous()
        for layer in range(n_layers):
            inputs = centred[:, layer].contiguous()
            covariance[layer] += weighted[:, layer].T @ inputs
            cross[layer] += target @ inputs
    if shift is None:
        raise ValueError("need at least one row")
    first /= total
    outer = torch.einsum("li,lj->lij", first[:-1], first[:-1])
    outer_target = torch.einsum("i,lj->lij", first[-1], first[:-1])
    mean = first + shift
    return SecondMoments(
        mean=mean[:-1],
        target_mean=mean[-1],
        covariance=covariance / total - outer,
        cross=cross / total - outer_target,
    )


def _rms(residual: Float[Tensor, "row d_model"]) -> Float[Tensor, " row"]:
    return residual.square().mean(-1).sqrt()
