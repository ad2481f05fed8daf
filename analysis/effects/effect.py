"""From readings to rows per scene: what the readout says, what its scores hold, and how sure it
is."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from analysis.readouts.taken import Readings
from probes.scores import ScoresByAnswer, scores_by_answer
from stats import Information, information
from stats.scenes import scene_rows

CONDITIONS = ("real", "shuffled", "blank")
SCORES = ("bits", "correct", "brier")
_NATS_PER_BIT = float(np.log(2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """The information in the readings with the image and without, by readers of one kind."""

    real: Information
    blank: Information
    item_effect: Float[ndarray, "item layer"]
    """The effect of the image on each item, as share of the entropy of the answers."""
    rows: Float[ndarray, "scene layer"]
    """The effect of the image: the mean over a scene's items of real minus blank, as share of the
    entropy of the answers."""
    real_rows: Float[ndarray, "scene layer"]
    """The same mean under the real image alone, without subtracting the blank one: what image and
    question together tell beyond guessing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """The readout's own probabilities, taken as they are: one number per item and layer, by
    condition and score."""

    by_answer: ScoresByAnswer
    """The scores under the item's own image, for each answer as if it were the right one."""
    blank: ScoresByAnswer
    swapped: tuple[ScoresByAnswer, ...] | None
    certainty: Float[ndarray, "item layer"]
    """1 minus the entropy of its distribution over the answers, as share of the largest there is:
    1 where it is sure of one answer, right or wrong, 0 where it has no opinion."""


def entropy_bits(readings: Readings) -> float:
    """H(Y), the entropy of the answers over the items, each scene counting once."""
    scenes = readings.items["scene_id"].to_numpy(dtype=str)
    onehot = np.eye(len(readings.answers))[readings.answer_index]
    share = scene_rows(onehot, scenes).mean(axis=0)
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum())


def effect_of(
    readings: Readings,
    *,
    rng: np.random.Generator,
    offsets: bool = False,
    folds: int = 5,
    again: Effect | None = None,
) -> Effect:
    """The effect of the image, by readers that read no scene which they were fitted on. Both
    conditions have the same folds.

    `again` is the effect of the same readings, by the same kind of readers, on other folds: from it
    the readers of all scenes are known.
    """
    scenes = readings.items["scene_id"].to_numpy(dtype=str)
    root = int(rng.integers(2**63))
    real, blank = (
        information(
            answer_scores(table),
            readings.answer_index,
            scenes,
            rng=np.random.default_rng(root),
            folds=folds,
            offsets=offsets,
            readers=known,
        )
        for table, known in (
            (readings.real, None if again is None else again.real.readers),
            (readings.blank, None if again is None else again.blank.readers),
        )
    )
    entropy = entropy_bits(readings)
    by_item = real.bits - blank.bits
    return Effect(
        real=real,
        blank=blank,
        item_effect=by_item / entropy,
        rows=scene_rows(by_item, scenes) / entropy,
        real_rows=scene_rows(real.bits, scenes) / entropy,
    )


def item_information(
    log_probs_bits: Float[ndarray, "item layer answer"],
    answer: Int[ndarray, " item"],
    scenes: ndarray,
    *,
    rng: np.random.Generator,
) -> Float[ndarray, "item layer"]:
    """Information in bits about labels that are not the study's own, such as those of a control
    task.

    It is 0 for a label that only one scene has, since no reader fitted on other scenes has met it.
    """
    ids, scene = np.unique(scenes, return_inverse=True)
    holds = np.zeros((answer.max() + 1, len(ids)), dtype=bool)
    holds[answer, scene] = True
    known = (holds.sum(axis=1) >= 2)[answer]
    bits = np.zeros(log_probs_bits.shape[:2])
    scores = answer_scores(log_probs_bits[known])
    bits[known] = information(scores, answer[known], scenes[known], rng=rng).bits
    return bits


def answer_scores(
    log_probs_bits: Float[ndarray, "item layer answer"],
) -> Float[ndarray, "item answer layer"]:
    """Natural logarithms of the probabilities, with the answers as second axis, as
    `stats.information` takes them."""
    return np.swapaxes(log_probs_bits.astype(np.float64), 1, 2) * _NATS_PER_BIT


def stated_of(readings: Readings) -> Stated:
    """The readout's own probabilities of every answer, scored as they are."""
    by_answer = scores_by_answer(readings.real.astype(np.float64))
    probability = np.exp2(by_answer.bits)
    entropy = -(probability * by_answer.bits).sum(axis=1)
    swapped = None
    if readings.swapped is not None:
        swapped = tuple(scores_by_answer(swap.astype(np.float64)) for swap in readings.swapped)
    return Stated(
        by_answer=by_answer,
        blank=scores_by_answer(readings.blank.astype(np.float64)),
        swapped=swapped,
        certainty=1 - entropy / np.log2(len(readings.answers)),
    )


def guessed(
    found: Information, answer: Int[ndarray, " item"]
) -> dict[str, Float[ndarray, "item 1"]]:
    """What guessing scores on each item: either the most frequent answer of the other folds is
    said, or the frequencies of their answers are stated as probabilities."""
    as_bits = np.log2(np.maximum(found.guess, np.finfo(float).tiny))
    scores = scores_by_answer(as_bits[:, None, :]).of(answer)
    return {name: getattr(scores, name) for name in SCORES}
