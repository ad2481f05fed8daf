"""Tables of a run: a folder of Parquet files for each, one file for each finding.

`scores.parquet` is a folder, as Parquet data sets are, and is read whole by its name, as by
`pandas.read_parquet`. What is found last is written beside what is there, and nothing is written
twice: a table of many findings grows in time that is linear in them, and processes that work side
by side do not wait for each other.
"""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
import pyarrow.parquet as pq
from pyarrow import ArrowException

from data_prep.errors import UserError
from data_prep.files.durable import write_durably
from data_prep.files.sealed import read_sealed, sealed_parquet

ENDING = ".parquet"


def table_folder(run_folder: Path, name: str) -> Path:
    """The folder of the parts of a table."""
    return run_folder / f"{name}{ENDING}"


def part_file(folder: Path, values: Sequence[object]) -> Path:
    """The file of the rows that have these values of the table's key.

    >>> part_file(Path("scores.parquet"), ["color", "answer"]).as_posix()
    'scores.parquet/color-answer.parquet'
    """
    words = (quote(str(value), safe="").replace("-", "%2D").replace(".", "%2E") for value in values)
    return folder / f"{'-'.join(words)}{ENDING}"


def write_parts(folder: Path, rows: pd.DataFrame, key: Sequence[str]) -> None:
    """Writes rows into the files of their values of `key`, each in place of the one that is there.

    Every file carries the notes of `rows` (`.attrs`). UserError if they cannot be written.
    """
    _make(folder)
    for _, chosen in rows.groupby(list(key), sort=False, dropna=False):
        part = chosen.reset_index(drop=True)
        part.attrs = rows.attrs
        file = part_file(folder, [part[name].iloc[0] for name in key])
        write_durably(file, sealed_parquet(part))


def read_parts(folder: Path) -> pd.DataFrame | None:
    """All rows of a table, part after part in the order of their names; None if there are none.

    The notes that the parts carry (`.attrs`, by kind and then by name) are put together. UserError
    for a damaged part, which it names.
    """
    parts = [_read(path) for path in _parts(folder)]
    if not parts:
        return None
    notes = [part.attrs for part in parts]
    for part in parts:
        part.attrs = {}  # pandas compares them where it joins tables
    table = pd.concat(parts, ignore_index=True)
    table.attrs = _together(notes)
    return table


def read_part(
    folder: Path,
    key: Mapping[str, str],
    *,
    columns: Sequence[str] | None = None,
    where: Mapping[str, object] | None = None,
) -> pd.DataFrame | None:
    """The rows that have these values of the table's key; None if there are none.

    Only `columns` are read, and only rows with the values of `where`, so that memory is theirs and
    not that of the whole table. UserError if the file is damaged; KeyError for a column that it
    lacks.
    """
    _parts(folder)
    path = part_file(folder, list(key.values()))
    return _read(path, columns, {**key, **(where or {})}) if path.exists() else None


def _parts(folder: Path) -> list[Path]:
    """The files of the parts that are written. UserError if the folder is a file."""
    if folder.is_file():
        raise _damaged(folder, "it is a file, and a folder in this version")
    return sorted(path for path in folder.glob(f"*{ENDING}") if not path.name.startswith("."))


def _read(
    path: Path,
    columns: Sequence[str] | None = None,
    where: Mapping[str, object] | None = None,
) -> pd.DataFrame:
    try:
        content = io.BytesIO(read_sealed(path))
        chosen = None if columns is None else list(columns)
        filters = [(name, "==", value) for name, value in (where or {}).items()]
        known = pq.read_schema(content).names
        if "attribute" not in known:  # which is in every table of a run
            raise ValueError("it has no column 'attribute'")
        lacking = sorted({*(chosen or ()), *(where or {})} - set(known))
        if lacking:
            raise KeyError(lacking[0])
        content.seek(0)
        return pd.read_parquet(content, columns=chosen, filters=filters or None)
    except (OSError, ValueError, ArrowException) as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, why: str) -> UserError:
    return UserError(f"{path} is damaged ({why}): delete it and run again, it is made anew")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot make the folder {folder}: {error.strerror}: choose another folder with --run"
        ) from error


def _together(notes: Sequence[Mapping[Any, Mapping[str, Any]]]) -> dict[Any, dict[str, Any]]:
    whole: dict[Any, dict[str, Any]] = {}
    for each in notes:
        for kind, told in each.items():
            whole[kind] = {**whole.get(kind, {}), **told}
    return whole
