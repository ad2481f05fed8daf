"""How well a score tells two groups of scenes apart: the area under the ROC curve."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import ndtri
from scipy.stats import rankdata

from stats.arguments import enough_scenes, finite_array, probability
from stats.logit_interval import logit_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaUnderCurve:
    """The probability, at each layer, that a scene of the first group outscores one of the second.

    >>> scores = np.arange(10.0)[:, None]
    >>> found = area_under_curve(scores, scores, level=0.95)
    >>> found.estimate.tolist(), bool(found.low[0] < 0.5 < found.high[0])
    ([0.5], True)
    """

    estimate: Float[ndarray, " layer"]
    """The probability, in which ties count half: .5 where the groups do not differ."""
    low: Float[ndarray, " layer"]
    """Lower end of the interval; below the estimate wherever that is above 0."""
    high: Float[ndarray, " layer"]
    """Upper end of the interval; above the estimate wherever that is below 1."""
    level: float
    """Nominal coverage of each interval alone."""
    n_first: int
    """Scenes of the first group."""
    n_second: int
    """Scenes of the second group."""


def area_under_curve(
    first: Float[ndarray, "first layer"], second: Float[ndarray, "second layer"], *, level: float
) -> AreaUnderCurve:
    """Estimate the area under the ROC curve at each layer, with DeLong's interval (logit scale).

    Rows are scenes, all of them independent. A scene's placement is the share of the other group
    that it beats; the variance of the area is that of both groups' mean placements, each by its own
    spread, so groups of unlike size and spread are no trouble. The quantile is the normal one: on
    the logit scale it covers .95-.99 from 10 scenes in a group on, Student's t more than it says.
    Where every scene is placed alike (perfect separation, or all tied) there is no spread to go by.
    So the interval is never shorter than what k disjoint pairs of scenes leave open, k the size of
    the smaller group: a result that none of k pairs showed may have a probability of up to
    1 - ((1 - level) / 2)^(1 / k).

    Raises ValueError for fewer than 2 scenes in a group or values that are not finite. Source:
    DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44:837; logit: Pepe (2003), The Statistical
    Evaluation of Medical Tests, section 5.2.

    >>> first, second = np.array([[2.0], [4.0], [6.0]]), np.array([[1.0], [3.0]])
    >>> found = area_under_curve(first, second, level=0.95)
    >>> found.estimate.round(2).tolist()  # 5 of the 6 pairs.
    [0.83]
    """
    one = finite_array(first, name="first", axes=["first", "layer"])
    two = finite_array(second, name="second", axes=["second", "layer"])
    for table, name in ((one, "first"), (two, "second")):
        enough_scenes(len(table), name=name)
    level = probability(level, name="level")
    above, below = _placements(one, two)
    area = above.mean(axis=0)
    variance = sum(each.var(axis=0, ddof=1) / len(each) for each in (above, below))
    quantile = float(ndtri((1 + level) / 2))
    low, high = logit_interval(area, np.sqrt(variance), quantile=quantile)
    unseen = 1 - ((1 - level) / 2) ** (1 / min(len(one), len(two)))
    return AreaUnderCurve(
        estimate=area,
        low=np.minimum(low, area * (1 - unseen)),
        high=np.maximum(high, area + (1 - area) * unseen),
        level=level,
        n_first=len(one),
        n_second=len(two),
    )


def _placements(
    one: Float[ndarray, "first layer"], two: Float[ndarray, "second layer"]
) -> tuple[Float[ndarray, "first layer"], Float[ndarray, "second layer"]]:
    """Share of the second group below each of the first, and of the first above each of the second.

    They are made from ranks: a score's rank among all minus its rank within its own group counts
    the scores of the other group below it.
    """
    ranks = rankdata(np.concatenate([one, two]), axis=0)
    beaten = ranks[: len(one)] - rankdata(one, axis=0)
    beats = ranks[len(one) :] - rankdata(two, axis=0)
    return beaten / len(two), 1 - beats / len(one)
