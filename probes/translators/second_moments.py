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
WHITENING = 1e-4
"""Added to the variances in whitening, as share of their mean."""
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
        maps = torch.empty_like(self.covariance, dtype=torch.float32)
        offsets = torch.empty_like(self.mean, dtype=torch.float32)
        # Layer by layer, for what it takes in between is several times what comes out.
        for layer, (cross, own) in enumerate(zip(self.cross, self.covariance, strict=True)):
            a = torch.linalg.solve(self._damped(layer, strength), (cross - own).mT).mT
            maps[layer] = a
            offsets[layer] = self.target_mean - self.mean[layer] - a @ self.mean[layer]
        return maps, offsets

    def whitener(self) -> Float[Tensor, "layer d_model d_model"]:
        """The W with cov(W h) = 1, as far as directions of little variance allow (Cholesky)."""
        # By columns, as the solver gives it: the layout decides how products with it are rounded.
        out = torch.empty_like(self.covariance, dtype=torch.float32).mT
        for layer in range(len(out)):
            lower = torch.linalg.cholesky(self._damped(layer, WHITENING))
            identity = torch.eye(lower.shape[-1], dtype=lower.dtype, device=lower.device)
            out[layer] = torch.linalg.solve_triangular(lower, identity, upper=False)
        return out

    def _damped(self, layer: int, strength: float) -> Float[Tensor, "d_model d_model"]:
        damped = self.covariance[layer].clone()
        damped.diagonal().add_(strength * self.variance()[layer])
        return damped


@torch.no_grad()
def second_moments(rows: ResidualRows, device: torch.device | None = None) -> SecondMoments:
    """The moments over all rows, made on a device (the CPU); memory is that of a block and of the
    result, in float64.

    >>> layers = torch.tensor([[[0.0], [1.0]], [[2.0], [-1.0]]])  # two rows, a layer and the last
    >>> found = second_moments(ResidualRows.of(layers, ["a", "b"]))
    >>> found.mean.item(), found.target_mean.item(), found.covariance.item(), found.cross.item()
    (1.0, 0.0, 1.0, -1.0)
    """
    n_layers, width = rows.n_layers, rows.d_model
    total = 0.0
    first = torch.zeros(n_layers + 1, width, dtype=torch.float64, device=device)
    covariance = torch.zeros(n_layers, width, width, dtype=torch.float64, device=device)
    cross = torch.zeros_like(covariance)
    shift, least = None, 1.0
    for block in rows.blocks(_BLOCK_ROWS):
        block = block.to(first.device)
        if shift is None:
            # Products of what is left are exact enough in float32, whatever the offset was; a
            # layer that is the same in every row becomes exactly 0.
            shift = block[0].clone()
            least = _least_rms(_rms(block[:, -1]))
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
    for layer in range(n_layers):
        covariance[layer].div_(total).sub_(torch.outer(first[layer], first[layer]))
        cross[layer].div_(total).sub_(torch.outer(first[-1], first[layer]))
    mean = first + shift
    return SecondMoments(
        mean=mean[:-1],
        target_mean=mean[-1],
        covariance=covariance,
        cross=cross,
    )


def row_weights(rows: ResidualRows) -> Float[Tensor, " row"]:
    """The weight of each row in the moments; they add up to 1.

    >>> layers = torch.tensor([[[0.0], [1.0]], [[2.0], [-3.0]]])  # two rows, a layer and the last
    >>> row_weights(ResidualRows.of(layers, ["a", "b"]))
    tensor([0.7500, 0.2500])
    """
    last = rows.of_layers(range(0))
    sizes = torch.cat([_rms(block[:, -1]) for block in last.blocks(_BLOCK_ROWS)])
    weight = 1 / sizes.clamp(min=_least_rms(sizes[:_BLOCK_ROWS]))
    return weight / weight.sum()


def _least_rms(sizes: Float[Tensor, " row"]) -> float:
    """What a final residual counts as at least; a padding token's can be 0."""
    return _LEAST_RMS * float(sizes.median()) or 1.0


def _rms(residual: Float[Tensor, "row d_model"]) -> Float[Tensor, " row"]:
    return residual.square().mean(-1).sqrt()
