"""A table of scores as items with arrays, once every row that must be there is there."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from data_prep.errors import UserError
from data_prep.given_scores.columns import ScoreColumns, score_columns
from data_prep.given_scores.layout import BLANK, REAL
from data_prep.given_scores.rules import require_log_probs
from data_prep.items import items_table

Block = tuple[str, str]
"""The name of an attribute and that of a readout."""
_OF_ITEM = ("scene", "text", "answer")
_FEWEST_LAYERS = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConditionScores:
    """The scores of one attribute under one readout: natural logarithms of probabilities, up to a
    constant of each item and layer."""

    real: Float[ndarray, "item layer answer"]
    blank: Float[ndarray, "item layer answer"] | None
    swapped: Float[ndarray, "swap item layer answer"] | None
    """The same questions with other scenes' images; None if the table has no such rows."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GivenScores:
    """What a table of scores holds."""

    source: str
    """Name of the table, for messages."""
    items: Mapping[str, pd.DataFrame]
    """The items of each attribute, in the columns of `items.COLUMNS` and in the order of their
    scenes. There are no images: these are named by empty texts."""
    answers: Mapping[str, tuple[str, ...]]
    """The possible answers of each attribute, in the order of the columns."""
    scores: Mapping[Block, ConditionScores]
    fingerprint: str
    """Hash of the items with their possible answers."""
    model_revision: str
    """Hash of the scores, which stands for the model that gave them."""

    def readouts_of(self, attribute: str) -> tuple[str, ...]:
        """The readouts by which the scores of an attribute were read."""
        return tuple(readout for name, readout in self.scores if name == attribute)


def given_scores(table: pd.DataFrame, source: str, *, limit: int | None = None) -> GivenScores:
    """The scores in a table of the layout in `layout`. `limit` keeps the first so many scenes.

    UserError for every fault of the table: rows that are missing or doubled, an item that changes
    its scene, text or answer, and what is no natural logarithm of a probability.
    """
    columns = score_columns(table, source)
    if limit is not None:
        columns = _first_scenes(columns, limit)
    _require_one_of_each(columns)
    items, answers, own = {}, {}, np.zeros(columns.log_probs.shape, dtype=bool)
    for attribute in columns.texts["attribute"].unique():
        rows = np.flatnonzero(columns.texts["attribute"] == attribute)
        items[attribute] = _items(columns, rows, attribute)
        possible = _possible(columns, rows, attribute)
        answers[attribute] = tuple(columns.answers[place] for place in possible)
        own[rows[:, None], possible] = True
    require_log_probs(columns, own)
    last = int(columns.layer.max())
    scores = {
        (attribute, readout): _block(columns, items[attribute], rows, own, last)
        for (attribute, readout), rows in _blocks(columns).items()
    }
    return GivenScores(
        source=source,
        items=items,
        answers=answers,
        scores=scores,
        fingerprint=_items_hash(items, answers),
        model_revision=f"scores:{_scores_hash(scores)}",
    )


def _first_scenes(columns: ScoreColumns, limit: int) -> ScoreColumns:
    scenes = sorted(columns.texts["scene"].unique())
    if limit > len(scenes):
        raise UserError(
            f"{columns.source} has {len(scenes)} scenes, got --scenes {limit}: ask for fewer"
        )
    kept = columns.texts["scene"].isin(scenes[:limit]).to_numpy()
    return ScoreColumns(
        source=columns.source,
        texts=columns.texts.loc[kept].reset_index(drop=True),
        layer=columns.layer[kept],
        answers=columns.answers,
        log_probs=columns.log_probs[kept],
    )


def _blocks(columns: ScoreColumns) -> dict[Block, Int[ndarray, " some"]]:
    """The rows of every attribute and readout, in the order in which the table begins them."""
    grouped = columns.texts.groupby(["attribute", "readout"], sort=False).indices
    named = ((cast("tuple[str, str]", name), rows) for name, rows in grouped.items())
    return {(str(a), str(b)): np.sort(rows) for (a, b), rows in named}


def _require_one_of_each(columns: ScoreColumns) -> None:
    """UserError for two rows about the same, and for an item that is not the same in all rows."""
    keys = columns.texts[["attribute", "readout", "item", "condition"]].assign(layer=columns.layer)
    twice = keys.duplicated().to_numpy()
    if twice.any():
        row = int(twice.argmax())
        raise UserError(f"{columns.where(row)}: there is a row for it already: keep one")
    by_item = columns.texts.groupby(["attribute", "item"], sort=False)
    for name in _OF_ITEM:
        other = (columns.texts[name] != by_item[name].transform("first")).to_numpy()
        if other.any():
            row = int(other.argmax())
            about = columns.texts.iloc[row]
            raise UserError(
                f"{columns.where(row)}: an item has one {name}, got {about[name]!r} and another "
                "one in an earlier row: give each question about an image its own item"
            )


def _items(columns: ScoreColumns, rows: Int[ndarray, " some"], attribute: str) -> pd.DataFrame:
    own = columns.texts.iloc[rows].drop_duplicates("item").sort_values(["scene", "item"])
    table = [
        {
            "item_id": item, "scene_id": scene, "attribute": attribute, "template": "given",
            "question": text, "answer": answer, "image": "", "n_objects": 0,
        }
        for item, scene, text, answer in own[["item", *_OF_ITEM]].itertuples(index=False)
    ]  # fmt: skip
    return items_table(table, skipped={attribute: {}})


def _possible(columns: ScoreColumns, rows: Int[ndarray, " some"], attribute: str) -> list[int]:
    """The places of the columns that are answers of an attribute: those that its rows fill."""
    filled = ~np.isnan(columns.log_probs[rows])
    possible = np.flatnonzero(filled.any(axis=0)).tolist()
    names = [columns.answers[place] for place in possible]
    if len(names) < 2:
        raise UserError(
            f"{columns.source}: {attribute} needs log-probabilities of at least 2 answers, got "
            f"{names[0] if names else 'none'!r} only: with a single possible answer there is "
            "nothing to know, fill the columns of the others"
        )
    for place, name in zip(possible, names, strict=True):
        empty = ~filled[:, place]
        if empty.any():
            row = int(rows[empty.argmax()])
            raise UserError(
                f"{columns.where(row)}: no log-probability of {name!r}, which other rows of "
                f"{attribute} have: fill it in, or leave the column empty in all of them"
            )
    answers = columns.texts["answer"].iloc[rows]
    unknown = sorted(set(answers) - set(names))
    if unknown:
        row = int(rows[(answers == unknown[0]).to_numpy().argmax()])
        raise UserError(
            f"{columns.where(row)}: the right answer of {attribute} must be among the columns "
            f"that its rows fill ({', '.join(names[:12])}), got {unknown[0]!r}: add its column"
        )
    return possible


def _block(
    columns: ScoreColumns,
    items: pd.DataFrame,
    rows: Int[ndarray, " some"],
    own: Bool[ndarray, "row answer"],
    last: int,
) -> ConditionScores:
    if last + 1 < _FEWEST_LAYERS:
        raise UserError(
            f"{columns.source}: layers 0 to {_FEWEST_LAYERS - 1} are the least that can rise, got "
            f"layer {last} as the last: give every layer"
        )
    texts = columns.texts.iloc[rows]
    conditions = sorted(set(texts["condition"]), key=_place)
    place = {name: number for number, name in enumerate(conditions)}
    item_of = {item: number for number, item in enumerate(items["item_id"])}
    shape = (len(conditions), len(items), last + 1)
    at = (
        texts["condition"].map(place).to_numpy(),
        texts["item"].map(item_of).to_numpy(),
        columns.layer[rows],
    )
    there = np.zeros(shape, dtype=bool)
    there[at] = True
    _require_whole(columns, texts, there, conditions, items)
    possible = np.flatnonzero(own[rows[0]])
    values = np.empty((*shape, len(possible)))
    values[at] = columns.log_probs[rows[:, None], possible]
    swaps = [place[name] for name in conditions if name not in (REAL, BLANK)]
    return ConditionScores(
        real=values[place[REAL]],
        blank=values[place[BLANK]] if BLANK in place else None,
        swapped=values[swaps] if swaps else None,
    )


def _place(condition: str) -> tuple[int, int]:
    if condition in (REAL, BLANK):
        return (REAL, BLANK).index(condition), 0
    return 2, int(condition.rpartition(" ")[2])


def _require_whole(
    columns: ScoreColumns,
    texts: pd.DataFrame,
    there: Bool[ndarray, "condition item layer"],
    conditions: list[str],
    items: pd.DataFrame,
) -> None:
    """UserError for a row that is missing: a condition that some items have must be there for all,
    at every layer from 0 to the last."""
    about = f"{columns.source}: {texts['attribute'].iloc[0]} ({texts['readout'].iloc[0]})"
    if REAL not in conditions:
        raise UserError(
            f"{about} has no rows of condition {REAL}, got {', '.join(conditions)}: the scores "
            "under the item's own image are what everything rests on, add them"
        )
    if there.all():
        return
    for layer in range(there.shape[2]):
        if not there[:, :, layer].any():
            raise UserError(
                f"{about} must have layers 0 (what enters the first block) to {there.shape[2] - 1}"
                f", got no layer {layer}: number them so, and leave none out"
            )
    condition, item, layer = (int(each) for each in np.argwhere(~there)[0])
    missing = int((~there).sum())
    raise UserError(
        f"{about} lacks {missing:,} of {there.size:,} rows, the first is item "
        f"{items['item_id'].iloc[item]!r}, condition {conditions[condition]}, layer {layer}: "
        "every item needs every layer of every condition"
    )


def _items_hash(items: Mapping[str, pd.DataFrame], answers: Mapping[str, tuple[str, ...]]) -> str:
    total = hashlib.sha256()
    for attribute in sorted(items):
        asked = items[attribute][["item_id", "scene_id", "question", "answer"]]
        content = [attribute, list(answers[attribute]), asked.to_numpy().tolist()]
        total.update(json.dumps(content).encode())
    return total.hexdigest()


def _scores_hash(scores: Mapping[Block, ConditionScores]) -> str:
    total = hashlib.sha256()
    for block in sorted(scores):
        held = scores[block]
        for name in ("real", "blank", "swapped"):
            values = getattr(held, name)
            shape = None if values is None else values.shape
            total.update(json.dumps([*block, name, shape]).encode())
            if values is not None:
                total.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
    return total.hexdigest()
