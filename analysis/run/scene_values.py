"""Values that a run has kept for every scene, as arrays: attributes and readouts are compared by
them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy import ndarray

from analysis.run.folder import Run
from data_prep.errors import UserError

Curve = tuple[str, str]
"""The name of an attribute and that of a readout."""


def common_effects(
    run: Run, curves: Sequence[Curve], *, reader: str = "effect"
) -> tuple[list[str], dict[Curve, Float[ndarray, "scene layer"]]]:
    """The scenes that all of `curves` have, and their effects.

    `reader` is the column of effects: "effect", or "held" for readers with offsets. Rows are in
    the order of the scenes. UserError if a curve has not been measured, or if they
    share too few scenes.
    """
    wide = {curve: _wide(run, curve, "effects", reader) for curve in curves}
    scenes = sorted(set.intersection(*(set(each.index) for each in wide.values())))
    if len(scenes) < 2:
        raise UserError(
            f"need at least 2 scenes that {', '.join(a for a, _ in curves)} share, got "
            f"{len(scenes)}: use more scenes"
        )
    return scenes, {
        curve: np.asarray(each.loc[scenes], dtype=np.float64) for curve, each in wide.items()
    }


def accuracies(run: Run, curve: Curve, scenes: Sequence[str]) -> Float[ndarray, "scene layer"]:
    """Share of each scene's items that are answered right under their own image, per layer, from 0
    to 1."""
    wide = _wide(run, curve, "scores", "correct")
    return np.asarray(wide.loc[list(scenes)], dtype=np.float64)


def _wide(run: Run, curve: Curve, name: str, value: str) -> pd.DataFrame:
    """A value from the run's table `name` with a row per scene and a column per layer, as means
    over each scene's items."""
    attribute, readout = curve
    rows = run.read_rows(
        name,
        {"attribute": attribute, "readout": readout},
        columns=["scene_id", "layer", value],
        where={"condition": "real"} if name == "scores" else None,
    )
    if rows is None or rows.empty:
        raise UserError(
            f"{run.folder} has no {name} of {attribute} under {readout}: run python -m "
            f"analysis.emergence --attr {attribute} --readout {readout} on it first"
        )
    return rows.pivot_table(index="scene_id", columns="layer", values=value, aggfunc="mean")
