"""How much memory a capture will take at its peak, and whether there is that much."""

import resource
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import psutil

from data_prep.errors import UserError
from data_prep.terminal.amounts import size_text

if TYPE_CHECKING:
    from probes.residuals.spec import StoreSpec
    from probes.residuals.trial_batches import Trial

# A shard that is captured, one that waits to be written, and the bytes that are written of it.
_SHARDS = 3


def shard_bytes(spec: "StoreSpec") -> int:
    """The bytes of the largest shard of a store."""
    rows = min(spec.shard_size, spec.n_rows)
    return rows * spec.n_stored_layers * spec.d_model * spec.torch_dtype.itemsize


def capture_peak(spec: "StoreSpec", tried: "Trial") -> int:
    """The most memory, in bytes, that this process has had or will have until all is captured."""
    return max(peak_so_far(), tried.memory_peak + _SHARDS * shard_bytes(spec))


def peak_so_far() -> int:
    """The most memory, in bytes, that this process has had."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def require_memory(spec: "StoreSpec", tried: "Trial | None", *, ways: Sequence[str]) -> None:
    """UserError if the shards of a store do not fit into memory beside what this process has.

    `ways` are options that take less.
    """
    has = psutil.Process().memory_info().rss
    there = has + psutil.virtual_memory().available
    shards = _SHARDS * shard_bytes(spec)
    needed = shards + (has if tried is None else tried.memory_peak)
    if needed > there:
        raise UserError(
            f"the capture takes {size_text(needed)} of memory at its peak ({size_text(shards)} for "
            f"residuals on their way to the disk), there are {size_text(there)}: "
            f"{', or '.join(ways)}"
        )
