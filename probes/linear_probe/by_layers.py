"""Work on stored residuals a few layers at a time, so that a store may be larger than memory.

A probe reads one layer and knows nothing of the others: what is found layer by layer is put
together as if all had been read at once.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from probes.linear_probe.labels import require_finite
from probes.residuals.rows import StoredRows

Found = TypeVar("Found")

_GROUP_BYTES = 2**30


def by_layers(
    rows: StoredRows,
    work: Callable[[Float[Tensor, "row layer d_model"], slice], Found],
    join: Callable[[Sequence[Found]], Found],
    *,
    most_bytes: int = _GROUP_BYTES,
) -> Found:
    """What `work` finds in these rows, from as many layers at a time as take 1 GiB.

    `work` is given the residuals of some layers and which these are, `join` what it found, in the
    order of the layers. UserError for residuals that are not finite.
    """
    found = []
    for layers in layer_groups(rows, most_bytes):
        residuals = read_layers(rows, layers)
        require_finite(residuals, first_layer=layers.start)
        found.append(work(residuals, layers))
        del residuals  # before the next ones are read
    return found[0] if len(found) == 1 else join(found)


def layer_groups(rows: StoredRows, most_bytes: int = _GROUP_BYTES) -> list[slice]:
    """The stored layers, as many together as take so many bytes, and at least one."""
    spec = rows.store.spec
    size = max(1, len(rows) * spec.d_model * spec.torch_dtype.itemsize)
    step = max(1, most_bytes // size)
    n_layers = spec.n_stored_layers
    return [slice(start, min(start + step, n_layers)) for start in range(0, n_layers, step)]


def read_layers(rows: StoredRows, layers: slice) -> Float[Tensor, "row layer d_model"]:
    """These rows' residuals of some layers, in the store's dtype; no others are read."""
    spec = rows.store.spec
    shape = (len(rows), layers.stop - layers.start, spec.d_model)
    out = torch.empty(shape, dtype=spec.torch_dtype)
    shard_of = rows.rows // spec.shard_size
    shards = shard_of.unique().tolist()
    for shard, residuals in zip(shards, rows.store.read_shards(shards), strict=True):
        here = (shard_of == shard).nonzero()[:, 0]
        out[here] = residuals[:, layers][rows.rows[here] % spec.shard_size]
    return out


def joined_layers(parts: Sequence[Float[ndarray, "row _ *answer"]]) -> Float[ndarray, "..."]:
    """Arrays whose second axis is the layer, as one.

    >>> joined_layers([np.zeros((4, 1, 2)), np.zeros((4, 3, 2))]).shape
    (4, 4, 2)
    """
    return np.concatenate(list(parts), axis=1)
