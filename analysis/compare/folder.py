"""The folder of a comparison: compare.json, its tables and figures, and the schema it keeps."""

import io
import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.finished.out_folder import make_new, usable
from data_prep.errors import UserError
from probes.durable import write_durably

FILE_NAME = "compare.json"
_TABLES = ("items.parquet", "curves.parquet")


def compare_schema() -> dict[str, Any]:
    """The JSON schema of compare.json."""
    text = files("analysis.compare").joinpath("compare.schema.json").read_text(encoding="utf-8")
    return json.loads(text)


def open_folder(out: Path | None, comparison_hash: str) -> tuple[Path, dict[str, Any] | None]:
    """Where the comparison is kept, and what is there of it already; None if it is new.

    UserError if the folder holds another comparison, or anything else: it is left alone.
    """
    folder = out or Path("runs") / f"compare-{comparison_hash[:8]}"
    with usable(folder):
        if (folder / FILE_NAME).exists():
            return folder, _known(folder / FILE_NAME, comparison_hash)
    make_new(folder, "comparison", lambda path: path.name in _TABLES)
    return folder, None


def write_comparison(
    folder: Path, content: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]
) -> None:
    """Tables first: where compare.json is, all of it is."""
    for name, table in tables.items():
        stream = io.BytesIO()
        table.to_parquet(stream, index=False)
        write_durably(folder / f"{name}.parquet", stream.getvalue())
    text = json.dumps(content, indent=1, allow_nan=False)
    write_durably(folder / FILE_NAME, text.encode())


def _known(path: Path, comparison_hash: str) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = content["comparison_hash"]
        for name in ("plan", "runs", "differ", "arms", "comparisons"):
            content[name]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is damaged ({error!r}): delete its folder and run again"
        ) from error
    if found != comparison_hash:
        raise UserError(
            f"{path.parent} holds another comparison: choose another folder with --out, or leave "
            "--out out"
        )
    return content
