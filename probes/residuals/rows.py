"""Rows of a store that are read when they are asked for: a store may be larger than memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from probes.residuals.store import ResidualStore

_BLOCK_BYTES = 2**27


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredRows:
    """Some rows of a store, in any order, each as often as wanted."""

    store: ResidualStore
    rows: Int[Tensor, " row"]
    """Their numbers in the store."""

    def __len__(self) -> int:
        return len(self.rows)

    def select(self, chosen: Sequence[int]) -> "StoredRows":
        """Some of these, in the order given; nothing is read."""
        index = torch.tensor(chosen, dtype=torch.int64)
        return StoredRows(store=self.store, rows=self.rows[index])

    def read(self) -> Float[Tensor, "row layer d_model"]:
        """All of them in memory, in the store's dtype."""
        spec = self.store.spec
        out = torch.empty(len(self), spec.n_stored_layers, spec.d_model, dtype=spec.torch_dtype)
        shard_of = self.rows // spec.shard_size
        shards = shard_of.unique().tolist()
        for shard, residuals in zip(shards, self.store.read_shards(shards), strict=True):
            here = (shard_of == shard).nonzero()[:, 0]
            out[here] = residuals[self.rows[here] % spec.shard_size]
        return out

    def blocks(self) -> Iterator[tuple[slice, Float[Tensor, "some layer d_model"]]]:
        """Which of these rows, and the rows: as many at a time as take 128 MiB."""
        spec = self.store.spec
        row_bytes = spec.n_stored_layers * spec.d_model * spec.torch_dtype.itemsize
        size = max(1, _BLOCK_BYTES // row_bytes)
        for start in range(0, len(self), size):
            block = slice(start, min(start + size, len(self)))
            yield block, StoredRows(store=self.store, rows=self.rows[block]).read()
