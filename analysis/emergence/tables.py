"""The tables that a run keeps of every item and of every scene."""

import numpy as np
import pandas as pd

from analysis.emergence.estimates import Estimates
from analysis.readouts.taken import Readings
from data_prep.items import attribute_of_items

COLUMNS = ("bits", "correct", "brier", "information")
"""The scores in the table: stated bits, whether the answer is right, Brier score, and information
in bits (which is missing under other scenes' images)."""


def score_rows(estimates: Estimates, readings: Readings, readout: str) -> pd.DataFrame:
    """The table that is always kept: a row per item, condition and layer."""
    items = readings.items
    n_items, n_layers = estimates.scores["real"]["bits"].shape
    parts = []
    for condition, scores in estimates.scores.items():
        part = items.loc[items.index.repeat(n_layers), ["item_id", "scene_id", "attribute"]]
        part = part.assign(condition=condition, readout=readout)
        part["layer"] = np.tile(np.arange(n_layers), n_items)
        for score in COLUMNS:
            part[score] = scores[score].astype(np.float32).ravel()
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def effect_rows(estimates: Estimates, readings: Readings, readout: str) -> pd.DataFrame:
    """The effect of every scene and layer, by kind of reader; comparisons of runs are made from
    it."""
    scenes = np.unique(readings.items["scene_id"].to_numpy(dtype=str))
    n_scenes, n_layers = estimates.effects["effect"].shape
    rows = {
        "scene_id": np.repeat(scenes, n_layers),
        "attribute": attribute_of_items(readings.items),
        "readout": readout,
        "layer": np.tile(np.arange(n_layers), n_scenes),
        **{name: effect.ravel() for name, effect in estimates.effects.items()},
    }
    return pd.DataFrame(rows)
