"""The columns of a table of scores, each turned into one kind of value and checked by itself."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy import ndarray

from data_prep.errors import UserError
from data_prep.given_scores.layout import NAMED, READOUT, USUAL_READOUT, canonical_condition
from data_prep.option_rules import MOST_LAYERS
from data_prep.photographs.labels import attribute_name
from data_prep.plain_text import require_plain

MOST_ANSWERS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoreColumns:
    """A table of scores by its columns; rows are in the order of the table."""

    source: str
    """Name of the table, for messages."""
    texts: pd.DataFrame
    """item, scene, attribute, text, answer, condition and readout."""
    layer: Int[ndarray, " row"]
    answers: tuple[str, ...]
    """Names of the columns of answers, in the order of the table."""
    log_probs: Float[ndarray, "row answer"]
    """Natural logarithms; NaN where the cell is empty."""

    def where(self, row: int) -> str:
        """A row for messages, the first one being row 1, with what it is about."""
        about = self.texts.iloc[row]
        return (
            f"{self.source}, row {row + 1} (item {about['item']!r}, {about['condition']}, "
            f"layer {self.layer[row]})"
        )


def score_columns(table: pd.DataFrame, source: str) -> ScoreColumns:
    """The checked columns of a table of scores. UserError for columns that are missing or doubled,
    and for cells that are not of their column's kind."""
    names = _names(table, source)
    table = table.set_axis(names, axis="columns").reset_index(drop=True)
    if not len(table):
        raise UserError(f"{source} must hold at least 1 row of scores, got none: add rows")
    named = [name for name in names if name in (*NAMED, READOUT)]
    texts = {
        name: _texts(pd.Series(table[name]), name, source) for name in named if name != "layer"
    }
    texts.setdefault(READOUT, pd.Series(USUAL_READOUT, index=table.index))
    texts["condition"] = _mapped(texts["condition"], lambda each: canonical_condition(each, source))
    for name in texts["attribute"].unique():
        _require_attribute(name, source)
    answers = tuple(name for name in names if name not in named)
    if not 2 <= len(answers) <= MOST_ANSWERS:
        raise UserError(
            f"{source} needs a column of log-probabilities for each of at least 2 answers (and "
            f"{MOST_ANSWERS:,} at most) beside {', '.join(named)}, got {len(answers)}: add them"
        )
    return ScoreColumns(
        source=source,
        texts=pd.DataFrame(texts).reset_index(drop=True),
        layer=_layers(pd.Series(table["layer"]), source),
        answers=answers,
        log_probs=np.stack(
            [_numbers(pd.Series(table[name]), name, source) for name in answers], axis=1
        ),
    )


def _names(table: pd.DataFrame, source: str) -> list[str]:
    names = [str(name) for name in table.columns]
    for name, times in Counter(names).items():
        require_plain(name, f"{source}: the name of a column")
        if times > 1:
            raise UserError(f"{source} has two columns of one name, got {name!r}: rename one")
    missing = [name for name in NAMED if name not in names]
    if missing:
        shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        raise UserError(
            f"{source} needs the columns {', '.join(NAMED)}, got no {missing[0]!r} among {shown}: "
            "rename or add it"
        )
    return names


def _texts(column: pd.Series, name: str, source: str) -> pd.Series:
    """The column as texts. Whole numbers are taken as they are written."""
    if pd.api.types.is_float_dtype(column.dtype) and not column.isna().any():
        raise UserError(
            f"{source}: {name!r} must hold texts or whole numbers, got {column.iloc[0]:g}: write "
            "them as texts"
        )
    missing = np.asarray(column.isna(), dtype=bool)
    found = column.astype(object).where(~missing, "").map(str)
    empty = np.asarray(found.str.strip() == "", dtype=bool)
    if empty.any():
        row = int(empty.argmax())
        raise UserError(f"{source}, row {row + 1}: no value for {name!r}: fill it in")
    for each in found.unique():
        require_plain(each, f"{source}: a value of {name!r}")
    return found


def _mapped(column: pd.Series, change: Callable[[str], str]) -> pd.Series:
    return column.map({each: change(each) for each in column.unique()})


def _require_attribute(name: str, source: str) -> None:
    usable = attribute_name(name)
    if usable != name:
        raise UserError(
            f"{source}: an attribute is named with small letters, digits and _, since files and "
            f"options are named after it, got {name!r}: write {usable!r}"
        )


def _layers(column: pd.Series, source: str) -> Int[ndarray, " row"]:
    found = _numbers(column, "layer", source)
    wrong = ~((found >= 0) & (found <= MOST_LAYERS) & (found == np.floor(found)))
    if wrong.any():
        row = int(wrong.argmax())
        raise UserError(
            f"{source}, row {row + 1}: layer must be a whole number from 0 (what enters the first "
            f"block) to {MOST_LAYERS:,}, got {found[row]:g}: count layers from 0 on"
        )
    return found.astype(np.int64)


def _numbers(column: pd.Series, name: str, source: str) -> Float[ndarray, " row"]:
    """The column as numbers; NaN where it is empty. UserError for what is none."""
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        return np.asarray(column.astype("float64").fillna(np.nan), dtype=np.float64)
    cells = column.astype(object)
    written = cells.where(~cells.isna(), "").map(str).str.strip()
    empty = np.asarray(written == "", dtype=bool)
    found = np.asarray(pd.Series(pd.to_numeric(written, errors="coerce")), dtype=np.float64)
    # A cell with "nan" was filled in: it is no empty one.
    wrong = np.isnan(found) & ~empty
    if wrong.any():
        row = int(wrong.argmax())
        got = str(written.iloc[row])[:80]
        raise UserError(
            f"{source}, row {row + 1}: {name!r} must hold numbers, got {got!r}: every column but "
            f"{', '.join((*NAMED, READOUT))} is an answer, leave others out"
        )
    return found
