"""How much disk a run will take, and whether there is that much."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data_prep.errors import UserError
from data_prep.terminal.amounts import size_text

if TYPE_CHECKING:  # a finished run needs neither torch nor the model
    from probes.residuals.spec import StoreSpec
    from probes.vlm import VLM

# A shard's header, and its checksum in the manifest.
_PER_SHARD = 90 + 100
# Of readings: float32, for real and blank; a row of tables: bits, correct, Brier, information.
_READ_BYTES, _READ_CONDITIONS = 4, 2
_ROW_BYTES, _TABLE_CONDITIONS = 14, 3
_EFFECT_BYTES = 26
_FIGURES = 400_000
# A token's name in the JSON of the output map, with quotes and comma.
_NAME_BYTES = 11
_SPARE = 0.9
"""The share of free disk that is taken at most: logs, tables and other people need some too."""


def store_bytes(spec: "StoreSpec", n_rows: int, row_ids: Sequence[str]) -> int:
    """The bytes of the shards that hold `n_rows` of a store's rows, and of what lists them."""
    per_row = spec.n_stored_layers * spec.d_model * spec.torch_dtype.itemsize
    shards = -(-n_rows // spec.shard_size)
    return n_rows * per_row + shards * _PER_SHARD + len(json.dumps(list(row_ids)))


def output_map_bytes(vlm: "VLM", folder: Path) -> int:
    """The bytes of the model's final norm and head, and of its tokens' names; none if they are
    there."""
    if (folder / "token-texts.json").exists():
        return 0
    own = vlm.unembedding
    tensors = (own.head, own.bias, own.norm.weight, own.norm.bias)
    weights = sum(each.numel() * each.element_size() for each in tensors if each is not None)
    return weights + own.n_vocab * _NAME_BYTES


def table_bytes(
    *, n_items: int, n_scenes: int, n_layers: int, n_answers: int, n_swaps: int, n_readouts: int
) -> int:
    """About the bytes of an attribute's readings, tables of scores and effects, and figures."""
    cells = n_items * (n_layers + 1)
    read = cells * n_answers * _READ_BYTES * (_READ_CONDITIONS + n_swaps)
    rows = cells * _ROW_BYTES * _TABLE_CONDITIONS
    effects = n_scenes * (n_layers + 1) * _EFFECT_BYTES
    return n_readouts * (read + rows + effects)


def free_disk(folder: Path) -> int:
    """The bytes that are free where a folder is, or will be."""
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def require_disk(
    folder: Path, needed: int, *, what: str, n_scenes: int, ways: Sequence[str]
) -> None:
    """UserError if a run's folder lies where there is too little room for what is to come.

    `ways` are options that take less, beside fewer scenes.
    """
    free = free_disk(folder)
    if needed <= _SPARE * free:
        return
    fitting = int(n_scenes * _SPARE * free / needed)
    fewer = [f"--scenes {fitting} (of {n_scenes:,}) fits"] if fitting else []
    raise UserError(
        f"{what} takes {size_text(needed)} of disk, {folder} has {size_text(free)} free: "
        f"{', or '.join([*fewer, *ways, 'a --run folder on a larger disk'])}"
    )
