"""Puts arrays of scores into the layout of a table."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy import ndarray

from data_prep.errors import UserError
from data_prep.given_scores.layout import BLANK, NAMED, READOUT, REAL, swap_name

OF_ITEM = NAMED[:5]
"""The columns that describe an item."""


def scores_table(
    items: pd.DataFrame,
    answers: Sequence[str],
    *,
    real: Float[ndarray, "..."],
    blank: Float[ndarray, "..."] | None = None,
    swapped: Float[ndarray, "..."] | None = None,
    readout: str | None = None,
) -> pd.DataFrame:
    """The scores of one attribute, or of several with the same answers, as a table in the layout of
    `layout`: a row for every condition, item and layer.

    `items` has a row for each item with the columns `OF_ITEM`; `real` and `blank` are [item, layer,
    answer] and `swapped` [swap, item, layer, answer], natural logarithms of probabilities, layer 0
    first. Tables of attributes with other answers are put below each
    other by `pandas.concat`. UserError for missing columns and for arrays of other shapes.

    >>> items = pd.DataFrame({"item": ["a"], "scene": ["s"], "attribute": ["color"],
    ...                       "text": ["What color?"], "answer": ["red"]})
    >>> scores_table(items, ["red", "blue"], real=np.log([[[0.5, 0.5], [0.9, 0.1]]])).shape
    (2, 9)
    """
    missing = [name for name in OF_ITEM if name not in items.columns]
    if missing:
        raise UserError(
            f"items need the columns {', '.join(OF_ITEM)}, got no {missing[0]!r}: add it"
        )
    conditions = {REAL: real}
    if blank is not None:
        conditions[BLANK] = blank
    if swapped is not None:
        conditions |= {swap_name(number): each for number, each in enumerate(swapped, start=1)}
    wanted = (len(items), np.shape(real)[1] if np.ndim(real) == 3 else 0, len(answers))
    parts = []
    for condition, values in conditions.items():
        if np.shape(values) != wanted:
            raise UserError(
                f"scores under {condition} must be [item, layer, answer] {wanted}, got "
                f"{np.shape(values)}: give each item every layer and answer, also of real"
            )
        parts.append(_rows(items, answers, condition, np.asarray(values), readout))
    return pd.concat(parts, ignore_index=True)


def _rows(
    items: pd.DataFrame,
    answers: Sequence[str],
    condition: str,
    values: Float[ndarray, "item layer answer"],
    readout: str | None,
) -> pd.DataFrame:
    n_items, n_layers, n_answers = values.shape
    rows = np.repeat(np.arange(n_items), n_layers)
    table = items.loc[:, list(OF_ITEM)].iloc[rows].reset_index(drop=True)
    table["condition"] = condition
    table["layer"] = np.tile(np.arange(n_layers), n_items)
    if readout is not None:
        table[READOUT] = readout
    scores = pd.DataFrame(values.reshape(-1, n_answers), columns=list(answers))
    return pd.concat([table, scores], axis="columns")
