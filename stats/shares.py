"""Intervals for shares of scenes and for accuracies, which stay in [0, 1] and are never empty.

A bootstrap of zeros and ones would not do. Where all are alike its interval has no width (with 0
of 20 the share would be 0 beyond doubt), where nearly all are alike it has hardly any, and it can
end below 0 or above 1.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.stats import beta
from scipy.stats import t as student

from stats.arguments import enough_scenes, finite_array, probability
from stats.scenes import Labels, codes, scene_means

# A spread below this share of the largest possible one is rounding, not spread.
_NO_SPREAD = 1e-24


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareInterval:
    """Shares with an exact interval each.

    >>> found = share_interval(np.array([0, 20]), np.array([20, 20]))
    >>> found.low.round(2).tolist(), found.high.round(2).tolist()  # None and all of 20.
    ([0.0, 0.83], [0.17, 1.0])
    """

    share: Float[ndarray, "*cell"]
    """The counts divided by the totals."""
    low: Float[ndarray, "*cell"]
    """Lower end of the interval; 0 where none was counted."""
    high: Float[ndarray, "*cell"]
    """Upper end of the interval; 1 where all were counted."""
    level: float
    """Least coverage of each interval alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterShare:
    """Means over scenes of values in [0, 1], with an interval in [0, 1] for each column.

    >>> found = cluster_share(np.ones(40), np.repeat(np.arange(20), 2))
    >>> float(found.estimate), round(float(found.low), 2), float(found.high)
    (1.0, 0.83, 1.0)
    """

    estimate: Float[ndarray, " *column"]
    """Mean over scenes of each scene's mean over its items."""
    low: Float[ndarray, " *column"]
    """Lower end of the interval, each column alone at `level` (not simultaneous)."""
    high: Float[ndarray, " *column"]
    """Upper end of the interval, likewise."""
    effective_n: Float[ndarray, " *column"]
    """How many independent items of 0 or 1 would leave the mean as uncertain as these do."""
    level: float
    """Nominal coverage of each interval."""
    n_scenes: int
    """Number of scenes, whose spread the interval comes from."""
    n_items: int
    """Number of items, the rows that were given."""


def share_interval(
    counts: Int[ndarray, "*cell"], totals: Int[ndarray, "*cell"], *, level: float = 0.95
) -> ShareInterval:
    """The share `counts` / `totals` of scenes, with Clopper and Pearson's exact interval.

    Scenes must be independent, and each counts once or not at all. Raises ValueError for a total
    below 1 or a count outside 0..total. Source: Clopper & Pearson (1934), Biometrika 26:404.

    >>> found = share_interval(np.array(8), np.array(10))
    >>> found.share.item(), round(found.low.item(), 3), round(found.high.item(), 3)
    (0.8, 0.444, 0.975)
    """
    level = probability(level, name="level")
    if (totals < 1).any() or (counts < 0).any() or (counts > totals).any():
        raise ValueError(
            "`counts` must lie in 0..`totals`, and `totals` be at least 1, got "
            f"{counts.tolist()} of {totals.tolist()}: leave groups without scenes out"
        )
    tail, missed = (1 - level) / 2, totals - counts
    # A beta distribution needs two positive numbers; where one is 0 the end is that of the scale.
    low = beta.ppf(tail, np.maximum(counts, 1), missed + 1)
    high = beta.ppf(1 - tail, counts + 1, np.maximum(missed, 1))
    return ShareInterval(
        share=np.asarray(counts / totals),
        low=np.asarray(np.where(counts == 0, 0.0, low)),
        high=np.asarray(np.where(missed == 0, 1.0, high)),
        level=level,
    )


def cluster_share(
    values: Float[ndarray, "item *column"], clusters: Labels, *, level: float = 0.95
) -> ClusterShare:
    """Estimate the mean over scenes of values in [0, 1], with an interval that stays in [0, 1].

    Estimand and assumption are those of `cluster_bootstrap`. A column of zeros and ones with one
    item per scene has Clopper and Pearson's interval. Any other column has Wilson's, with the
    effective number of items, p (1 - p) / (variance over scenes of their means / scenes), which is
    the number of items over the design effect. Its quantile is that of Student's t with as many
    degrees of freedom as that variance has, scenes - 1. Two limits keep the interval honest where
    the variance is learnt from one or two scenes. Of items that are 0 or 1 the effective number is
    at most their number, since items of a scene that seem to repel each other do so by chance; and
    their interval never ends closer to 0 or 1 than if none, or all, of them were 1. Where no scene
    differs from another, a scene unlike them may have a probability of up to
    1 - ((1 - level) / 2)^(1 / scenes).

    Raises ValueError for values outside [0, 1] or not finite and for fewer than 2 scenes. Source:
    Clopper & Pearson (1934), Biometrika 26:404; Wilson (1927), JASA 22:209; Dean & Pagano (2015),
    J. Surv. Stat. Methodol. 3:484; Korn & Graubard (1998), Surv. Methodol. 24:193.

    >>> right = np.array([1.0, 1.0, 1.0, 0.0, 1.0, 1.0])
    >>> found = cluster_share(right, ["a", "a", "b", "b", "c", "c"])
    >>> round(float(found.estimate), 2), found.n_scenes, float(found.high) <= 1
    (0.83, 3, True)
    """
    table = finite_array(values, name="values", axes=["item"], open_ended=True)
    if table.min() < 0 or table.max() > 1:
        raise ValueError(
            f"`values` must lie in [0, 1], got {table.min()} to {table.max()}: pass shares"
        )
    level = probability(level, name="level")
    n_items, columns = len(table), table.shape[1:]
    items = table.reshape(n_items, -1)
    scenes = scene_means(items, codes(clusters, n_items, name="clusters"))
    enough_scenes(len(scenes), name="clusters")
    zero_one = ((items == 0) | (items == 1)).all(axis=0)
    # Rounding of a mean must not leave the scale.
    share = np.clip(scenes.mean(axis=0), 0, 1)
    low, high, effective = _wilson(share, scenes, np.where(zero_one, n_items, np.inf), level)
    unseen = 1 - ((1 - level) / 2) ** (1 / len(scenes))
    low = np.where(zero_one, np.minimum(low, 1 - unseen), low)
    high = np.where(zero_one, np.maximum(high, unseen), high)
    if n_items == len(scenes) and zero_one.any():
        counts = np.rint(items[:, zero_one].sum(axis=0)).astype(int)
        exact = share_interval(counts, np.full_like(counts, n_items), level=level)
        low[zero_one], high[zero_one], effective[zero_one] = exact.low, exact.high, n_items
    return ClusterShare(
        estimate=share.reshape(columns),
        low=low.reshape(columns),
        high=high.reshape(columns),
        effective_n=effective.reshape(columns),
        level=level,
        n_scenes=len(scenes),
        n_items=n_items,
    )


def _wilson(
    share: Float[ndarray, " column"],
    scenes: Float[ndarray, "scene column"],
    most: Float[ndarray, " column"],
    level: float,
) -> tuple[Float[ndarray, " column"], Float[ndarray, " column"], Float[ndarray, " column"]]:
    """Both ends of Wilson's interval and the effective number of items, which is at most `most`."""
    n_scenes = len(scenes)
    possible, spread = share * (1 - share), scenes.var(axis=0, ddof=1)
    alive = spread > _NO_SPREAD * possible
    unseen = 1 - ((1 - level) / 2) ** (1 / n_scenes)
    effective = np.full(len(share), float(n_scenes))
    np.divide(possible * n_scenes, spread, out=effective, where=alive)
    effective = np.minimum(effective, most)
    square = student.ppf((1 + level) / 2, n_scenes - 1) ** 2
    middle = (share + square / (2 * effective)) / (1 + square / effective)
    reach = np.sqrt(square * (possible / effective + square / (4 * effective**2)))
    reach /= 1 + square / effective
    low = np.where(alive, np.maximum(middle - reach, 0), share * (1 - unseen))
    high = np.where(alive, np.minimum(middle + reach, 1), share + (1 - share) * unseen)
    return low, high, effective
