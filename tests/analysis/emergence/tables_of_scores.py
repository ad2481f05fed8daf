"""Tables of scores as people capture them elsewhere, from readings whose truth is known."""

import numpy as np
import pandas as pd

from analysis.readouts.taken import Readings
from data_prep.given_scores.from_arrays import scores_table


def table_of(readings: Readings, *, readout: str | None = None) -> pd.DataFrame:
    """The readings as a table of natural logarithms."""
    items = readings.items.rename(
        columns={"item_id": "item", "scene_id": "scene", "question": "text"}
    )
    swapped = readings.swapped
    return scores_table(
        items,
        readings.answers,
        real=natural(readings.real),
        blank=natural(readings.blank),
        swapped=None if swapped is None else natural(swapped),
        readout=readout,
    )


def natural(bits: np.ndarray) -> np.ndarray:
    return bits.astype(np.float64) * np.log(2)


def numbers_of(content: object, path: str = "") -> dict[str, float]:
    """Every number in a JSON document, by the path to it."""
    if isinstance(content, dict):
        parts = [numbers_of(each, f"{path}/{name}") for name, each in content.items()]
    elif isinstance(content, list):
        parts = [numbers_of(each, f"{path}/{place}") for place, each in enumerate(content)]
    elif isinstance(content, int | float):  # and what is true or false
        return {path: float(content)}
    else:
        return {}
    return {name: number for part in parts for name, number in part.items()}
