"""Intervals for shares of scenes, also where all scenes are alike.

A bootstrap of zeros and ones has no width where all are alike: none of 20 would be a share of 0
without doubt. Clopper and Pearson's interval is never empty.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.stats import beta

from stats.arguments import probability
from stats.bootstrap import BootstrapInterval, cluster_bootstrap
from stats.scenes import Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareInterval:
    """Shares with an exact interval each."""

    share: Float[ndarray, "*cell"]
    low: Float[ndarray, "*cell"]
    """Lower end; 0 where none was counted."""
    high: Float[ndarray, "*cell"]
    """Upper end; 1 where all were."""
    level: float
    """Least coverage of each interval alone."""


def share_interval(
    counts: Int[ndarray, "*cell"], totals: Int[ndarray, "*cell"], *, level: float = 0.95
) -> ShareInterval:
    """Share of `totals` scenes, each counted or not, with Clopper and Pearson's interval.

    Scenes must be independent, one count each. Raises ValueError for a total below 1 or a count
    outside 0..total. Source: Clopper & Pearson (1934), Biometrika 26:404.
    """
    level = probability(level, name="level")
    if (totals < 1).any() or (counts < 0).any() or (counts > totals).any():
        raise ValueError(
            "`counts` must lie in 0..`totals`, and `totals` be at least 1, got "
            f"{counts.tolist()} of {totals.tolist()}: leave empty groups out"
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
    values: Float[ndarray, "item *column"],
    clusters: Labels,
    *,
    rng: np.random.Generator,
    n_resamples: int = 10_000,
    level: float = 0.95,
) -> BootstrapInterval:
    """Mean over scenes of values in [0, 1], with an interval that stays in [0, 1].

    As `cluster_bootstrap`; but where every scene has the value 0 (or 1), redrawing scenes shows no
    spread and would call the share certain. There the other end is that of Clopper and Pearson:
    with n scenes, the share at which no scene (or every one) still comes with probability
    (1 - level) / 2.

    Raises ValueError for values outside [0, 1], and as `cluster_bootstrap`. Source: Clopper &
    Pearson (1934), Biometrika 26:404.
    """
    if np.size(values) and not (np.min(values) >= 0 and np.max(values) <= 1):
        raise ValueError(
            f"`values` must lie in [0, 1], got {np.min(values)} to {np.max(values)}: pass shares"
        )
    found = cluster_bootstrap(values, clusters, rng=rng, n_resamples=n_resamples, level=level)
    unseen = 1 - ((1 - level) / 2) ** (1 / found.n_scenes)
    low, high = np.clip(found.low, 0, 1), np.clip(found.high, 0, 1)
    return replace(
        found,
        low=np.where(found.estimate == 1, 1 - unseen, low),
        high=np.where(found.estimate == 0, unseen, high),
    )
