"""By how much do two runs differ in the mean, column by column: on shared scenes, or on others."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from stats.arguments import enough_scenes, finite_array, probability, resamples_for_interval
from stats.bootstrap import cluster_bootstrap
from stats.half_crossing import plausible_curves
from stats.scenes import canonical_order
from stats.sign_flip import sign_flip_max_t
from stats.two_sample import two_sample_max_t


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanDifference:
    """Mean of the second minus mean of the first, in the unit of the values."""

    estimate: Float[ndarray, " column"]
    low: Float[ndarray, " column"]
    """Lower end, per column, each at `level` (not simultaneous)."""
    high: Float[ndarray, " column"]
    """Upper end."""
    p: Float[ndarray, " column"]
    """Two-sided, adjusted over the columns by the maximum statistic; never 0."""
    omnibus_p: float
    """For "no difference anywhere": the smallest of `p`."""
    level: float
    """Nominal coverage of each interval."""
    paired: bool
    """The rows of both were the same scenes."""
    n_scenes: tuple[int, int]
    """Scenes of the first and of the second."""
    n_resamples: int
    """Redraws of all scenes; sign flips or permutations of the test."""


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

    `paired` where both have the same scenes in the same order: intervals then come from the
    bootstrap of each scene's difference, the test from its sign flips. Otherwise the samples must
    be independent; each is redrawn on its own, and the test permutes their labels. Columns of a
    scene are redrawn, flipped and permuted together.

    Raises ValueError where paired samples differ in scenes, and as `cluster_bootstrap` and
    `two_sample_max_t`. Source: Davison & Hinkley (1997), sections 2.4 and 3.2; and as these two.
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
        test = two_sample_max_t(one, two, rng=rng, n_resamples=n_resamples)
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
