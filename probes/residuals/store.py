"""Residuals on disk: a folder of safetensors shards with a manifest of their checksums.

    manifest.json              what the residuals were made from, and the sha256 of every shard
    row_ids.json               the rows' names, in order
    shard-00000.safetensors    one tensor "residuals" [row, layer, d_model]

The configuration fixes which rows make up which shard and batch, so a resumed capture gives the
same bytes as an undisturbed one. A shard counts only once the manifest has its checksum.
"""

import hashlib
import json
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from data_prep.errors import UserError
from data_prep.files.bounded import open_file, read_file
from data_prep.files.durable import write_durably
from data_prep.files.sealed import read_sealed_json, sealed_json
from data_prep.files.unfinished import remove_unfinished
from probes.residuals.spec import StoreSpec, digest_of

_MANIFEST = "manifest.json"
_ROW_IDS = "row_ids.json"
_TENSOR = "residuals"
_FORMAT = 3
# Two, because one waits for the disk while the other computes its checksum.
_AHEAD = 2


class ResidualStore:
    """A folder of residuals `[row, layer, d_model]` that grows shard by shard.

    The layers are 0..L, or those of `spec.layers`.
    """

    def __init__(
        self, folder: Path, spec: StoreSpec, row_ids: tuple[str, ...], checksums: dict[str, str]
    ) -> None:
        self.folder = folder
        self.spec = spec
        self.row_ids = row_ids
        self._checksums = checksums
        self._verified: set[int] = set()

    @classmethod
    def open_or_create(
        cls, folder: Path, spec: StoreSpec, row_ids: Sequence[str]
    ) -> "ResidualStore":
        """The store of `spec` in `folder`, with the shards that are already there verified.

        UserError if the folder holds something else or a shard is damaged.
        """
        if len(row_ids) != spec.n_rows or digest_of(row_ids) != spec.row_ids_sha256:
            raise ValueError("row_ids must be those that the spec was made of")
        spec.require_sound()
        if not (folder / _MANIFEST).exists():
            return cls._create(folder, spec, row_ids)
        store = cls.open(folder)
        store.require(spec)
        remove_unfinished(folder)
        for shard in range(spec.n_shards):
            if store._has(shard):
                store._verify(shard)
        return store

    @classmethod
    def _create(cls, folder: Path, spec: StoreSpec, row_ids: Sequence[str]) -> "ResidualStore":
        stray = next(folder.glob("shard-*"), None) if folder.is_dir() else None
        if stray is not None:
            raise UserError(
                f"{stray} belongs to no manifest: remove {folder} or choose another run folder"
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"cannot make the folder {folder}: {error.strerror}: choose another run folder"
            ) from error
        remove_unfinished(folder)
        store = cls(folder, spec, tuple(row_ids), {})
        write_durably(folder / _ROW_IDS, json.dumps(list(row_ids)).encode())
        store._write_manifest()
        return store

    @classmethod
    def open(cls, folder: Path) -> "ResidualStore":
        """A store to read from; a shard is verified when it is first read."""
        try:
            manifest = _manifest(folder)
            if manifest["format"] != _FORMAT:
                raise ValueError(f"format {manifest['format']}, this version reads {_FORMAT}")
            spec = StoreSpec.of(manifest["spec"])
            row_ids = _row_ids(folder)
            checksums = {str(name): str(value) for name, value in manifest["shards"].items()}
            if digest_of(row_ids) != spec.row_ids_sha256:
                raise ValueError(f"the row ids do not match their checksum: {_ROW_IDS} is damaged")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f"no usable residuals in {folder} ({error}): remove the folder and capture again"
            ) from error
        return cls(folder, spec, row_ids, checksums)

    def require(self, spec: StoreSpec) -> None:
        """Refuse another spec: UserError that names the first thing in which this store differs."""
        for field in fields(StoreSpec):
            found, wanted = getattr(self.spec, field.name), getattr(spec, field.name)
            if field.name != "model" and found != wanted:
                raise UserError(
                    f"{self.folder} was captured with another {field.name} ({found}, now "
                    f"{wanted}): use another run folder, or remove this one to capture again"
                )

    def rows_of(self, shard: int) -> range:
        """The rows that shard number `shard` holds."""
        start = shard * self.spec.shard_size
        return range(start, min(start + self.spec.shard_size, self.spec.n_rows))

    def passes_of(self, shard: int) -> range:
        """The forward passes from which those rows are read."""
        rows = self.rows_of(shard)
        return range(rows.start // self.spec.per_pass, rows.stop // self.spec.per_pass)

    def missing_shards(self) -> list[int]:
        """The shards still to be captured."""
        return [shard for shard in range(self.spec.n_shards) if not self._has(shard)]

    def write_shard(self, shard: int, residuals: Float[Tensor, "row layer d_model"]) -> None:
        """Put a whole shard in its place, then its checksum into the manifest."""
        spec = self.spec
        wanted = (len(self.rows_of(shard)), spec.n_stored_layers, spec.d_model)
        if tuple(residuals.shape) != wanted or residuals.dtype != spec.torch_dtype:
            raise ValueError(
                f"shard {shard} has shape {wanted} in {spec.dtype}, got {tuple(residuals.shape)} "
                f"in {residuals.dtype}"
            )
        content = save({_TENSOR: residuals.cpu().contiguous()})
        write_durably(self._path(shard), content)
        self._checksums[self._path(shard).name] = hashlib.sha256(content).hexdigest()
        self._write_manifest()
        self._verified.add(shard)

    def read_shard(self, shard: int) -> Float[Tensor, "row layer d_model"]:
        """One shard, mapped from the file rather than read into memory."""
        path = self._path(shard)
        if not self._has(shard):
            raise UserError(
                f"{path} is missing: the capture is not complete, run it again (it goes on where "
                "it stopped)"
            )
        self._verify(shard)
        try:
            with safe_open(path, framework="pt") as file:
                return file.get_tensor(_TENSOR)
        except SafetensorError as error:
            raise self._damaged(path) from error

    def read_shards(self, shards: Sequence[int]) -> Iterator[Float[Tensor, "row layer d_model"]]:
        """Several shards, one after the other: while one is used, the next are verified."""
        waiting: deque[Future[Tensor]] = deque()
        with ThreadPoolExecutor(max_workers=_AHEAD) as threads:
            for shard in shards:
                waiting.append(threads.submit(self.read_shard, shard))
                if len(waiting) > _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def shards(self) -> Iterator[tuple[range, Float[Tensor, "row layer d_model"]]]:
        """(rows, residuals) shard by shard: memory stays that of three shards."""
        numbers = range(self.spec.n_shards)
        yield from zip(map(self.rows_of, numbers), self.read_shards(numbers), strict=True)

    def read(self) -> Float[Tensor, "row layer d_model"]:
        """All residuals in memory, in the order of `row_ids` and the dtype of the model."""
        return torch.cat([residuals for _, residuals in self.shards()])

    def _has(self, shard: int) -> bool:
        path = self._path(shard)
        return path.name in self._checksums and path.exists()

    def _path(self, shard: int) -> Path:
        return self.folder / f"shard-{shard:05d}.safetensors"

    def _verify(self, shard: int) -> None:
        if shard in self._verified:
            return
        path = self._path(shard)
        with open_file(path) as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != self._checksums[path.name]:
            raise self._damaged(path)
        self._verified.add(shard)

    def _damaged(self, path: Path) -> UserError:
        return UserError(
            f"{path} is damaged or foreign (its checksum is not the manifest's): delete this file "
            "and run again, only its rows are captured anew; or copy it again from its source"
        )

    def _write_manifest(self) -> None:
        manifest = {
            "format": _FORMAT,
            "spec": asdict(self.spec),
            "shards": dict(sorted(self._checksums.items())),
        }
        write_durably(self.folder / _MANIFEST, sealed_json(manifest))


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        return read_sealed_json(folder / _MANIFEST)
    except ValueError as error:
        raise ValueError(f"{_MANIFEST} is damaged: {error}") from error


def _row_ids(folder: Path) -> tuple[str, ...]:
    try:
        found = json.loads(read_file(folder / _ROW_IDS))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{_ROW_IDS} is damaged: {error}") from error
    return tuple(found)
