"""Shares of scenes: a mean of zeros and ones, also where all are alike."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from stats.bootstrap import BootstrapInterval, cluster_bootstrap
from stats.scenes import Labels


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
