"""The control task, one draw of its labels at a time, compared with the task itself on the same
folds."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from analysis.effects.effect import item_information
from probes.linear_probe.control_draws import ControlDraws
from probes.linear_probe.control_task import selectivity
from probes.scores import Scores, item_scores


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnControls:
    """The scores of the control task per draw of its labels, item and layer."""

    correct: Float[ndarray, "draw item layer"]
    """1 where the control label was read, else 0."""
    information: Float[ndarray, "draw item layer"]
    """Information about the control labels in bits; each scene is read by a reader fitted on other
    scenes."""
    gained: Float[ndarray, "draw item layer"]
    """Selectivity in right answers: the task's score minus that of the draw, on the same folds."""
    gained_bits: Float[ndarray, "draw item layer"]
    """Selectivity in bits of information."""
    n_partitions: int
    """The number of partitions of the scenes into folds, which the draws used in turn."""


def drawn_controls(
    draws: ControlDraws,
    answer: Int[ndarray, " item"],
    scenes: ndarray,
    *,
    rng: Callable[[int], np.random.Generator],
) -> tuple[DrawnControls, Scores]:
    """Selectivity draw by draw, and the scores of the control task as mean over its draws.

    `rng` gives the generator for the n-th set of readers, by which information is measured.
    """
    n_draws = len(draws.labels)
    scores = [item_scores(*one) for one in zip(draws.control, draws.labels, strict=True)]
    told = np.stack(
        [
            item_information(draws.control[draw], draws.labels[draw], scenes, rng=rng(draw))
            for draw in range(n_draws)
        ]
    )
    task_told = np.stack(
        [
            item_information(read, answer, scenes, rng=rng(n_draws + number))
            for number, read in enumerate(draws.task)
        ]
    )
    task = np.stack([item_scores(read, answer).correct for read in draws.task]).astype(float)
    correct = np.stack([one.correct for one in scores]).astype(float)
    found = DrawnControls(
        correct=correct,
        information=told,
        gained=selectivity(task[draws.partition], correct),
        gained_bits=selectivity(task_told[draws.partition], told),
        n_partitions=len(draws.task),
    )
    mean = Scores(
        bits=np.mean([one.bits for one in scores], axis=0),
        correct=correct.mean(axis=0),
        brier=np.mean([one.brier for one in scores], axis=0),
    )
    return found, mean
