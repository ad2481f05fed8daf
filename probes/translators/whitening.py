"""The coordinates of a refinement: inputs made white, in as many directions as the rows span.

With u = W (h - mean) white, a translator is h + C [u, 1]. Rows fewer than the width leave most
directions without any data: no gradient ever reaches these, and W then holds the others only.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from probes.translators.affine import Translators
from probes.translators.rows import ResidualRows
from probes.translators.second_moments import WHITENING, SecondMoments, row_weights

# Directions of less variance than this share of the largest are rounding.
_LEAST_SHARE = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Whitening:
    """The change of coordinates of some layers' inputs, and back."""

    forth: Float[Tensor, "layer white d_model"]
    """W."""
    back: Float[Tensor, "layer d_model white"] | None
    """The right inverse of W; None where W is square, and equations are solved instead."""
    mean: Float[Tensor, "layer d_model"]

    @classmethod
    def whole(cls, moments: SecondMoments, device: torch.device) -> "Whitening":
        """In all directions."""
        forth, mean = moments.whitener().to(device), moments.mean.float().to(device)
        return cls(forth=forth, back=None, mean=mean)

    @classmethod
    def of_span(
        cls, rows: ResidualRows, moments: SecondMoments, device: torch.device
    ) -> "Whitening":
        """In the directions that the rows span, which are fewer than the width.

        A refinement in these is the same as one in all directions, but for rounding: gradients by
        a translator lie in this span, so do ridge regressions, and Muon's step is the same for
        every W with the same W'W on it.

        >>> from probes.translators.second_moments import second_moments
        >>> rows = ResidualRows.of(torch.eye(5)[:3, None].repeat(1, 2, 1), ["a", "b", "c"])
        >>> found = Whitening.of_span(rows, second_moments(rows), torch.device("cpu"))
        >>> found.forth.shape  # three points lie in a plane, whatever the width
        torch.Size([1, 2, 5])
        """
        n_rows, n_layers = len(rows), rows.n_layers
        weight = row_weights(rows).double().sqrt().to(moments.mean.device)
        damping = WHITENING * moments.variance()
        bases, lengths = [], []
        for layer in range(n_layers):
            one = rows.of_layers(rows.layers[layer : layer + 1])
            block = one.take(torch.arange(n_rows))[:, 0].double().to(weight.device)
            centred = weight[:, None] * (block - moments.mean[layer])
            values, vectors = torch.linalg.eigh(centred @ centred.T)
            kept = values > _LEAST_SHARE * values[-1].clamp(min=torch.finfo(torch.float32).tiny)
            basis = (vectors[:, kept] / values[kept].sqrt()).T @ centred
            bases.append(basis)
            lengths.append((values[kept] + damping[layer]).sqrt())
        return cls._padded(bases, lengths, moments.mean.float(), device)

    @classmethod
    def _padded(
        cls,
        bases: list[Float[Tensor, "white d_model"]],
        lengths: list[Float[Tensor, " white"]],
        mean: Float[Tensor, "layer d_model"],
        device: torch.device,
    ) -> "Whitening":
        """All layers with as many directions as the richest has, the others' rows filled with 0."""
        most = max(len(basis) for basis in bases)
        forth = torch.zeros(len(bases), most, mean.shape[1])
        back = torch.zeros(len(bases), mean.shape[1], most)
        for layer, (basis, length) in enumerate(zip(bases, lengths, strict=True)):
            forth[layer, : len(basis)] = basis / length[:, None]
            back[layer, :, : len(basis)] = (basis * length[:, None]).T
        return cls(forth=forth.to(device), back=back.to(device), mean=mean.to(device))

    def change_of(self, translators: Translators) -> Float[Tensor, "layer d_model inputs"]:
        """C of a translator, the offset in its last column."""
        maps, offsets = translators.maps, translators.offsets
        if self.back is None:
            change = torch.linalg.solve(self.forth.mT, maps.mT).mT
        else:
            change = maps @ self.back
        constant = offsets + torch.einsum("loi,li->lo", maps, self.mean)
        return torch.cat([change, constant[..., None]], dim=2)

    def translators(self, change: Float[Tensor, "layer d_model inputs"]) -> Translators:
        """The translators h + A h + b that C stands for."""
        maps = change[..., :-1] @ self.forth
        offsets = change[..., -1] - torch.einsum("loi,li->lo", maps, self.mean)
        return Translators(maps=maps, offsets=offsets)

    def gradient(
        self,
        by_map: Float[Tensor, "layer d_model d_model"],
        by_offset: Float[Tensor, "layer d_model"],
    ) -> Float[Tensor, "layer d_model inputs"]:
        """The derivative by C, from that by A with centred inputs and that by b."""
        return torch.cat([by_map @ self.forth.mT, by_offset[..., None]], dim=2)
