"""Confidence intervals for means over scenes, by redrawing scenes."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import ndtr, ndtri

from stats.arguments import enough_scenes, finite_array, probability, resamples_for_interval
from stats.resampling import resampled_means, resampled_t
from stats.scenes import Labels, codes, scene_means
from stats.tail_quantiles import tail_quantiles

Method = Literal["percentile", "bca", "studentized"]

# Bootstrap-t corrects for skewness and for the estimated spread, which is what a small sample
# needs; from here on the plain percentile interval covers as well and is steadier in its width.
STUDENTIZED_BELOW = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class BootstrapInterval:
    """Means over scenes with a confidence interval for each column, in the unit of the values.

    >>> effect = np.array([[0.0, 0.1], [0.2, 0.3], [0.1, 0.5]])
    >>> found = cluster_bootstrap(effect, range(3), rng=np.random.default_rng(0), n_resamples=99)
    >>> found.estimate.round(3).tolist(), found.standard_error.round(3).tolist()
    ([0.1, 0.3], [0.058, 0.115])
    """

    estimate: Float[ndarray, " *column"]
    """Mean over scenes of each scene's mean over its items."""
    low: Float[ndarray, " *column"]
    """Lower end of the interval, each column alone at `level` (not simultaneous)."""
    high: Float[ndarray, " *column"]
    """Upper end of the interval, likewise."""
    standard_error: Float[ndarray, " *column"]
    """Standard deviation over scenes divided by the root of their number."""
    level: float
    """Nominal coverage of each interval."""
    method: Method
    """How the interval was made from the resamples."""
    n_scenes: int
    """Number of scenes, which were redrawn as wholes."""
    n_items: int
    """Number of items, the rows that were given."""
    n_resamples: int
    """How often all scenes were redrawn."""


def cluster_bootstrap(
    values: Float[ndarray, "item *column"],
    clusters: Labels,
    *,
    rng: np.random.Generator,
    n_resamples: int = 10_000,
    level: float = 0.95,
    method: Method | None = None,
) -> BootstrapInterval:
    """Estimate the mean over scenes of `values`, with an interval from redrawing whole scenes.

    Estimand: the mean, over the population of scenes, of a scene's mean over its items. A scene
    counts once however many items it has, so repeating items within a scene changes nothing.
    Assumption: scenes are independent draws; items within a scene may depend on each other.

    `clusters` names the scene of each item. `method` is "studentized" (bootstrap-t) below 200
    scenes and "percentile" from there on, unless given; "bca" corrects bias and acceleration. A
    column without spread has the interval `[estimate, estimate]`. The order of rows makes no
    difference, except to the last digits of a scene's own mean.

    Raises ValueError for values that are not finite, fewer than 2 scenes, or fewer resamples
    than the level needs. Source: Davison & Hinkley (1997), Bootstrap Methods and their
    Application, sections 3.8 and 5.2-5.3; Efron (1987), JASA 82:171.

    >>> rng = np.random.default_rng(0)
    >>> right = np.array([1.0, 1.0, 0.0, 1.0, 0.0, 0.0])
    >>> scenes = ["a", "a", "b", "b", "c", "c"]
    >>> found = cluster_bootstrap(right, scenes, rng=rng, n_resamples=999)
    >>> float(found.estimate), found.n_scenes
    (0.5, 3)
    """
    table = finite_array(values, name="values", axes=["item"], open_ended=True)
    n_items, columns = len(table), table.shape[1:]
    level = probability(level, name="level")
    n_resamples = resamples_for_interval(n_resamples, level)
    scenes = scene_means(table.reshape(n_items, -1), codes(clusters, n_items, name="clusters"))
    n_scenes = len(scenes)
    enough_scenes(n_scenes, name="clusters")
    chosen = method or ("studentized" if n_scenes < STUDENTIZED_BELOW else "percentile")
    interval = _INTERVALS.get(chosen)
    if interval is None:
        raise ValueError(f"`method` must be one of {list(_INTERVALS)}, got {method!r}: choose one")

    low, high = interval(scenes, rng=rng, n_resamples=n_resamples, level=level)
    error = scenes.std(axis=0, ddof=1) / np.sqrt(n_scenes)
    return BootstrapInterval(
        estimate=scenes.mean(axis=0).reshape(columns),
        low=low.reshape(columns),
        high=high.reshape(columns),
        standard_error=error.reshape(columns),
        level=level,
        method=chosen,
        n_scenes=n_scenes,
        n_items=n_items,
        n_resamples=n_resamples,
    )


def _percentile(
    scenes: Float[ndarray, "scene column"],
    *,
    rng: np.random.Generator,
    n_resamples: int,
    level: float,
) -> Float[ndarray, "2 column"]:
    means = resampled_means(scenes, rng=rng, n_resamples=n_resamples)
    return tail_quantiles(means.T, ((1 - level) / 2, (1 + level) / 2))


def _studentized(
    scenes: Float[ndarray, "scene column"],
    *,
    rng: np.random.Generator,
    n_resamples: int,
    level: float,
) -> Float[ndarray, "2 column"]:
    t = resampled_t(scenes, rng=rng, n_resamples=n_resamples)
    error = scenes.std(axis=0, ddof=1) / np.sqrt(len(scenes))
    # The upper tail of t bounds the estimand from below: the sample may lie as far above it.
    lower, upper = tail_quantiles(t.T, ((1 - level) / 2, (1 + level) / 2))
    return scenes.mean(axis=0) - np.stack([upper, lower]) * error


def _bca(
    scenes: Float[ndarray, "scene column"],
    *,
    rng: np.random.Generator,
    n_resamples: int,
    level: float,
) -> Float[ndarray, "2 column"]:
    centred = scenes - scenes.mean(axis=0)
    deviations = resampled_means(centred, rng=rng, n_resamples=n_resamples)
    below = ((deviations < 0).sum(axis=0) + (deviations <= 0).sum(axis=0)) / 2
    bias = ndtri(np.clip(below, 1, n_resamples - 1) / n_resamples)
    square, cube = (np.sum(centred**power, axis=0) for power in (2, 3))
    # The jackknife's acceleration; for a mean its leave-one-out values are the scenes themselves.
    acceleration = np.divide(cube, 6 * square**1.5, out=np.zeros_like(cube), where=square > 0)
    ends = np.empty((2, scenes.shape[1]))
    for end, tail in enumerate([(1 - level) / 2, (1 + level) / 2]):
        shifted = bias + ndtri(tail)
        share = ndtr(bias + shifted / np.maximum(1 - acceleration * shifted, 1e-6))
        ends[end] = [np.quantile(column, p) for column, p in zip(deviations.T, share, strict=True)]
    return scenes.mean(axis=0) + ends


_INTERVALS = {"percentile": _percentile, "studentized": _studentized, "bca": _bca}
