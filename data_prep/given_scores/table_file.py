"""Reads a table of scores from a Parquet or a CSV file, as it is, within bounds."""

import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from data_prep.errors import UserError
from data_prep.files.bounded import NoFileError, TooLargeError, bounded_content
from data_prep.files.foreign_csv import read_csv

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

MAX_PARQUET_BYTES = 2**33
MAX_CSV_BYTES = 2**28
"""Text takes far more memory than the numbers in it."""
MAX_TEXT_BYTES = 2**31
"""Of all texts of a Parquet file, unpacked."""
MAX_CELLS = 2 * 10**9
"""Largest number of rows times columns: 16 GB of numbers. A Parquet file of a few bytes may claim
more."""


def read_scores_file(file: Path) -> pd.DataFrame:
    """The table in a file, with the kinds of cells that the file gives them. UserError for a file
    that is not there, is too large, or is neither Parquet nor CSV."""
    kind = file.suffix.lower()
    if kind not in (".parquet", ".csv"):
        raise UserError(
            f"a table of scores must be a .parquet or .csv file, got {str(file)!r}: save it as one"
        )
    try:
        if kind == ".csv":
            return _csv(file)
        return _parquet(bounded_content(file, MAX_PARQUET_BYTES), file)
    except NoFileError as error:
        raise UserError(f"{str(file)!r} must be a file of scores, got what is none: name another"
                        ) from error  # fmt: skip
    except TooLargeError as error:
        raise UserError(f"cannot read {str(file)!r}: {error}: give a part of it") from error
    except OSError as error:
        raise UserError(
            f"cannot read the scores {str(file)!r}: {error.strerror}: name another file"
        ) from error


def _csv(file: Path) -> pd.DataFrame:
    if file.is_file() and file.stat().st_size > MAX_CSV_BYTES:
        raise UserError(
            f"a CSV of scores must have at most {MAX_CSV_BYTES:,} bytes, got more in "
            f"{str(file)!r}: save it as Parquet"
        )
    table = read_csv(file)
    return pd.DataFrame(list(table.rows), columns=list(table.header))


def _parquet(content: bytes, file: Path) -> pd.DataFrame:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    try:
        found = ParquetFile(io.BytesIO(content))
        about = found.metadata
        if about.num_rows * about.num_columns > MAX_CELLS:
            raise UserError(
                f"a table of scores must have at most {MAX_CELLS:,} cells, {str(file)!r} says it "
                f"has {about.num_rows:,} rows of {about.num_columns:,}: give a part of it"
            )
        columns = [name for name in found.schema_arrow.names if not _is_index(name)]
        _require_once(columns, file)
        _require_plain_cells(found.schema_arrow, columns, file)
        texts = [name for name in columns if _is_text(found.schema_arrow.field(name).type)]
        # A text that every row repeats is packed once: so it is read first, and measured.
        packed = _packed_texts(found, texts)
        n_bytes = _length_of_others(found, [name for name in texts if name not in packed])
        table = ParquetFile(io.BytesIO(content), read_dictionary=packed).read(columns=columns)
        _require_short(n_bytes + _length_of_packed(table), file)
        for place, name in enumerate(table.column_names):
            if name in packed:
                table = table.set_column(place, name, table[name].cast(pa.large_string()))
        return table.to_pandas(ignore_metadata=True)
    # Arrow raises an exception of its own, OSError or ValueError for bytes that are no Parquet, and
    # NotImplementedError for a packing that it was built without.
    except (pa.ArrowException, OSError, ValueError, NotImplementedError) as error:
        if isinstance(error, UserError):
            raise
        told = str(error).strip().partition("\n")[0][:200]
        raise UserError(
            f"{str(file)!r} must be a Parquet file, and is none or is damaged ({told}): save it "
            "again"
        ) from error


def _is_text(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    types = pa.types
    return types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)


def _require_plain_cells(schema: "pa.Schema", columns: Sequence[str], file: Path) -> None:
    """UserError for a column of lists, records or bytes: read, they take any room."""
    import pyarrow as pa

    for name in columns:
        kind = schema.field(name).type
        inner = kind.value_type if pa.types.is_dictionary(kind) else kind
        is_bytes = "binary" in str(inner)
        if pa.types.is_nested(inner) or is_bytes:
            raise UserError(
                f"{str(file)!r}: column {name[:80]!r} must hold numbers or texts, got {inner}: "
                "leave it out"
            )


def _packed_texts(file: "ParquetFile", texts: Sequence[str]) -> list[str]:
    """Those columns of text in which a text may stand once for many rows. The others are packed by
    what a text shares with the one before, which cannot be read as it is packed."""
    about = file.metadata
    chunks = [
        about.row_group(group).column(place)
        for group in range(about.num_row_groups)
        for place in range(about.num_columns)
    ]
    shared = {
        each.path_in_schema for each in chunks if any("DELTA" in one for one in each.encodings)
    }
    return [name for name in texts if name not in shared]


def _length_of_others(file: "ParquetFile", texts: Sequence[str]) -> int:
    """Bytes of all texts in some columns, or of enough of them to be too many."""
    n_bytes = 0
    for batch in file.iter_batches(batch_size=1024, columns=[*texts]) if texts else ():
        n_bytes += batch.nbytes
        if n_bytes > MAX_TEXT_BYTES:
            break
    return n_bytes


def _length_of_packed(table: "pa.Table") -> int:
    """Bytes of all texts in the columns that hold each once, as often as it stands there."""
    import pyarrow as pa

    n_bytes = 0
    for column in table.columns:
        is_packed = pa.types.is_dictionary(column.type)
        for chunk in column.chunks if is_packed and _is_text(column.type.value_type) else ():
            lengths = np.array([len(each.encode()) for each in chunk.dictionary.to_pylist()], int)
            times = np.bincount(chunk.indices.drop_null().to_numpy(), minlength=len(lengths))
            n_bytes += int(lengths @ times)
    return n_bytes


def _require_short(n_bytes: int, file: Path) -> None:
    if n_bytes > MAX_TEXT_BYTES:
        raise UserError(
            f"the texts of a table of scores must have at most {MAX_TEXT_BYTES:,} bytes, got "
            f"{n_bytes:,} or more in {str(file)!r}: give a part of it"
        )


def _is_index(name: str) -> bool:
    """Whether pandas has written a column of the index, which numbers the rows."""
    return name.startswith("__index_level_")


def _require_once(columns: list[str], file: Path) -> None:
    for name, times in Counter(columns).items():
        if times > 1:
            raise UserError(
                f"{str(file)!r} has two columns of one name, got {name!r} twice: rename one"
            )
