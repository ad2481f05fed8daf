"""Readings with known content: how much each layer says about the answer is planted."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import log_softmax

from analysis.readouts.taken import Readings
from analysis.run.study import Study

ANSWERS = ("a", "b", "c", "d")
QUICK = Study(n_resamples=1000)
EMERGING = (0, 0, 0, 0, 2, 4, 4, 4, 4)
PROFILES = {
    "emerged": EMERGING,
    "not_emerged": (0,) * 9,
    "from_start": (4,) * 9,
    "died": (0, 0, 4, 4, 4, 4, 4, 0, 0),
}


def planted(
    strength: Sequence[float],
    *,
    n_scenes: int = 80,
    noise: float = 1.0,
    seed: int = 0,
    n_swaps: int = 0,
) -> Readings:
    """`strength[l]` is added to the logit of the right answer at layer l, over noise.

    Two texts; answers are balanced within each. The blank image says nothing, nor do swapped ones.
    """
    rng = np.random.default_rng(seed)
    answer = np.arange(n_scenes) % len(ANSWERS)
    text = np.arange(n_scenes) // len(ANSWERS) % 2
    items = pd.DataFrame(
        {
            "item_id": [f"s{i:03d}/color/referring" for i in range(n_scenes)],
            "scene_id": [f"s{i:03d}" for i in range(n_scenes)],
            "attribute": "color",
            "template": "referring",
            "question": [f"text {t}" for t in text],
            "answer": [ANSWERS[a] for a in answer],
            "image": [f"s{i:03d}.png" for i in range(n_scenes)],
            "n_objects": 2,
        }
    )
    shape = (n_scenes, len(strength), len(ANSWERS))
    told = np.eye(len(ANSWERS))[answer][:, None, :] * np.array(strength)[:, None]
    swaps = [noise * rng.standard_normal(shape) for _ in range(n_swaps)]
    return Readings(
        items=items,
        answers=ANSWERS,
        answer_index=answer,
        real=bits(told + noise * rng.standard_normal(shape)),
        blank=bits(noise * rng.standard_normal(shape)),
        swapped=np.stack([bits(each) for each in swaps]) if swaps else None,
        notes=("a note",),
    )


def bits(logits: np.ndarray) -> np.ndarray:
    return (log_softmax(logits, axis=-1) / np.log(2)).astype(np.float32)


def rows_of(readings: Readings, rows: np.ndarray, **items) -> Readings:
    """The readings of some items, in this order, with other columns where given."""
    return Readings(
        items=readings.items.iloc[rows].reset_index(drop=True).assign(**items),
        answers=readings.answers,
        answer_index=readings.answer_index[rows],
        real=readings.real[rows],
        blank=readings.blank[rows],
        swapped=None if readings.swapped is None else readings.swapped[:, rows],
        notes=readings.notes,
    )
