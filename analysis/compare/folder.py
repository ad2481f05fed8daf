"""The folder of a comparison: compare.json with its schema, the tables and the figures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.compare.found import Compared
from analysis.finished.out_folder import make_new, usable
from analysis.typed import document_schema, read_back, written
from data_prep.errors import UserError
from data_prep.files.durable import write_durably
from data_prep.files.sealed import read_sealed_json, sealed_json, sealed_parquet

FILE_NAME = "compare.json"
_TABLES = ("items.parquet", "curves.parquet")


def compare_schema() -> dict[str, Any]:
    """The JSON schema of compare.json."""
    return document_schema(Compared)


def open_folder(out: Path | None, comparison_hash: str) -> tuple[Path, Compared | None]:
    """The folder of the comparison, and the comparison that is in it already; None if it is new.

    UserError if the folder holds another comparison, or anything else; nothing in it is changed.
    """
    folder = out or Path("runs") / f"compare-{comparison_hash[:8]}"
    with usable(folder):
        if (folder / FILE_NAME).exists():
            return folder, _known(folder / FILE_NAME, comparison_hash)
    make_new(folder, "comparison", lambda path: path.name in _TABLES)
    return folder, None


def write_comparison(folder: Path, found: Compared, tables: Mapping[str, pd.DataFrame]) -> None:
    """Writes the tables first and compare.json last: where compare.json is, the comparison is
    complete."""
    for name, table in tables.items():
        write_durably(folder / f"{name}.parquet", sealed_parquet(table))
    write_durably(folder / FILE_NAME, sealed_json(written(found)))


def _known(path: Path, comparison_hash: str) -> Compared:
    try:
        content = read_sealed_json(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}): delete its folder and run again") from error
    found = read_back(Compared, content, str(path))
    if found.comparison_hash != comparison_hash:
        raise UserError(
            f"{path.parent} holds another comparison: choose another folder with --out, or leave "
            "--out out"
        )
    return found
