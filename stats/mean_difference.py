"""By how much do the means of two runs differ, column by column, on shared or on other scenes?"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from stats.arguments import enough_scenes, finite_array, probability, resamples_for_interval
from stats.bootstrap import cluster_bootstrap
from stats.half_crossing import plausible_curves
from stats.scenes import canonical_order
from stats.sign_flip import sign_flip_max_t
from stats.welch_max_t import welch_max_t


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanDifference:
    """Mean of the second minus mean of the first, in the unit of the values.

    >>> first = np.array([[1.0], [2.0], [4.0]])
    >>> rng = np.random.default_rng(0)
    >>> found = mean_difference(first, first, rng=rng, paired=True, n_resamples=99)
    >>> found.estimate.tolist(), found.p.tolist(), found.n_scenes
    ([0.0], [1.0], (3, 3))
    """

    estimate: Float[ndarray, " column"]
    """The difference of the two means."""
    low: Float[ndarray, " column"]
    """Lower end of the interval, each column alone at `level` (not simultaneous)."""
    high: Float[ndarray, " column"]
    """Upper end of the interval, likewise."""
    p: Float[ndarray, " column"]
    """Two-sided p-values, adjusted over the columns by the maximum statistic; never 0."""
    omnibus_p: float
    """P-value for "no difference anywhere": the smallest of `p`."""
    level: float
    """Nominal coverage of each interval."""
    paired: bool
    """Whether the rows of both were the same scenes."""
    n_scenes: tuple[int, int]
    """Number of scenes of the first and of the second sample."""
    n_resamples: int
    """Number of redraws for the intervals, and of sign flips or redraws for the test."""


def mean_difference(
    first: Float[ndarray, "scene column"],
    second: Float[ndarray, "_scene _column"],
    *,
    rng: np.random.Generator,
    paired: bool,
    level: float = 0.95,
    n_resamples: int = 10_000,
) -> MeanDifference:
    """Compare the means of two samples of scenes at every column.

    Pass `paired=True` where both have the same scenes in the same order: intervals then come from
    the bootstrap of each scene's difference, the test from its sign flips. Otherwise the samples
    must be independent; each is redrawn on its own, for the intervals and for the test (Welch's t,
    so that sizes and spreads may differ). Columns of a scene are redrawn and flipped together.

    Raises ValueError where paired samples differ in scenes or columns, and where
    `cluster_bootstrap` and `welch_max_t` do. Source: Davison & Hinkley (1997), Bootstrap
    Methods and their Application, sections 2.4 and 3.2, and the sources of these two functions.

    >>> rng = np.random.default_rng(0)
    >>> first, second = rng.normal(0, 1, (50, 1)), rng.normal(2, 1, (80, 1))
    >>> found = mean_difference(first, second, rng=rng, paired=False, n_resamples=999)
    >>> found.estimate.round(1).tolist(), found.p.tolist()
    ([1.9], [0.001])
    """
    level = probability(level, name="level")
    n_resamples = resamples_for_interval(n_resamples, level)
    one = finite_array(first, name="first", axes=["scene", "column"])
    two = finite_array(second, name="second", axes=["scene", "column"])
    if paired and one.shape != two.shape:
        raise ValueError(
            f"`second` must have the scenes and columns of `first` {one.shape} to be paired, got "
            f"{two.shape}: keep the shared scenes, or pass paired=False"
        )
    if paired:
        difference = two - one
        interval = cluster_bootstrap(
            difference, np.arange(len(one)), rng=rng, n_resamples=n_resamples, level=level
        )
        low, high = interval.low, interval.high
        test = sign_flip_max_t(difference, rng=rng, n_resamples=n_resamples, tail="two-sided")
    else:
        for name, table in (("first", one), ("second", two)):
            enough_scenes(len(table), name=name)
        everything = (0, one.shape[1] - 1)
        test = welch_max_t(
            one, two, rng=rng, window=everything, n_resamples=n_resamples, tail="two-sided"
        )
        drawn_one, drawn_two = (
            plausible_curves(canonical_order(table), rng=rng, n_resamples=n_resamples)
            for table in (one, two)
        )
        tails = [(1 - level) / 2, (1 + level) / 2]
        low, high = np.quantile(drawn_two - drawn_one, tails, axis=0)
    return MeanDifference(
        estimate=two.mean(axis=0) - one.mean(axis=0),
        low=low,
        high=high,
        p=test.p,
        omnibus_p=test.omnibus_p,
        level=level,
        paired=paired,
        n_scenes=(len(one), len(two)),
        n_resamples=n_resamples,
    )
