"""Residuals as a solver wants them: per layer, centred, each feature in its standard deviations."""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

# Layers are solved together as long as their features stay near the processor.
_BLOCK_BYTES = 2**24


def layer_blocks(residuals: Float[Tensor, "item layer d_model"]) -> Iterator[slice]:
    """The layers in blocks: small ones together, since steps have fixed costs, large ones alone.

    >>> len(list(layer_blocks(torch.zeros(2, 3, 4))))  # small: all three layers together
    1
    >>> len(list(layer_blocks(torch.zeros(2048, 3, 2048))))  # 16 MiB each: one by one
    3
    """
    n_items, n_layers, width = residuals.shape
    step = max(1, _BLOCK_BYTES // max(1, 4 * n_items * width))
    for start in range(0, n_layers, step):
        yield slice(start, start + step)


def moments(
    residuals: Float[Tensor, "item layer d_model"],
) -> tuple[Float[Tensor, "layer d_model"], Float[Tensor, "layer d_model"]]:
    """Mean and standard deviation of every feature over the items, in float32.

    A feature that does not vary (but for rounding) has the standard deviation infinity: divided
    by it, it says nothing, whatever it may be on other items.

    >>> mean, deviation = moments(torch.tensor([[[1.0, 5.0]], [[3.0, 5.0]]]))
    >>> mean.tolist(), deviation.tolist()
    ([[2.0, 5.0]], [[1.0, inf]])
    """
    wide = residuals.float()
    mean = wide.mean(0)
    deviation = (wide - mean).square().mean(0).sqrt()
    rounding = 8 * torch.finfo(torch.float32).eps * wide.abs().amax(0)
    return mean, torch.where(deviation > rounding, deviation, torch.inf)


def standardised(
    residuals: Float[Tensor, "item layer d_model"],
    mean: Float[Tensor, "layer d_model"],
    deviation: Float[Tensor, "layer d_model"],
) -> Float[Tensor, "layer item d_model"]:
    """(residual - mean) / deviation, layers first.

    >>> residuals = torch.tensor([[[1.0, 5.0]], [[3.0, 5.0]]])
    >>> standardised(residuals, *moments(residuals)).tolist()
    [[[-1.0, 0.0], [1.0, 0.0]]]
    """
    return ((residuals.float() - mean) / deviation).transpose(0, 1).contiguous()
