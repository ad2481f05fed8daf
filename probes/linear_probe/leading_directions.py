"""Coordinates in which the residual stream's few dominant directions are axes of their own.

A residual stream is far from round: a handful of directions hold most of its variance, also
after every feature has been standardised. A solver that rescales each axis by its own variance
is quick only if those directions *are* axes. The rotation is orthogonal, so that the penalty on
the weights is the same in both coordinates.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

_PASSES = 2
_SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rotation:
    """An orthogonal map per layer, kept as Householder reflections."""

    reflections: Float[Tensor, "layer d_model rank"]
    factors: Float[Tensor, "layer rank"]

    def forth(self, rows: Float[Tensor, "layer row d_model"]) -> Float[Tensor, "layer row d_model"]:
        """Rows in the new coordinates, the leading directions first."""
        return torch.ormqr(self.reflections, self.factors, rows, left=False)

    def back(self, rows: Float[Tensor, "layer row d_model"]) -> Float[Tensor, "layer row d_model"]:
        """The inverse of `forth`."""
        return torch.ormqr(self.reflections, self.factors, rows, left=False, transpose=True)


def leading_rotation(features: Float[Tensor, "layer item d_model"], rank: int) -> Rotation:
    """Turns the `rank` leading right singular directions of each layer, roughly, onto the axes.

    Randomised subspace iteration (Halko, Martinsson & Tropp 2011, doi:10.1137/090771806). Rough
    is enough: it decides how fast a solver is, not where it ends. The start is fixed, so the
    same features give the same rotation.

    >>> features = torch.tensor([[[3.0, 4.0], [-3.0, -4.0]]])  # along one direction, of length 5
    >>> turned = leading_rotation(features, 1).forth(features)
    >>> turned.abs().round(decimals=3).tolist()
    [[[5.0, 0.0], [5.0, 0.0]]]
    """
    n_layers, _, width = features.shape
    generator = torch.Generator().manual_seed(_SEED)
    start = torch.randn(width, rank, generator=generator, dtype=torch.float32)
    basis = start.to(features).expand(n_layers, width, rank)
    for _ in range(_PASSES):
        basis = torch.linalg.qr(basis).Q
        basis = features.mT @ (features @ basis)
    reflections, factors = torch.geqrf(basis)
    return Rotation(reflections=reflections, factors=factors)
