"""What a store of residuals is made from, and the shape that follows from it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from data_prep.errors import UserError

DTYPES = ("float32", "bfloat16", "float16")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSpec:
    """What the residuals are made from: a store of another spec is foreign."""

    study_hash: str
    model: str
    """Name or path, for people; `revision` decides whether it is the same model."""
    revision: str
    dtype: str
    """The number format of the residuals as they are stored."""
    n_layers: int
    """L of the model, whichever layers are stored."""
    d_model: int
    n_rows: int
    row_ids_sha256: str
    shard_size: int = 256
    """Rows of a shard."""
    batch_size: int = 32
    """Forward passes run together: other batches give other roundings."""
    position: str = "answer"
    """The position in the sequence at which the residuals were read."""
    per_pass: int = 1
    """Rows that one forward pass gives."""
    layers: tuple[int, ...] | None = None
    """The layers that are stored, rising; None for all, 0..L."""
    model_dtype: str | None = None
    """The number format in which the model ran, where that is not the residuals' own."""

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "StoreSpec":
        """The spec as it is read from JSON, which knows no tuples."""
        layers = content["layers"]
        return cls(**{**content, "layers": None if layers is None else tuple(layers)})

    @property
    def n_shards(self) -> int:
        return -(-self.n_rows // self.shard_size)

    @property
    def n_stored_layers(self) -> int:
        """L + 1, unless only some layers are stored."""
        return self.n_layers + 1 if self.layers is None else len(self.layers)

    @property
    def torch_dtype(self) -> torch.dtype:
        return getattr(torch, self.dtype)

    def require_sound(self) -> None:
        """Refuse sizes, layers or a dtype that no store can have, with a UserError."""
        if min(self.shard_size, self.batch_size) < 1 or self.shard_size % self.per_pass:
            raise UserError(
                f"shard size and batch size must be at least 1, and a shard hold whole passes of "
                f"{self.per_pass} rows, got {self.shard_size} and {self.batch_size}"
            )
        if self.dtype not in DTYPES:
            raise UserError(f"unknown residual dtype {self.dtype!r}: choose {', '.join(DTYPES)}")
        if self.layers is not None:
            require_layers(self.layers, self.n_layers)


def require_layers(layers: Sequence[int], n_layers: int) -> None:
    """Refuse layers that a model with L = `n_layers` does not have, or that do not rise.

    UserError that names the first unknown one, or all that are not in order or not there once.

    >>> require_layers([0, 5, 10], 10)
    >>> require_layers([0, 11], 10)
    Traceback (most recent call last):
        ...
    data_prep.errors.UserError: layers must be among 0 to 10, got 11: the model has no more
    """
    known = range(n_layers + 1)
    unknown = [layer for layer in layers if layer not in known]
    if unknown:
        raise UserError(
            f"layers must be among 0 to {n_layers}, got {unknown[0]}: the model has no more"
        )
    if not layers or list(layers) != sorted(set(layers)):
        raise UserError(
            f"layers must be at least one, rising, each once, got {list(layers)}: sort them"
        )


def digest_of(row_ids: Sequence[str]) -> str:
    """sha256 of the row ids in their order.

    >>> digest_of(["a", "b"]) == digest_of(["b", "a"]), len(digest_of(["a", "b"]))
    (False, 64)
    """
    return hashlib.sha256(json.dumps(list(row_ids)).encode()).hexdigest()
