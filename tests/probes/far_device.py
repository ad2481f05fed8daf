"""A second device to test with where there is none: it computes, on the CPU, but only with its own.

A tensor that is moved to "meta" while `far_device` lasts becomes a `Far`, which knows its numbers
and says that it lies there. An operation on both a `Far` and a tensor of the CPU is refused, as any
accelerator refuses it; a single number may be mixed in.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

FAR = torch.device("meta")


class Far(torch.Tensor):
    """A tensor of the far device."""

    near: torch.Tensor

    @staticmethod
    def __new__(cls, near: torch.Tensor) -> "Far":
        found = torch.Tensor._make_wrapper_subclass(
            cls, near.size(), strides=near.stride(), storage_offset=near.storage_offset(),
            dtype=near.dtype, device=FAR,
        )  # fmt: skip
        found.near = near
        return found

    def __repr__(self, **_: Any) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        return f"Far({self.near!r})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


class _Here(TorchDispatchMode):
    """Counts operations by where they are made."""

    def __init__(self) -> None:
        super().__init__()
        self.far_products = self.near_products = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = _run(func, args, kwargs or {})
        if func.overloadpacket in _PRODUCTS:
            if any(isinstance(each, Far) for each in tree_leaves(args)):
                self.far_products += 1
            else:
                self.near_products += 1
        return found


_PRODUCTS = {torch.ops.aten.mm, torch.ops.aten.bmm, torch.ops.aten.baddbmm}


# As on a GPU: indices may lie on the CPU.
_TAKE_NEAR_INDICES = (torch.ops.aten.index, torch.ops.aten.index_put_)


def _run(func: Any, args: Any, kwargs: Any) -> Any:
    leaves = [each for each in tree_leaves((args, kwargs)) if isinstance(each, torch.Tensor)]
    far = [each for each in leaves if isinstance(each, Far)]
    asked = kwargs.get("device")
    goes = torch.device(asked) if asked is not None else None
    moves = func.overloadpacket in (torch.ops.aten._to_copy, torch.ops.aten.copy_)
    if far and not moves and func.overloadpacket not in _TAKE_NEAR_INDICES:
        mixed = [each for each in leaves if not isinstance(each, Far) and each.ndim]
        if mixed:
            raise RuntimeError(f"{func} mixes devices: {[tuple(each.shape) for each in mixed]}")
    if goes is not None:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    near = tree_map(lambda each: each.near if isinstance(each, Far) else each, (args, kwargs))
    found = func(*near[0], **near[1])
    ends_far = goes == FAR if goes is not None else bool(far)
    if func.overloadpacket is torch.ops.aten.copy_:
        return args[0]
    known = {id(each.near): each for each in far}

    def wrapped(each: Any) -> Any:
        if not isinstance(each, torch.Tensor) or not ends_far:
            return each
        return known[id(each)] if id(each) in known else Far(each)

    return tree_map(wrapped, found)


@contextmanager
def far_device() -> Iterator[_Here]:
    """While it lasts, "meta" computes."""
    with _Here() as here:
        yield here
