"""What a group of layers has found, on disk; the translators of all layers, mapped from there."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from data_prep.errors import UserError
from data_prep.files.bounded import open_file
from data_prep.files.durable import write_durably, write_parts_durably
from data_prep.files.sealed import require_whole_file, sealed_safetensors
from data_prep.files.unfinished import remove_unfinished
from probes.translators.affine import Translators
from probes.translators.group import TrainedGroup

_ABOUT = "about"
_NUMBERS = ("validation_nats", "training_nats", "best_step")
# Weights of fewer bytes are read into memory; larger ones are mapped, and cost none.
MAPPED_BYTES = 2**28


def write_group(path: Path, found: TrainedGroup, identity: str, until: int) -> None:
    """Put what a group has found at `path`, whole or not at all."""
    tensors = {"maps": found.translators.maps, "offsets": found.translators.offsets}
    tensors |= {name: getattr(found, name) for name in _NUMBERS}
    about = {
        "identity": identity,
        "until": until,
        "kept": found.kept,
        "falls": found.falls,
        "steps": found.steps,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, sealed_safetensors(save(tensors), {_ABOUT: json.dumps(about)}))


def read_group(path: Path, identity: str, until: int) -> TrainedGroup | None:
    """What a group has found by that step, its translators mapped; None if there is nothing, or
    what it had found by another. UserError if it is damaged, or of another training."""
    remove_unfinished(path.parent)
    if not path.exists():
        return None
    try:
        require_whole_file(path)
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})[_ABOUT])
            whose = about["identity"], int(about["until"])
            numbers = {name: file.get_tensor(name).clone() for name in _NUMBERS}
            maps, offsets = file.get_tensor("maps"), file.get_tensor("offsets")
        found = TrainedGroup(
            translators=Translators(maps=maps, offsets=offsets),
            kept=tuple(about["kept"]),
            falls=tuple(about["falls"]),
            steps=int(about["steps"]),
            **numbers,
        )
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise UserError(f"{path} is damaged ({error}): delete it and train again") from error
    if whose[0] != identity:
        raise UserError(
            f"{path} is of a training with another recipe, model, data or seed: delete it to "
            "start anew, or choose another folder"
        )
    return found if whose[1] == until else None


def joined_translators(parts: Sequence[Translators], checkpoint: Path | None) -> Translators:
    """The translators of all groups; with a checkpoint, mapped from a file beside it.

    >>> one = Translators.zero(2, 3)
    >>> joined_translators([one, one], None).maps.shape
    torch.Size([4, 3, 3])
    """
    if checkpoint is None:
        return Translators(
            maps=torch.cat([part.maps for part in parts]),
            offsets=torch.cat([part.offsets for part in parts]),
        )
    path = checkpoint.with_name(f"{checkpoint.stem}.translators.safetensors")
    write_translators(path, parts)
    return _mapped(path)


def write_translators(path: Path, parts: Sequence[Translators]) -> str:
    """Write the translators of neighbouring layers as one file, and tell its sha256.

    The bytes are those that safetensors would make, of which no more than one layer's are held.

    >>> sha256 = write_translators(folder / "maps.safetensors", [Translators.zero(2, 3)] * 2)
    >>> read_translators(folder / "maps.safetensors", sha256).maps.shape
    torch.Size([4, 3, 3])
    """
    total = hashlib.sha256()
    for piece in _pieces(parts):
        total.update(piece)
    write_parts_durably(path, lambda: _pieces(parts))
    return total.hexdigest()


def read_translators(path: Path, sha256: str) -> Translators:
    """What `write_translators` wrote, mapped if it is large. ValueError if it is damaged; OSError
    or SafetensorError if it cannot be read.

    >>> sha256 = write_translators(folder / "maps.safetensors", [Translators.zero(2, 3)])
    >>> read_translators(folder / "maps.safetensors", sha256).offsets.shape
    torch.Size([2, 3])
    """
    with open_file(path) as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            raise ValueError(f"{path.name} is damaged: the weights do not match their checksum")
    found = _mapped(path)
    if path.stat().st_size >= MAPPED_BYTES:
        return found
    return Translators(maps=found.maps.clone(), offsets=found.offsets.clone())


def _mapped(path: Path) -> Translators:
    with safe_open(path, framework="pt") as file:
        return Translators(maps=file.get_tensor("maps"), offsets=file.get_tensor("offsets"))


def _head(parts: Sequence[Translators]) -> bytes:
    n_layers, width = sum(len(part.maps) for part in parts), parts[0].maps.shape[1]
    header, start = {}, 0
    for name, shape in (("maps", [n_layers, width, width]), ("offsets", [n_layers, width])):
        end = start + 4 * int(np.prod(shape))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}
        start = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _pieces(parts: Sequence[Translators]) -> Iterator[bytes | memoryview]:
    yield _head(parts)
    for part in parts:
        for layer in part.maps:
            yield _bytes(layer)
    for part in parts:
        yield _bytes(part.offsets)


def _bytes(tensor: Tensor) -> memoryview:
    return tensor.cpu().contiguous().numpy().data.cast("B")
