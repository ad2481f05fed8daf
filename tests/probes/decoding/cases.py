"""Fixed logits of 3 items, 4 layers and 7 tokens, and what the tests draw and compare."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Tensor

N_ITEMS, N_LAYERS, N_TOKENS = 3, 4, 7

numbers = st.floats(-30, 30, width=32)
rows = arrays(np.float32, (2, N_TOKENS), elements=numbers)
stacks = arrays(np.float32, (2, N_LAYERS, N_TOKENS), elements=numbers)


def fixed(*shape: int, seed: int = 0, masked: bool = False) -> Tensor:
    """Logits in float64 that are the same on every machine; with `masked`, the last token is out.

    They come from sines, for a generator's numbers may change with its version.
    """
    count = math.prod(shape)
    logits = 3 * torch.sin((torch.arange(count, dtype=torch.float64) + 1) ** 1.5 + 7 * seed)
    logits = logits.reshape(shape)
    if masked:
        logits[..., -1] = -math.inf
    return logits


def softmax(row: Sequence[float]) -> list[float]:
    """Probabilities of one row, in plain Python."""
    peak = max(row)
    weights = [math.exp(each - peak) for each in row]
    return [each / sum(weights) for each in weights]


def same(found: Tensor, expected: object) -> None:
    """Equal to 12 digits, infinities at the same places."""
    np.testing.assert_allclose(found.numpy(), np.array(expected), rtol=1e-12, atol=1e-12)
