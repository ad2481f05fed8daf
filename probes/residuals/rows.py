"""Rows of a store that are read when they are asked for: a store may be larger than memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from probes.answers.tree import ANSWER_NODE, Node
from probes.residuals.store import ResidualStore

_BLOCK_BYTES = 2**27


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredRows:
    """Some rows of a store, in any order, each as often as wanted."""

    store: ResidualStore
    rows: Int[Tensor, " row"]
    """Their numbers in the store."""
    nodes: tuple[Node, ...] = (ANSWER_NODE,)
    """What the rows of one pass were read at; the rows here are each the first of a pass."""

    def __len__(self) -> int:
        return len(self.rows)

    def places(self) -> "StoredRows":
        """All rows of the passes whose first rows these are, pass by pass; nothing is read."""
        within = torch.arange(self.store.spec.per_pass)
        return replace(self, rows=(self.rows[:, None] + within).flatten())

    def select(self, chosen: Sequence[int]) -> "StoredRows":
        """Some of these, in the order given; nothing is read."""
        index = torch.tensor(chosen, dtype=torch.int64)
        return replace(self, rows=self.rows[index])

    def read(self) -> Float[Tensor, "row layer d_model"]:
        """Read all of these rows into memory, in the store's dtype."""
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
            yield block, replace(self, rows=self.rows[block]).read()

    def place_blocks(self) -> Iterator[tuple[slice, Float[Tensor, "some place layer d_model"]]]:
        """Which of these passes, and all of their rows: as many at a time as take 128 MiB."""
        per_pass = self.store.spec.per_pass
        for start in range(0, len(self), size := self._passes_at_once()):
            block = slice(start, min(start + size, len(self)))
            own = replace(self, rows=self.rows[block])
            yield block, own.places().read().unflatten(0, (-1, per_pass))

    def _passes_at_once(self) -> int:
        spec = self.store.spec
        row_bytes = spec.n_stored_layers * spec.d_model * spec.torch_dtype.itemsize
        return max(1, _BLOCK_BYTES // (row_bytes * spec.per_pass))
