"""Whether a processor multiplies in bfloat16 itself.

Where it does not, PyTorch imitates it, and a product takes ten to sixty times as long as in float32
(2048 x 192 by 192 x 768, one thread of a processor with AVX2 alone: 476 ms against 8).
"""

from contextlib import AbstractContextManager, nullcontext

import torch


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether products in bfloat16 are no slower than in float32; accelerators always can.

    >>> multiplies_bfloat16(torch.device("cuda"))
    True
    """
    if device.type != "cpu":
        return True
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def quick_products(device: torch.device) -> AbstractContextManager[object]:
    """Context manager around a step of a training: products in bfloat16 where that is quick, else
    all as it is. What comes out is the same but for rounding.

    >>> with quick_products(torch.device("cpu")):
    ...     (torch.ones(2, 3) @ torch.ones(3, 2)).float().sum().item()
    12.0
    """
    if multiplies_bfloat16(device):
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()
