"""The folder of a pooling: pool.json with its schema, and the figures."""

import json
from pathlib import Path
from typing import Any

from analysis.finished.out_folder import make_new, usable
from analysis.pool.found import Pooling
from analysis.typed import json_schema, read_back, written
from data_prep.errors import UserError
from data_prep.files.durable import remove_unfinished, write_durably

FILE_NAME = "pool.json"
_FIGURES = ("pool-attributes", "pool-differences")


def pool_schema() -> dict[str, Any]:
    """The JSON schema of pool.json."""
    return dict(json_schema(Pooling))


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
    text = json.dumps(written(found), indent=1, allow_nan=False)
    with usable(folder):
        write_durably(folder / FILE_NAME, text.encode())
    return folder / FILE_NAME


def _require_same(path: Path, pool_hash: str) -> None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(
            f"{path} is damaged ({error!r}): delete its folder and run again"
        ) from error
    if read_back(Pooling, content, str(path)).pool_hash != pool_hash:
        raise UserError(
            f"{path.parent} holds another pooling: choose another folder with --out, or leave "
            "--out out"
        )
