"""Whether a model's weights fit, told from their headers before they are read.

On Linux memory is promised and then taken by killing the process: it is too late to notice there.
What goes to an accelerator passes through the host, which must have room for it, too.
"""

from collections.abc import Callable, Mapping
from functools import partial
from math import prod

import torch

from data_prep.errors import UserError
from probes.loading.host_memory import free_host_bytes
from probes.loading.options import Loading

Shapes = Mapping[str, tuple[int, ...]]
_Bytes = Callable[[int, int | None], float]

_GIB = 2**30
# bitsandbytes keeps a scale for every 64 weights beside the bits.
_BYTES_PER_WEIGHT = {8: 1.0, 4: 0.56}
_HALF = 2


def require_memory(shapes: Shapes, source: str, loading: Loading) -> None:
    """Refuse a model whose weights take more memory than the device, or the host, has free.

    UserError that says what would fit. Nothing is said of weights in other files than safetensors.

    >>> require_memory({"head": (561, 192)}, "small", Loading(device="cpu"))  # says nothing
    """
    if not shapes:
        return
    target = None if loading.device_map else loading.target
    where = "all devices together" if target is None else str(target)
    _require(free_bytes(target), where, partial(weight_bytes, shapes), source, loading)
    if target is not None and target.type != "cpu":
        where = f"the host, through which they reach {target},"
        _require(free_bytes(torch.device("cpu")), where, partial(_on_host, shapes), source, loading)


def _on_host(shapes: Shapes, itemsize: int, quantize: int | None) -> float:
    """What the host holds at once: all weights, or, where each is quantized on its way, one."""
    if quantize is None:
        return weight_bytes(shapes, itemsize, None)
    return float(itemsize * max(prod(shape) for shape in shapes.values()))


def _require(free: float, where: str, bytes_of: _Bytes, source: str, loading: Loading) -> None:
    needed = bytes_of(loading.torch_dtype.itemsize, loading.quantize)
    if needed <= free:
        return
    smaller = {
        "--dtype bfloat16": bytes_of(_HALF, None),
        "--quantize 8": bytes_of(_HALF, 8),
        "--quantize 4": bytes_of(_HALF, 4),
    }
    fitting = [f"{option} ({size / _GIB:.1f} GiB)" for option, size in smaller.items()
               if size <= min(free, 0.999 * needed)]  # fmt: skip
    remedy = f"use {', or '.join(fitting)}" if fitting else "take a smaller model"
    raise UserError(
        f"the weights of {source} take {needed / _GIB:.1f} GiB in {_precision(loading)}, "
        f"{where} has {free / _GIB:.1f} GiB free: {remedy}"
        + ("" if loading.device_map else ", or spread them over devices with --device-map auto")
    )


def weight_bytes(shapes: Shapes, itemsize: int, quantize: int | None) -> float:
    """The bytes that weights take on the device.

    Quantization is of the matrices of blocks; embeddings and head keep `itemsize` bytes a number.

    >>> shapes = {"embed_tokens.weight": (1000, 64), "layers.0.mlp.weight": (64, 64)}
    >>> weight_bytes(shapes, 2, None), weight_bytes(shapes, 2, 8)
    (136192.0, 132096.0)
    """
    total = 0.0
    for name, shape in shapes.items():
        inner = len(shape) == 2 and "embed" not in name and "head" not in name
        total += prod(shape) * (_BYTES_PER_WEIGHT[quantize] if quantize and inner else itemsize)
    return total


def free_bytes(device: torch.device | None) -> float:
    """The memory that is free on a device, or, for None, on all devices and the host together.

    >>> free_bytes(torch.device("cpu")) > 0
    True
    """
    host = float(free_host_bytes())
    if device is None:
        gpus = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
        return host + sum(torch.cuda.mem_get_info(gpu)[0] for gpu in gpus)
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    return host


def _precision(loading: Loading) -> str:
    return f"{loading.quantize} bits" if loading.quantize else loading.dtype
