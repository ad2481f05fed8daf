"""The norm between the residual stream and the head, with each residual's own statistics."""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

NormKind = Literal["rms", "rms_plus_one", "layer"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FinalNorm:
    """The norm before the head. It keeps no state: each residual gets its own statistics.

    >>> norm = FinalNorm(kind="rms", weight=torch.ones(2), bias=None, eps=0.0)
    >>> norm(torch.tensor([[3.0, 3.0], [0.5, -0.5]])).tolist()
    [[1.0, 1.0], [1.0, -1.0]]
    """

    kind: NormKind
    """`rms`: w x/rms (Llama, Qwen); `rms_plus_one`: (1 + w) x/rms (Gemma); `layer`: LayerNorm."""
    weight: Float[Tensor, " d_model"]
    bias: Float[Tensor, " d_model"] | None
    eps: float

    def on(self, device: torch.device) -> "FinalNorm":
        """This norm on a device, where it then computes whatever it is given."""
        bias = None if self.bias is None else self.bias.to(device)
        return replace(self, weight=self.weight.to(device), bias=bias)

    def __call__(
        self, residual: Float[Tensor, "*batch d_model"]
    ) -> Float[Tensor, "*batch d_model"]:
        """The normed residuals, in the residuals' own number format.

        They are rounded where the model rounds, so that half precision gives the model's values.
        Every residual that a lens reads comes through here, and is moved to where the norm lies.
        """
        residual = residual.to(self.weight.device)
        wide = residual.float()
        if self.kind == "layer":
            bias = None if self.bias is None else self.bias.float()
            normed = nn.functional.layer_norm(
                wide, self.weight.shape, self.weight.float(), bias, self.eps
            )
            return normed.to(residual.dtype)
        normed = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        if self.kind == "rms_plus_one":
            return (normed * (1 + self.weight.float())).to(residual.dtype)
        return (self.weight * normed.to(residual.dtype)).to(residual.dtype)
