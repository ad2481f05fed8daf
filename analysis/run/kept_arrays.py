"""Arrays kept in the run, batch by batch, so that an interrupted study goes on."""

from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
from numpy import ndarray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from data_prep.errors import UserError
from data_prep.files.durable import write_durably
from data_prep.files.sealed import require_whole_file, sealed_safetensors
from data_prep.terminal.progress import Progress

Tensors = dict[str, ndarray]


def kept(
    file: Path,
    n_rows: int,
    batch_size: int,
    run: Callable[[slice], Tensors],
    *,
    names: Collection[str],
    what: str,
) -> Tensors:
    """The arrays of a file, or, where it is not there yet, those that `run` gives of each batch of
    rows, put one after the other; `names` are those of the arrays.

    Each batch is written into a file of its own before the next one is run; the whole takes their
    place. UserError for a damaged file.
    """

    if file.exists():
        return read_kept(file, n_rows, names)
    starts = range(0, n_rows, batch_size)
    files = [file.with_suffix(f".{start:06d}-{batch_size}.part") for start in starts]
    with Progress(total=n_rows, what=what, unit="item") as bar:
        parts = []
        for start, part in zip(starts, files, strict=True):
            rows = slice(start, min(start + batch_size, n_rows))
            if not part.exists():
                _write(part, run(rows))
            parts.append(read_kept(part, rows.stop - start, names))
            bar.update(rows.stop - start)
    whole = {name: np.concatenate([each[name] for each in parts]) for name in parts[0]}
    _write(file, whole)
    # Also those of an earlier start with batches of another size.
    for part in file.parent.glob(f"{file.stem}.*.part"):
        part.unlink()
    return whole


def _write(file: Path, tensors: Tensors) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {file.parent}: {error.strerror}") from error
    arrays = {name: np.ascontiguousarray(values) for name, values in tensors.items()}
    write_durably(file, sealed_safetensors(save(arrays)))


def read_kept(file: Path, n_rows: int, names: Collection[str]) -> Tensors:
    """The arrays of these names in a file, with so many rows. UserError if it is damaged."""
    try:
        require_whole_file(file)
        found = load_file(file)
        lacking = sorted(set(names) - set(found))
        if lacking:
            raise ValueError(f"it lacks {lacking[0]!r}")
        lengths = {len(values) for values in found.values()}
        if lengths != {n_rows}:
            raise ValueError(f"it has {sorted(lengths)} rows, not {n_rows}")
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(f"{file} is damaged ({error}): delete it and run again") from error
    return found
