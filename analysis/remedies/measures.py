"""From a model's answers to its measures: each with its interval, and the row of every group of
scenes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from analysis.effects.found import Interval
from analysis.remedies.asking import AllQuestions, Answered
from analysis.remedies.found import Measure
from stats import cluster_share, clustered_area
from stats.scenes import scene_means


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """One measure of one model."""

    interval: Interval
    """The measure with its interval over groups of scenes."""
    rows: Float[ndarray, " group"]
    """Values of which the measure is the mean, one for each group in the order of their names: the
    groups' own shares, or pseudo-values of the area."""


def measured(answered: Answered, asked: AllQuestions, *, level: float) -> dict[Measure, Measured]:
    """All measures of a model, in the order in which they are shown."""
    absent = asked.premise_absent
    groups = np.unique(asked.premise_groups, return_inverse=True)[1]
    existence = asked.existence
    there, exist_groups = ~existence.absent, existence.groups
    accuracy = np.where(there, answered.yes, 1 - answered.yes)
    return {
        "detection": _share(answered.none[absent], groups[absent], level),
        "over_refusal": _share(answered.none[~absent], groups[~absent], level),
        "right": _share(answered.right[~absent], groups[~absent], level),
        "said_area": _area(answered.log_odds, absent, groups, level),
        "probe_area": _area(answered.probe, absent, groups, level),
        "exist_accuracy": _share(accuracy, exist_groups, level),
        "exist_yes": _share(answered.yes, exist_groups, level),
        "exist_area": _area(answered.yes_odds, there, exist_groups, level),
    }


def _share(values: Float[ndarray, " item"], groups: ndarray, level: float) -> Measured:
    found = cluster_share(values, groups, level=level)
    return Measured(
        interval=Interval(
            estimate=float(found.estimate), low=float(found.low), high=float(found.high)
        ),
        rows=scene_means(values[:, None], groups)[:, 0],
    )


def _area(
    scores: Float[ndarray, " item"],
    positive: Bool[ndarray, " item"],
    groups: ndarray,
    level: float,
) -> Measured:
    found = clustered_area(scores[:, None], positive, groups, level=level)
    return Measured(
        interval=Interval(
            estimate=float(found.estimate[0]), low=float(found.low[0]), high=float(found.high[0])
        ),
        rows=found.rows[:, 0],
    )
