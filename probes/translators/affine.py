"""Residual translators h + A h + b, one per layer below the last, and how far they miss."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from probes.translators.output_map import BLOCK_ROWS, OutputMap, kl_nats
from probes.translators.rows import ResidualRows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Translators:
    """A and b of every layer 0..L-1; all zero is the logit lens."""

    maps: Float[Tensor, "layer d_model d_model"]
    offsets: Float[Tensor, "layer d_model"]

    @classmethod
    def zero(cls, n_layers: int, d_model: int) -> "Translators":
        """The translators that change nothing: the logit lens."""
        return cls(
            maps=torch.zeros(n_layers, d_model, d_model), offsets=torch.zeros(n_layers, d_model)
        )

    def on(self, device: torch.device) -> "Translators":
        """These translators on a device, where they then compute whatever they are given."""
        return Translators(maps=self.maps.to(device), offsets=self.offsets.to(device))

    def apply(
        self, residuals: Float[Tensor, "row layer d_model"]
    ) -> Float[Tensor, "below row d_model"]:
        """What the layers below the last become, in float32; by layer, as the products want it."""
        below = residuals[:, :-1].to(self.maps.device).transpose(0, 1)
        return below + torch.baddbmm(self.offsets[:, None], below, self.maps.mT)

    def where(self, better: Tensor, other: "Translators") -> "Translators":
        """`other` at the layers that `better` [layer] marks, these at the rest."""
        return Translators(
            maps=torch.where(better[:, None, None], other.maps, self.maps),
            offsets=torch.where(better[:, None], other.offsets, self.offsets),
        )


@torch.no_grad()
def kl_by_layer(
    rows: ResidualRows, translators: Translators, output: OutputMap
) -> Float[Tensor, " layer"]:
    """Mean over rows of D(final || lens) in nats, for the layers below the last.

    >>> alike = torch.ones(3, 2, vlm.d_model)  # in every row both layers are alike
    >>> rows, output = ResidualRows.of(alike, ["a", "b", "c"]), OutputMap.of(vlm.unembedding)
    >>> kl_by_layer(rows, Translators.zero(1, vlm.d_model), output).round(decimals=5)
    tensor([0.], dtype=torch.float64)
    """
    total = torch.zeros(rows.n_layers, dtype=torch.float64)
    device = output.head.device
    for block in rows.blocks(BLOCK_ROWS):
        block = block.to(device)
        missed = kl_nats(translators.apply(block), block[:, -1], output)
        total += missed.cpu().sum(1, dtype=torch.float64)
    return total / len(rows)
