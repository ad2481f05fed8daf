"""Reads tables in CSV that come from elsewhere: a header, and rows that are as long as it.

Nothing is guessed without a word. Another separator, a row that is too long and a column without a
name are named; a column in which another program has numbered the rows is left out, which is told.
"""

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from data_prep.errors import UserError
from data_prep.files.foreign_text import read_foreign_text
from data_prep.plain_text import require_plain

MAX_CELLS = 10_000_000
"""Largest number of cells, which take up to 2 GB as Python holds them; CelebA's 40 attributes of
200,000 images are 8 million."""
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
# pandas writes an index as a first column without a name, and reads it back under this one.
_NO_NAME = re.compile(r"(Unnamed: \d+(\.\d+)*)?")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvTable:
    """What a CSV file holds. Blank rows are not among the rows."""

    name: str
    """The file's name without its folder, for messages."""
    header: tuple[str, ...]
    """The names of the columns, all different."""
    rows: tuple[Mapping[str, str], ...]
    """The cells of each row by column, without blanks around them."""
    numbers: tuple[int, ...]
    """The number of each row as a spreadsheet shows it; the header has 1 unless blank rows stand
    above it."""
    left_out: Mapping[str, str]
    """Columns that are no data, with the reason."""

    def where(self, place: int) -> str:
        """The row at index `place` of `rows`, for messages."""
        return f"{self.name}, row {self.numbers[place]}"


def read_csv(file: Path) -> CsvTable:
    """The table in a CSV file. UserError for any fault of the file, with the number of the line or
    of the row."""
    try:
        text = read_foreign_text(file, "a CSV in UTF-8")
    except OSError as error:
        raise UserError(
            f"cannot read the CSV {str(file)!r}: {error.strerror}: name another file"
        ) from error
    _require_commas(text, file)
    records = _records(text, file)
    if len(records) < 2:
        raise UserError(
            f"{str(file)!r} must hold a header and at least 1 row, got {len(records)}: add rows"
        )
    (_, header), *rows = records
    _require_header(header, file)
    for number, cells in rows:
        if len(cells) != len(header):
            raise UserError(
                f"{file.name}, row {number}: must have {len(header)} values like the header, got "
                f"{len(cells)}: quote values that hold commas"
            )
    columns, left_out = _columns(header, [cells for _, cells in rows], file)
    return CsvTable(
        name=file.name,
        header=tuple(header[place] for place in columns),
        rows=tuple({header[place]: cells[place] for place in columns} for _, cells in rows),
        numbers=tuple(number for number, _ in rows),
        left_out=left_out,
    )


def separator_hint(header: Sequence[str]) -> str:
    """Words on another separator that seems to be in use; empty if none does."""
    for sign, name in _SEPARATORS.items():
        if any(sign in cell for cell in header):
            return f" (separated by {name}, it seems: save it with commas)"
    return ""


def _require_commas(text: str, file: Path) -> None:
    first = re.search(r"[^\r\n]*[^\s][^\r\n]*", text)
    if first is not None and "," not in first[0] and (hint := separator_hint([first[0]])):
        raise UserError(f"{str(file)!r} must be a CSV with commas, got {first[0][:80]!r}{hint}")


def _records(text: str, file: Path) -> list[tuple[int, list[str]]]:
    """The rows that are not blank, each with its number and without blanks around its cells."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: list[tuple[int, list[str]]] = []
    n_cells = 0
    for number in itertools.count(1):
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
            if cells is None:
                break
            if any(map(str.strip, cells)):
                n_cells += len(cells)
                _require_few(n_cells, file)
                found.append((number, [cell.strip() for cell in cells]))
        except csv.Error as error:
            raise UserError(
                f"{str(file)!r} must be a CSV in UTF-8, what begins in line {line} is none "
                f"({error}): close its quotes, and double a quote within quotes"
            ) from error
    return found


def _require_few(n_cells: int, file: Path) -> None:
    if n_cells > MAX_CELLS:
        raise UserError(
            f"{str(file)!r} must have at most {MAX_CELLS:,} cells, got more: take a part of it, "
            "or give scores as Parquet"
        )


def _require_header(header: Sequence[str], file: Path) -> None:
    for name in header:
        require_plain(name, f"{file.name}: the name of a column")
    twice = [name for name, times in Counter(filter(None, header)).items() if times > 1]
    if twice:
        raise UserError(
            f"{str(file)!r} has two columns of one name, got {twice[0]!r} twice: rename one"
        )


def _columns(
    header: Sequence[str], rows: Sequence[Sequence[str]], file: Path
) -> tuple[list[int], dict[str, str]]:
    """The places of the columns that are data, and the reasons for the others."""
    places: list[int] = []
    left_out: dict[str, str] = {}
    taken = {name.lower().replace(" ", "_") for name in header}
    for place, name in enumerate(header):
        if not _NO_NAME.fullmatch(name):
            places.append(place)
            continue
        cells = [row[place] for row in rows]
        if not any(cells):
            left_out[_key(place, taken)] = "holds nothing"
        elif all(map(_NUMBER.fullmatch, cells)) and len(set(cells)) == len(cells):
            left_out[_key(place, taken)] = "numbers the rows"
        else:
            raise UserError(
                f"{str(file)!r}: column {place + 1} must have a name, got {name!r} above "
                f"{cells[0][:80]!r}: write one into the header"
            )
    return places, left_out


def _key(place: int, taken: Set[str]) -> str:
    """A name for a column that has none, unlike those of the others."""
    key = f"unnamed_{place}"
    while key in taken:
        key += "_"
    return key
