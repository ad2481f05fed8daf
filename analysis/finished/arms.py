"""An arm of a comparison: one attribute of one run under one readout, its curves and answers scene
by scene."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy import ndarray
from safetensors import SafetensorError, safe_open

from analysis.effects.found import Finding
from analysis.finished.runs import FinishedRun
from analysis.run.scene_values import common_effects
from data_prep.errors import UserError
from data_prep.files.sealed import require_whole_file

MEASURES = ("correct", "right_probability", "top_probability")
"""What is measured at the last layer, under the item's own image: whether the most probable answer
is the right one, the stated probability of the right answer, and that of the most probable one.

The two probabilities are confidence, which grows with the scale of the logits: they stand beside
what is known, and neither layers nor runs are ranked by them.
"""
# Scores are kept as float32, probabilities as the readout's.
_ROUNDING = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One side of a comparison. Rows of its arrays are scenes, in the order of their ids."""

    run: FinishedRun
    attribute: str
    readout: str
    found: Finding
    """What the run found about the emergence of the attribute."""
    scenes: tuple[str, ...]
    effect: Float[ndarray, "scene layer"]
    """Information with the image minus information with a blank one, as share of the entropy of the
    answers."""
    items: pd.DataFrame
    """A row for every item, with its item_id, its scene_id and `MEASURES`."""
    measures: Float[ndarray, "scene measure"]
    """Means of `MEASURES` over a scene's items; NaN where the run has not kept its readings."""

    @property
    def emerged(self) -> bool:
        """Whether the arm has a layer of emergence to compare; it has none if the effect later
        falls below half of the plateau again."""
        return self.found.lambda_half is not None

    def rows_of(self, scenes: set[str]) -> list[int]:
        """The row numbers of these scenes, in the order of the scenes' ids."""
        return [place for place, scene in enumerate(self.scenes) if scene in scenes]


def read_arm(run: FinishedRun, attribute: str, readout: str) -> Arm:
    """Reads an arm from the run's tables. UserError if they lack it, are damaged, or contradict
    each other."""
    found = run.finding(attribute, readout)
    if found is None:
        raise UserError(
            f"{run.run.folder} has no {attribute} under {readout}: run "
            f"{run.command(attribute, readout)}"
        )
    try:
        scenes, effects = common_effects(run.run, [(attribute, readout)])
        items = _items(run, attribute, readout, last=len(found.layers) - 1)
    except (KeyError, TypeError) as error:
        raise _damaged(run, f"a column is missing or of another kind: {error}") from error
    effect = effects[attribute, readout]
    if not np.isfinite(effect).all():
        raise _damaged(run, f"effects of {attribute} lack a layer of a scene")
    if effect.shape != (found.n_scenes, len(found.layers)):
        raise _damaged(
            run,
            f"effects of {attribute} are {effect.shape[0]} scenes by {effect.shape[1]} layers, "
            f"results.json says {found.n_scenes} by {len(found.layers)}",
        )
    by_scene = items.groupby("scene_id", sort=True).agg(dict.fromkeys(MEASURES, "mean"))
    if list(by_scene.index) != scenes:
        raise _damaged(run, f"scores and effects of {attribute} have other scenes")
    return Arm(
        run=run,
        attribute=attribute,
        readout=readout,
        found=found,
        scenes=tuple(scenes),
        effect=effect,
        items=items,
        measures=by_scene.to_numpy(dtype=np.float64),
    )


def _items(run: FinishedRun, attribute: str, readout: str, *, last: int) -> pd.DataFrame:
    rows = run.run.read_rows(
        "scores",
        {"attribute": attribute, "readout": readout},
        columns=["item_id", "scene_id", "correct", "bits"],
        where={"condition": "real", "layer": last},
    )
    if rows is None:
        raise _damaged(run, "scores.parquet is missing")
    if rows.empty or not np.isfinite(rows[["correct", "bits"]].to_numpy(dtype=float)).all():
        raise _damaged(run, f"scores.parquet has no whole last layer of {attribute}")
    right = np.exp2(rows.pop("bits").to_numpy(dtype=np.float64))
    rows["correct"] = rows["correct"].astype(np.float64)
    rows["right_probability"] = right
    file = run.run.readouts(readout) / f"{attribute}.safetensors"
    top = _top(file, len(rows)) if file.exists() else np.full(len(rows), np.nan)
    agree = np.abs(top - right) < _ROUNDING
    if file.exists() and not np.where(rows["correct"] == 1, agree, top > right - _ROUNDING).all():
        raise UserError(f"{file} contradicts scores.parquet: measure the run anew")
    rows["top_probability"] = top
    return rows


def _top(file: Path, n_items: int) -> Float[ndarray, " item"]:
    """Probability of the most probable answer at the last layer, for all items in the run's
    order."""
    try:
        require_whole_file(file)
        with safe_open(file, "numpy") as tensors:
            real = tensors.get_slice("real")
            if real.get_shape()[0] != n_items:
                raise ValueError(f"{real.get_shape()[0]} items, scores.parquet has {n_items}")
            return np.exp2(real[:, -1].astype(np.float64).max(axis=1))
    except (SafetensorError, OSError, ValueError, IndexError) as error:
        raise UserError(f"{file} is damaged ({error}): delete it and run again") from error


def _damaged(run: FinishedRun, what: str) -> UserError:
    return UserError(
        f"the tables of {run.run.folder} are damaged ({what}): measure it anew in a new folder"
    )
