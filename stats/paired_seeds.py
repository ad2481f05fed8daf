"""Does a treatment of the training change a number, over the seeds of the training?

Two models that were trained with the same seed, one treated and one plain, differ by the treatment
and by chance of the training. So a claim about the treatment has seeds as its units: a thousand
scenes of one seed are still one. All models see the same scenes, whose errors they share.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.stats import norm
from scipy.stats import t as student

from stats.arguments import enough_scenes, finite_array, positive, probability
from stats.random_effects import PooledMean, p_not_above, random_effects

_LEAST_STEP = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class EachDifference:
    """The difference within each seed, whose unit is that of the rows.

    >>> found = each_difference(np.array([[0.5, 0.7]]), np.array([[0.5, 0.5]]))
    >>> found.estimate.round(2).tolist(), bool(found.low[0] < found.high[0])
    ([0.1], True)
    """

    estimate: Float[ndarray, " seed"]
    """Mean over the clusters, treated minus plain."""
    low: Float[ndarray, " seed"]
    """Lower end of the interval over clusters, for the two models of this seed alone."""
    high: Float[ndarray, " seed"]
    """Upper end of it."""
    covariance: Float[ndarray, "seed seed"]
    """Of the errors that the clusters leave in the estimates."""
    level: float
    """Nominal coverage of each interval alone."""
    n_clusters: int
    """Number of clusters, the units that were sampled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedDifference:
    """The difference over seeds: of all trainings of which these are a sample.

    >>> plain = np.random.default_rng(0).normal(0.5, 0.1, (3, 40))
    >>> found = seed_difference(plain + np.array([[0.2], [0.21], [0.19]]), plain)
    >>> round(found.pooled.mean, 2), found.p < 0.05, found.equivalent
    (0.2, True, False)
    """

    pooled: PooledMean
    """The mean over seeds with its interval, which holds the spread of the seeds (Hartung-Knapp, a
    degree of freedom for each seed but one) and the errors that they share."""
    p: float
    """Two-sided p-value for "the mean is 0", the larger one of the weighted and the unweighted
    mean."""
    p_equivalence: float
    """P-value for "the mean lies outside of the margins", likewise the larger one."""
    equivalent: bool
    """Whether the mean is shown to lie within the margins, at 1 - `level`."""
    tau: float
    """Standard deviation between seeds of the true difference (Paule-Mandel)."""
    margin: float
    """Least difference that matters."""
    level: float
    """Nominal coverage of the interval, and 1 minus the probability of a false equivalence."""
    n_seeds: int
    """Number of seeds, the units."""


def each_difference(
    treated: Float[ndarray, "seed cluster"],
    plain: Float[ndarray, "_seed _cluster"],
    *,
    level: float = 0.95,
) -> EachDifference:
    """The difference of two models with the same seed, for each seed, by Student's t over clusters.

    A row holds values of which the mean is the model's number: shares of clusters, or the
    pseudo-values of an area. Models answer the same questions, so rows differ cluster by cluster,
    and errors of different seeds correlate. A variance is at least what a single cluster brings in
    which the two differ by half a unit: models that agree on all of the sampled clusters may yet
    differ on the next.

    Raises ValueError for fewer than 2 clusters, for values that are not finite and for rows of
    other seeds or clusters. Source of the least variance: Agresti & Min (2005), Stat. Med. 24:729.

    >>> same = np.full((2, 50), 0.5)
    >>> found = each_difference(same, same)
    >>> found.estimate.tolist(), found.high.round(2).tolist()  # No difference seen, not none.
    ([0.0, 0.0], [0.02, 0.02])
    """
    one = finite_array(treated, name="treated", axes=["seed", "cluster"])
    two = finite_array(plain, name="plain", axes=["seed", "cluster"])
    if one.shape != two.shape:
        raise ValueError(
            f"`plain` must have the seeds and clusters of `treated` {one.shape}, got {two.shape}: "
            "take both from the same questions, and leave seeds out that only one has"
        )
    n_clusters = one.shape[1]
    enough_scenes(n_clusters, name="treated")
    level = probability(level, name="level")
    difference = one - two
    covariance = np.atleast_2d(np.cov(difference)) / n_clusters
    lacking = np.maximum(0, (_LEAST_STEP / n_clusters) ** 2 - np.diag(covariance))
    covariance = covariance + np.diag(lacking)
    estimate = difference.mean(axis=1)
    reach = student.ppf((1 + level) / 2, n_clusters - 1) * np.sqrt(np.diag(covariance))
    return EachDifference(
        estimate=estimate,
        low=estimate - reach,
        high=estimate + reach,
        covariance=covariance,
        level=level,
        n_clusters=n_clusters,
    )


def seed_difference(
    treated: Float[ndarray, "seed cluster"],
    plain: Float[ndarray, "_seed _cluster"],
    *,
    margin: float = 0.02,
    level: float = 0.95,
) -> SeedDifference:
    """The difference over seeds, with the seed as a random effect; see `stats.random_effects`.

    Assumes that true differences are normal over seeds. The errors within seeds are those of
    `each_difference`, with what the seeds have in common, because the scenes are the same. Where
    all seeds have the very same estimate there is no spread to go by; then the spread is taken that
    the scenes alone would leave (as in the modified interval of Hartung & Knapp). Equivalence is
    shown by two one-sided tests with the same errors.

    Raises ValueError for fewer than 2 seeds, for a margin that is not positive, and where
    `each_difference` does. Source: Hartung & Knapp (2001), Stat. Med. 20:1771; Röver, Knapp &
    Friede (2015), BMC Med. Res. Methodol. 15:99; Schuirmann (1987), J. Pharmacokin. Biopharm.
    15:657.

    >>> plain = np.random.default_rng(0).normal(0.9, 0.02, (3, 100))
    >>> noise = np.random.default_rng(1).normal(0, 0.02, (3, 100))
    >>> seed_difference(plain + noise, plain, margin=0.02).equivalent
    True
    """
    margin, level = positive(margin, name="margin"), probability(level, name="level")
    each = each_difference(treated, plain, level=level)
    if len(each.estimate) < 2:
        raise ValueError(
            f"`treated` needs at least 2 seeds, got {len(each.estimate)}: train with more seeds"
        )
    if np.ptp(each.estimate) == 0:
        both, tau = [_without_spread(each)], 0.0
    else:
        found = random_effects(each.estimate, each.covariance, level=level)
        both, tau = [found.weighted, found.unweighted], found.tau2**0.5
    p_equivalence = max(_p_outside(one, margin) for one in both)
    return SeedDifference(
        pooled=both[0],
        p=max(one.p for one in both),
        p_equivalence=p_equivalence,
        equivalent=p_equivalence <= 1 - level + 1e-12,
        tau=tau,
        margin=margin,
        level=level,
        n_seeds=len(each.estimate),
    )


def _p_outside(pooled: PooledMean, margin: float) -> float:
    """The larger p-value of both one-sided tests, each against one margin."""
    return max(p_not_above(pooled, -margin), 1 - p_not_above(pooled, margin))


def _without_spread(each: EachDifference) -> PooledMean:
    """The mean of equal estimates, with the spread that the errors within seeds would leave."""
    n_seeds = len(each.estimate)
    own = float(np.sqrt(np.trace(each.covariance))) / n_seeds
    shared = each.covariance.sum() - np.trace(each.covariance)
    common = float(np.sqrt(max(0.0, shared) / (n_seeds * (n_seeds - 1))))
    tail, mean = (1 - each.level) / 2, float(each.estimate[0])
    half = float(np.hypot(student.isf(tail, n_seeds - 1) * own, norm.isf(tail) * common))
    pooled = PooledMean(
        mean=mean, standard_error=own, shared_error=common, low=mean - half, high=mean + half,
        p=1.0, n_models=n_seeds,
    )  # fmt: skip
    above = p_not_above(pooled, 0.0)
    return PooledMean(
        mean=mean, standard_error=own, shared_error=common, low=mean - half, high=mean + half,
        p=min(1.0, 2 * min(above, 1 - above)), n_models=n_seeds,
    )  # fmt: skip
