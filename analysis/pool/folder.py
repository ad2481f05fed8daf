"""The folder of a pooling: pool.json with its schema, and the figures."""

from pathlib import Path
from typing import Any

from analysis.finished.out_folder import make_new, usable
from analysis.pool.found import Pooling
from analysis.typed import document_schema, read_back, written
from data_prep.errors import UserError
from data_prep.files.durable import write_durably
from data_prep.files.sealed import read_sealed_json, sealed_json
from data_prep.files.unfinished import remove_unfinished

FILE_NAME = "pool.json"
_FIGURES = ("pool-attributes", "pool-differences")


def pool_schema() -> dict[str, Any]:
    """The JSON schema of pool.json."""
    return document_schema(Pooling)


def open_pool_folder(out: Path | None, pool_hash: str) -> Path:
    """The folder that the pooling is written into. UserError if it holds another pooling, or
    anything else."""
    folder = out or Path("runs") / f"pool-{pool_hash[:8]}"
    with usable(folder):
        begun = (folder / FILE_NAME).exists()
        if begun:
            _require_same(folder / FILE_NAME, pool_hash)
            remove_unfinished(folder)
    if not begun:
        make_new(folder, "pooling", lambda path: path.stem in _FIGURES)
    return folder


def write_pooling(folder: Path, found: Pooling) -> Path:
    """Writes pool.json and gives its path. UserError where the folder cannot be written into."""
    with usable(folder):
        write_durably(folder / FILE_NAME, sealed_json(written(found)))
    return folder / FILE_NAME


def _require_same(path: Path, pool_hash: str) -> None:
    try:
        content = read_sealed_json(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}): delete its folder and run again") from error
    if read_back(Pooling, content, str(path)).pool_hash != pool_hash:
        raise UserError(
            f"{path.parent} holds another pooling: choose another folder with --out, or leave "
            "--out out"
        )
