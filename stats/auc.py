"""How well a score tells two groups of scenes apart: the area under the ROC curve."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import ndtri
from scipy.stats import rankdata

from stats.arguments import enough_scenes, finite_array, probability

_HALVINGS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaUnderCurve:
    """Per layer the probability that a scene of the first group scores above one of the second."""

    estimate: Float[ndarray, " layer"]
    """Ties count half; .5 is no difference."""
    low: Float[ndarray, " layer"]
    high: Float[ndarray, " layer"]
    level: float
    n_first: int
    n_second: int


def area_under_curve(
    first: Float[ndarray, "first layer"], second: Float[ndarray, "second layer"], *, level: float
) -> AreaUnderCurve:
    """The area with Newcombe's score interval, which has a width even at 0 and 1.

    Rows are scenes, all independent. The variance is Hanley and McNeil's for exponential scores
    with sizes averaged, which is close for most others. Raises ValueError for fewer than 2
    scenes in a group or values that are not finite. Source: Newcombe (2006), Stat. Med. 25:559,
    method 5; Hanley & McNeil (1982), Radiology 143:29.
    """
    one = finite_array(first, name="first", axes=["first", "layer"])
    two = finite_array(second, name="second", axes=["second", "layer"])
    for table, name in ((one, "first"), (two, "second")):
        enough_scenes(len(table), name=name)
    level = probability(level, name="level")
    n_first, n_second = len(one), len(two)
    ranks = rankdata(np.concatenate([one, two]), axis=0)[:n_first].sum(axis=0)
    area = (ranks - n_first * (n_first + 1) / 2) / (n_first * n_second)
    return AreaUnderCurve(
        estimate=area,
        low=_lower_end(area, n_first, n_second, level),
        high=1 - _lower_end(1 - area, n_first, n_second, level),
        level=level,
        n_first=n_first,
        n_second=n_second,
    )


def _lower_end(
    area: Float[ndarray, " layer"], n_first: int, n_second: int, level: float
) -> Float[ndarray, " layer"]:
    """The smallest area from which the one observed lies no more than z standard errors off."""
    z = ndtri((1 + level) / 2)
    low, high = np.zeros_like(area), area.copy()
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        spread = (1 - middle) / (2 - middle) + middle / (1 + middle)
        variance = middle * (1 - middle) * (1 + ((n_first + n_second) / 2 - 1) * spread)
        too_far = area - middle > z * np.sqrt(variance / (n_first * n_second))
        low, high = np.where(too_far, middle, low), np.where(too_far, high, middle)
    return low
