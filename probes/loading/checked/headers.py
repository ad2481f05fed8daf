"""What safetensors files hold, told from their headers."""

import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors import safe_open

from data_prep.errors import UserError, lacks_memory
from probes.loading.remarks import reason

# Hundreds of thousands of tensors. The format allows six times as much.
_MOST_HEADER_BYTES = 16 * 2**20
_OF_OLD_PICKLES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldWeights:
    """The files that a model's weights are read from, and what they hold."""

    files: tuple[Path, ...]
    shapes: Mapping[str, tuple[int, ...]]
    """The shape of every tensor by its name; of pickled files nothing is told."""
    n_tensors: int
    """How many tensors there are at most, also in pickled files."""

    @property
    def n_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.files)

    @property
    def pickled(self) -> bool:
        """Whether there is no safetensors among the files."""
        return all(path.suffix == ".bin" for path in self.files)


def held_weights(files: Sequence[Path], source: str) -> HeldWeights:
    """What these files hold; `source` is what the user calls the model.

    UserError for a header that is damaged: with numbers that do not fit to its length, or tensors
    that overlap, leave gaps or are of an unknown type.

    >>> from probes.loading.identity import BUNDLED_FOLDER
    >>> held = held_weights([BUNDLED_FOLDER / "model.safetensors"], "bundled")
    >>> {shape for name, shape in held.shapes.items() if name.endswith("embed_tokens.weight")}
    {(561, 192)}
    """
    shapes: dict[str, tuple[int, ...]] = {}
    n_pickled = 0
    for path in files:
        if path.suffix != ".safetensors":
            n_pickled += _n_in_pickle(path)
            continue
        try:
            _require_bounded(path)
            # The format's own reader checks the rest; it maps the file and reads no tensor.
            with safe_open(path, framework="pt") as file:
                # SIM118: the reader of safetensors is no dictionary and cannot be iterated itself.
                shapes |= {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        # Bytes from elsewhere: the readers of two libraries meet them, and raise what they like.
        except Exception as error:
            told = reason(error).removeprefix("Error while deserializing header: ")
            if lacks_memory(error):
                raise UserError(
                    f"memory is not enough to open {path.name} of {source} ({told}): use a machine "
                    "with more of it, or raise the limit of this process (ulimit -v)"
                ) from error
            raise UserError(
                f"cannot load the weights of {source}, for {path.name} is damaged ({told}): fetch "
                "or save it again"
            ) from error
    return HeldWeights(files=tuple(files), shapes=shapes, n_tensors=len(shapes) + n_pickled)


def _n_in_pickle(path: Path) -> int:
    try:
        with zipfile.ZipFile(path) as archive:
            return len(archive.infolist())
    except (OSError, ValueError, zipfile.BadZipFile):
        return _OF_OLD_PICKLES  # from before torch 1.6, which do not tell


def _require_bounded(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(8)
    if len(start) < 8:
        raise ValueError(f"it has {len(start)} bytes")
    (length,) = struct.unpack("<Q", start)
    most = min(_MOST_HEADER_BYTES, path.stat().st_size - 8)
    if length > most:
        raise ValueError(f"its header says that it has {length:,} bytes, of {most:,} at most")
