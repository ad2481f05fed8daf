"""Where does the difference between two groups of scenes emerge?

The outcome, the crossing and the sets are those for one group of effects (`stats.emergence`), here
for scenes that are not paired.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.stats import t as student_t

from stats.arguments import enough_scenes, finite_array
from stats.bootstrap import STUDENTIZED_BELOW
from stats.emergence import Emergence, emergence_layer
from stats.half_crossing import crossing_of
from stats.resampling import resampled_means
from stats.scenes import canonical_order


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoSampleEmergence:
    """The difference of means by layer, and where it emerges.

    >>> rng = np.random.default_rng(0)
    >>> first = rng.normal([0, 0, 1, 1, 1], 0.1, (30, 5))
    >>> second = rng.normal(0, 0.1, (20, 5))
    >>> found = two_sample_emergence(
    ...     first, second, rng=rng, margin=0.1, omnibus_p=0.001, n_resamples=199
    ... )
    >>> found.estimate[2:].round(1).tolist()
    [1.0, 1.0, 1.0]
    """

    emergence: Emergence
    """What `emergence_layer` gives for one group, here of the difference. The intervals of
    `lambda_half` and `layer` come from redrawing both groups."""
    estimate: Float[ndarray, " layer"]
    """Mean of the first group minus that of the second, in the unit of the effects."""
    low: Float[ndarray, " layer"]
    """Lower end of the interval from redrawing both groups, each layer alone."""
    high: Float[ndarray, " layer"]
    """Upper end of that interval."""


def two_sample_emergence(
    first: Float[ndarray, "first layer"],
    second: Float[ndarray, "second layer"],
    *,
    rng: np.random.Generator,
    margin: float,
    omnibus_p: float,
    plateau: Sequence[int] | None = None,
    horizon: int | None = None,
    level: float = 0.95,
    n_resamples: int = 10_000,
    other_plateau_p: float | None = None,
) -> TwoSampleEmergence:
    """Estimate where the difference of means of two independent groups of scenes emerges.

    The arguments are those of `emergence_layer`. `omnibus_p` is the p-value of a test of "no
    difference at any layer" (`welch_max_t`), and `other_plateau_p` that of another test that the
    plateau must pass as well. Each group is redrawn for itself. The interval of each layer stands
    alone; those of `emergence`, and its sets, are as `Emergence` says. Outcome and sets come from
    one-sample tests of `pseudo_effects`, whose mean is the difference and whose standard error is
    that of two unequal variances, with the degrees of freedom of the smaller group: these
    never reject too often where means are normal, however unequal sizes and variances are.

    Raises ValueError where `emergence_layer` does, and for fewer than 2 scenes in a group. Source
    of the degrees of freedom: Mickey & Brown (1966), Ann. Math. Stat. 37:639; of the bootstrap:
    Davison & Hinkley (1997), section 3.2.

    >>> rng = np.random.default_rng(0)
    >>> first = rng.normal([0, 0, 1, 1, 1], 0.1, (30, 5))
    >>> second = rng.normal(0, 0.1, (20, 5))
    >>> found = two_sample_emergence(
    ...     first, second, rng=rng, margin=0.1, omnibus_p=0.001, n_resamples=199
    ... )
    >>> found.emergence.outcome, found.emergence.layer.estimate
    ('emerged', 2)
    """
    one = canonical_order(finite_array(first, name="first", axes=["first", "layer"]))
    two = canonical_order(finite_array(second, name="second", axes=["second", "layer"]))
    for table, name in ((one, "first"), (two, "second")):
        enough_scenes(len(table), name=name)
    found = emergence_layer(
        pseudo_effects(one, two, level=level),
        rng=rng,
        margin=margin,
        plateau=plateau,
        horizon=horizon,
        level=level,
        n_resamples=n_resamples,
        omnibus_p=omnibus_p,
        other_plateau_p=other_plateau_p,
    )
    curves = _plausible_differences(one, two, rng=rng, n_resamples=n_resamples)
    difference = one.mean(axis=0) - two.mean(axis=0)
    if found.lambda_half is not None:
        window = slice(found.plateau[0], found.plateau[1] + 1)
        upto = found.horizon + 1
        crossing, layer = crossing_of(
            difference[:upto], curves[:, :upto], plateau=window, level=found.level
        )
        found = replace(found, lambda_half=crossing, layer=layer)
    low, high = np.quantile(curves, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return TwoSampleEmergence(emergence=found, estimate=difference, low=low, high=high)


def pseudo_effects(
    first: Float[ndarray, "first layer"], second: Float[ndarray, "second layer"], *, level: float
) -> Float[ndarray, "scene layer"]:
    """One row per scene of both groups, whose mean is the difference of the groups' means.

    Their standard error is Welch's, the root of s1^2/n1 + s2^2/n2, for every linear function of
    the layers, times a factor. The factor is the t quantile at `level` of the smaller group's
    degrees of freedom over that of all scenes', so that a t test of the rows is one with the
    smaller group's degrees of freedom.

    >>> first, second = np.array([[1.0], [3.0]]), np.array([[0.0], [1.0], [2.0]])
    >>> rows = pseudo_effects(first, second, level=0.95)
    >>> rows.shape, rows.mean(axis=0).round(6).tolist()
    ((5, 1), [1.0])
    """
    n_first, n_second = len(first), len(second)
    n = n_first + n_second
    upper = (1 + level) / 2
    smaller = student_t.ppf(upper, min(n_first, n_second) - 1)
    wider = float(smaller / student_t.ppf(upper, n - 1))

    def spread_out(
        group: Float[ndarray, "group layer"], sign: int
    ) -> Float[ndarray, "group layer"]:
        size = len(group)
        share = np.sqrt(n * (n - 1) / (size * (size - 1)))
        return sign * wider * share * (group - group.mean(axis=0))

    rows = np.concatenate([spread_out(first, 1), spread_out(second, -1)])
    return rows + (first.mean(axis=0) - second.mean(axis=0))


def _plausible_differences(
    first: Float[ndarray, "first layer"],
    second: Float[ndarray, "second layer"],
    *,
    rng: np.random.Generator,
    n_resamples: int,
) -> Float[ndarray, "resample layer"]:
    """Difference curves that the scenes could as well have come from, both groups redrawn.

    From 200 scenes per group on they are the differences of the redrawn groups. Below, they are
    bootstrap-t: the observed difference moved back by each resample's own t, in the sample's
    standard error.
    """
    difference = first.mean(axis=0) - second.mean(axis=0)
    drawn, variance, error = np.zeros((1, 1)), np.zeros((1, 1)), np.zeros(1)
    for sign, group in ((1, first), (-1, second)):
        size, n_layers = group.shape
        centred = group - group.mean(axis=0)
        both = np.hstack([centred, np.square(centred)])
        means = resampled_means(both, rng=rng, n_resamples=n_resamples)
        deviation, square = means[:, :n_layers], means[:, n_layers:]
        drawn = drawn + sign * deviation
        variance = variance + np.maximum(square - deviation**2, 0) / (size - 1)
        error = error + group.var(axis=0, ddof=1) / size
    if min(len(first), len(second)) >= STUDENTIZED_BELOW:
        return difference + drawn
    # A redraw without spread has no t of its own: the sample's error stands in.
    own = np.where(variance > 1e-10 * error, variance, np.where(error > 0, error, 1.0))
    return difference - np.sqrt(error) * drawn / np.sqrt(own)
