"""The items of a run: which scenes are asked what, built once per attribute."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Int
from numpy import ndarray

from analysis.runs.run_folder import Run
from data_prep.errors import UserError
from data_prep.items import build_items
from data_prep.scenes import Scene
from data_prep.sources import SceneData

_MIN_SCENES = 10
_STREAM = 0


def chosen_scenes(data: SceneData, limit: int | None) -> Sequence[Scene]:
    """The scenes of a study: the first `limit` in the order of their ids."""
    ordered = sorted(data.scenes, key=lambda scene: scene.scene_id)
    if limit is not None and limit > len(ordered):
        raise UserError(
            f"{data.name} has {len(ordered)} scenes, got --scenes {limit}: ask for fewer"
        )
    return ordered[:limit]


def items_of(run: Run, data: SceneData, attribute: str) -> pd.DataFrame:
    """The items of one attribute, from the run or built now.

    UserError if the statistics could say nothing about them: before any model work.
    """
    table = run.read_table("items")
    if table is not None and (own := table.loc[table["attribute"] == attribute]).size:
        items = own.reset_index(drop=True)
    else:
        items = build_items(
            chosen_scenes(data, run.study.scenes),
            [attribute],
            rng=run.study.rng(_STREAM),
            questions=run.study.questions,
            min_scenes_per_text=run.study.min_scenes_per_text,
        )
        run.replace_rows("items", items, key=["attribute"])
    require_enough(items)
    return items


def require_enough(items: pd.DataFrame) -> None:
    """UserError for too few scenes, or a single answer."""
    n_scenes = len(set(items["scene_id"]))
    if n_scenes < _MIN_SCENES:
        raise UserError(
            f"the statistics need at least {_MIN_SCENES} scenes, got {n_scenes}: use more scenes"
        )
    if len(set(items["answer"])) < 2:
        raise UserError(
            f"need at least 2 different answers, every item's is {items['answer'].iloc[0]!r}: "
            "use more scenes"
        )


def labels_of(items: pd.DataFrame, answers: Sequence[str]) -> Int[ndarray, " item"]:
    """Each item's answer as an index into the answer set."""
    return np.array([answers.index(answer) for answer in items["answer"]], dtype=np.int64)
