"""A `.pt` file from elsewhere, of which nothing but tensors is read, in bounded memory."""

import pickle
import zipfile
from pathlib import Path

import torch
from torch import Tensor

from data_prep.errors import UserError
from probes.loading.remarks import reason

# For names, shapes and what else a file of tensors has beside their numbers.
_FREE_BYTES = 2**24


def read_plain_tensors(path: Path, most_bytes: int) -> dict[str, Tensor]:
    """The tensors of a saved state dict, by name. They take `most_bytes` altogether, and are dense.

    UserError for a file that is larger, or larger once it is unpacked, that is damaged, or that
    holds more than tensors.

    >>> torch.save({"weight": torch.ones(2)}, folder / "one.pt")
    >>> read_plain_tensors(folder / "one.pt", most_bytes=8)
    {'weight': tensor([1., 1.])}
    """
    try:
        _require_bounded(path, most_bytes + _FREE_BYTES)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path} holds more than tensors (pickled code is not run) or is damaged: use a "
            "checkpoint of plain tensors from a source you trust"
        ) from error
    except Exception as error:  # of a file from elsewhere, any
        raise UserError(f"cannot read {path} ({reason(error)}): fetch it again") from error
    if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
        raise UserError(f"{path} must hold a state dict, got {type(state).__name__}")
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise UserError(
                f"{path} must hold tensors alone, but {name[:100]!r} is of type "
                f"{type(value).__name__}: it is of another model or lens type"
            )
        if value.layout is not torch.strided or not value.is_floating_point() or value.is_meta:
            raise UserError(
                f"{path} must hold dense tensors of real numbers, but {name[:100]!r} is of "
                f"{value.dtype}, {value.layout}, on {value.device}: it is of another model or lens "
                "type"
            )
    return state


def _require_bounded(path: Path, most_bytes: int) -> None:
    if not path.is_file():
        raise OSError("there is no such file")
    size = path.stat().st_size
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            size = max(size, sum(each.file_size for each in archive.infolist()))
    if size > most_bytes:
        raise ValueError(f"it has {size:,} bytes, {most_bytes:,} are read at most")
