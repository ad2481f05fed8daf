"""A model under construction must not outgrow the files that are to fill it.

A configuration can ask for any number of layers of any width. Whether it fits to the weights is
known only when the model is built, and building may never end; so it is watched, and given up.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as registration

from data_prep.errors import UserError
from probes.loading.checked.headers import HeldWeights

# Modules, parameters, buffers, and parameters once more as they are filled; a family may also split
# what its files hold in one tensor (queries, keys, values).
_PARTS_PER_TENSOR = 16
# Packed weights of 4 bits are two to a byte; heads are made before they are tied.
_NUMBERS_PER_BYTE = 4
# What is made in a moment need not be watched.
_FREE_PARTS, _FREE_BYTES = 4096, 2**24


@contextmanager
def no_larger_than(held: HeldWeights, source: str) -> Iterator[None]:
    """While it lasts, UserError for a model with far more than these files hold.

    Of the numbers only those without memory are counted: the model that is built, and not the
    tensors that are then read into it.

    >>> held = HeldWeights(files=(), shapes={}, n_tensors=0)
    >>> with no_larger_than(held, "a model"), torch.device("meta"):  # doctest: +ELLIPSIS
    ...     _ = nn.Linear(10**6, 10**6)
    Traceback (most recent call last):
        ...
    data_prep.errors.UserError: the configuration of a model asks for 1,000,000,000,000 numbers ...
    """
    n_bytes, n_tensors = held.n_bytes, held.n_tensors
    most_parts = _FREE_PARTS + _PARTS_PER_TENSOR * n_tensors
    most_numbers = _NUMBERS_PER_BYTE * max(n_bytes, _FREE_BYTES)
    parts = numbers = 0

    def count(_: nn.Module, name: str, made: Any) -> None:
        nonlocal parts, numbers
        parts += 1
        if isinstance(made, torch.Tensor) and made.is_meta:
            numbers += made.numel()
        if parts > most_parts or numbers > most_numbers:
            asked, has = (
                (f"{parts:,} parts", f"hold {n_tensors:,} tensors")
                if parts > most_parts
                else (f"{numbers:,} numbers", f"have {n_bytes:,} bytes")
            )
            raise UserError(
                f"the configuration of {source} asks for {asked} and more, the weights {has}: "
                "config.json is of another model, fetch both again"
            )

    hooks = [
        registration.register_module_module_registration_hook(count),
        registration.register_module_parameter_registration_hook(count),
        registration.register_module_buffer_registration_hook(count),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
