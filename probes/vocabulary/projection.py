"""The one place where normed residuals become logits: head, bias, scale and soft cap.

Everything that reads the vocabulary does so through a `Projection`. What differs between its uses
is how the products with the head are made, and that is a `Way`; the gate checks every one of them.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

Way = Literal["plain", "widened", "buffered", "bfloat16"]


class Projection:
    """logits = cap(scale * (head @ normed + bias)), with cap(x) = soft_cap * tanh(x / soft_cap).

    The ways differ in memory and speed, and `bfloat16` in exactness too:

    - `plain`: rows of a half-precision head are widened to float32 when they are needed.
    - `widened`: the whole head is widened once, for passes that are made again and again.
    - `buffered`: rows are widened into one buffer that is used again, which costs less than fresh
      memory; and processors that can multiply in bfloat16 do so where that rounds nothing.
    - `bfloat16`: products are made and rounded in bfloat16, for gradients that need no more.

    >>> head = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> project = Projection(head, None, scale=0.5, soft_cap=None)
    >>> project(torch.tensor([2.0, 4.0]), slice(1, 3)).tolist()
    [2.0, 3.0]
    """

    def __init__(
        self,
        head: Float[Tensor, "vocab d_model"],
        bias: Float[Tensor, " vocab"] | None,
        *,
        scale: float,
        soft_cap: float | None,
        way: Way = "plain",
    ) -> None:
        self._dtype = torch.bfloat16 if way == "bfloat16" else torch.float32
        self.head = head if way in ("plain", "buffered") else head.to(self._dtype)
        self._bias, self.scale, self.soft_cap = bias, scale, soft_cap
        self._way: Way = way
        self._buffer: Float[Tensor, "row d_model"] | None = None

    @property
    def n_vocab(self) -> int:
        """The number of tokens, rows of the head."""
        return self.head.shape[0]

    def __call__(
        self,
        normed: Float[Tensor, "*batch d_model"],
        tokens: slice | Int[Tensor, " chosen"],
        out: Float[Tensor, "*batch chosen"] | None = None,
    ) -> Float[Tensor, "*batch chosen"]:
        """The logits of some tokens in float32, of residuals already normed.

        With `out`, which needs `normed` to be [row, d_model], they are written there.
        """
        head = self._rows(tokens)
        wide = normed.to(head)  # to its device, too: a model that is spread may have them apart
        # Where both factors are of this format before they are widened, its products are exact.
        exact = normed.dtype == self.head.dtype == torch.bfloat16
        with _bfloat16_products() if exact and self._way == "buffered" else nullcontext():
            products = wide @ head.T if out is None else torch.mm(wide, head.T, out=out)
        return self._finished(products.float(), tokens)

    def _finished(
        self, logits: Float[Tensor, "*batch chosen"], tokens: slice | Int[Tensor, " chosen"]
    ) -> Float[Tensor, "*batch chosen"]:
        """Bias, scale and cap, in place: a second copy of the logits would cost more than all."""
        if self._bias is not None:
            logits += self._bias[tokens].float()
        if self.scale != 1:
            logits *= self.scale
        if self.soft_cap is None:
            return logits
        if logits.requires_grad:
            # The derivative of tanh is made from its result, which must then stay as it is.
            return self.soft_cap * torch.tanh(logits / self.soft_cap)
        return logits.div_(self.soft_cap).tanh_().mul_(self.soft_cap)

    def slope(
        self, logits: Float[Tensor, "*batch chosen"]
    ) -> Float[Tensor, "*batch chosen"] | None:
        """The derivative of the soft cap at logits that it put out, in 0..1; None without a cap.

        >>> project = Projection(torch.eye(2), None, scale=1.0, soft_cap=4.0)
        >>> project.slope(torch.tensor([0.0, 2.0, 4.0]))
        tensor([1.0000, 0.7500, 0.0000])
        """
        return None if self.soft_cap is None else 1 - (logits / self.soft_cap).square()

    def pulled(
        self, weights: Float[Tensor, "row chosen"], tokens: slice
    ) -> Float[Tensor, "row d_model"]:
        """The head's rows summed with `weights`: from the vocabulary back to the normed space.

        This is the derivative of the sum of weights times products, so without scale and cap.

        >>> project = Projection(torch.eye(2), None, scale=1.0, soft_cap=None)
        >>> project.pulled(torch.tensor([[0.25, 0.75]]), slice(0, 2)).tolist()
        [[0.25, 0.75]]
        """
        return (weights.to(self._dtype) @ self._rows(tokens)).float()

    def of_tokens(self, tokens: Int[Tensor, " chosen"]) -> "Projection":
        """The projection of some tokens alone, whose rows of the head are copied side by side.

        >>> project = Projection(torch.eye(3), None, scale=1.0, soft_cap=None)
        >>> project.of_tokens(torch.tensor([2, 0]))(torch.tensor([1.0, 2.0, 3.0]), slice(0, 2))
        tensor([3., 1.])
        """
        bias = None if self._bias is None else self._bias[tokens]
        return Projection(
            self.head[tokens], bias, scale=self.scale, soft_cap=self.soft_cap, way=self._way
        )

    def _rows(self, tokens: slice | Int[Tensor, " chosen"]) -> Float[Tensor, "chosen d_model"]:
        rows = self.head[tokens]
        if rows.dtype == self._dtype or self._way != "buffered":
            return rows.to(self._dtype)
        if self._buffer is None or len(self._buffer) < len(rows):
            self._buffer = torch.empty_like(rows, dtype=self._dtype)
        return self._buffer[: len(rows)].copy_(rows)


@contextmanager
def _bfloat16_products() -> Iterator[None]:
    """While it lasts, processors that can do so make float32 products in bfloat16.

    They add in float32, so nothing is rounded that was not before.
    """
    setting: Any = torch.backends.mkldnn.matmul  # pyright: ignore[reportAttributeAccessIssue]
    before = setting.fp32_precision
    setting.fp32_precision = "bf16"
    try:
        yield
    finally:
        setting.fp32_precision = before
