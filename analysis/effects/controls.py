"""The control with images of other scenes: its test, and what the readout states under them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.effects.effect import SCORES, Stated, answer_scores
from analysis.effects.shares_done import Done, unheard
from analysis.readouts.taken import Readings
from data_prep.controls import strata
from data_prep.errors import UserError
from stats import ShuffledLabelTest, SwappedLabelTest, shuffled_label_test, swapped_label_test
from stats.scenes import codes, scene_rows
from stats.shuffled_labels import LEAST_SCENES
from stats.swapped_images import swapped_scores

Windows = tuple[tuple[int, int], ...]

# Of the items: in small groups of scenes a few answers are alike by chance.
_TOLD = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Shuffled:
    """What the shuffled control gives: the readout's answers under other scenes' images, and the
    test against them."""

    stated: dict[str, Float[ndarray, "item layer"]]
    """For each score, every item's mean under other scenes' images."""
    p: Float[ndarray, " layer"]
    """p-value of each layer, adjusted over layers."""
    omnibus_p: float
    window_p: tuple[float, ...]
    """p-value of each window of layers, not adjusted for the other windows."""
    stated_rows: Float[ndarray, "scene layer"]
    """The readout's own log2 probability of the answer, real minus shuffled: what older work calls
    the effect. It serves for comparison only, since it grows with the scale of the logits."""
    notes: tuple[str, ...] = ()
    """What a reader of the test must know about it."""


def shuffled_control(
    readings: Readings,
    stated: Stated,
    *,
    windows: Windows,
    rng: np.random.Generator,
    n_resamples: int,
    done: Done = unheard,
) -> Shuffled:
    """The shuffled control: answers are exchanged at random between scenes that are asked the same
    question; where every question text serves one scene, images are exchanged within a scene
    instead."""
    relabel = _between_scenes if stated.swapped is None else _within_scenes
    return relabel(
        readings, stated, windows, rng, n_resamples, lambda number: done(number / n_resamples)
    )


def _between_scenes(
    readings: Readings,
    stated: Stated,
    windows: Windows,
    rng: np.random.Generator,
    n_resamples: int,
    progress: Callable[[int], object],
) -> Shuffled:
    groups = strata(readings.items).to_numpy()
    scenes = readings.items["scene_id"].to_numpy()
    _require_scenes(readings)
    test = shuffled_label_test(
        stated.by_answer.bits,
        readings.answer_index,
        groups,
        scenes=scenes,
        windows=windows,
        rng=rng,
        n_resamples=n_resamples,
        progress=progress,
    )
    items = np.arange(len(scenes))
    codes_of = (codes(each, len(items), name="items") for each in (groups, scenes))
    stratum, scene = codes_of
    others = {
        name: swapped_scores(getattr(stated.by_answer, name), stratum, scene, groups)[
            items, readings.answer_index
        ]
        for name in SCORES
    }
    return replace(_control(test, others, test.scene_effect), notes=_given_away(test))


def _require_scenes(readings: Readings) -> None:
    by_text = readings.items.groupby("question")["scene_id"]
    fewest, text = min((len(set(scenes)), str(text)) for text, scenes in by_text)
    if fewest < LEAST_SCENES:
        raise UserError(
            f"need at least {LEAST_SCENES} scenes with the same question, got {fewest} for "
            f"{text!r}: give more scenes or a larger min_scenes_per_text"
        )


def _given_away(test: ShuffledLabelTest) -> tuple[str, ...]:
    if test.n_fixed < _TOLD * test.n_items:
        return ()
    return (
        f"which questions a scene is asked, and how many, gives the answer away for {test.n_fixed} "
        f"of {test.n_items} items: the test against other scenes' images says nothing about these",
    )


def _within_scenes(
    readings: Readings,
    stated: Stated,
    windows: Windows,
    rng: np.random.Generator,
    n_resamples: int,
    progress: Callable[[int], object],
) -> Shuffled:
    answer, scenes = readings.answer_index, readings.items["scene_id"].to_numpy(dtype=str)
    if readings.swapped is None or stated.swapped is None:
        raise ValueError("`readings` must have swapped images where texts serve single scenes")

    def centred(log_probs: Float[ndarray, "item layer answer"]) -> Float[ndarray, "scene layer"]:
        # What a reading gives all answers alike says nothing of the image.
        scores = answer_scores(log_probs)
        scores -= scores.mean(axis=1, keepdims=True)
        return scene_rows(scores[np.arange(len(answer)), answer], scenes)

    test = swapped_label_test(
        centred(readings.real),
        np.stack([centred(swap) for swap in readings.swapped]),
        windows=windows,
        rng=rng,
        n_resamples=n_resamples,
        progress=progress,
    )
    others = {
        name: np.mean([getattr(swap.of(answer), name) for swap in stated.swapped], axis=0)
        for name in SCORES
    }
    own = stated.by_answer.of(answer)
    return _control(test, others, scene_rows(own.bits - others["bits"], scenes))


def _control(
    test: ShuffledLabelTest | SwappedLabelTest,
    stated: dict[str, Float[ndarray, "item layer"]],
    stated_rows: Float[ndarray, "scene layer"],
) -> Shuffled:
    return Shuffled(
        stated=stated,
        p=test.p,
        omnibus_p=test.omnibus_p,
        window_p=tuple(test.window_p.tolist()),
        stated_rows=stated_rows,
    )
