"""Does a method tell two kinds of items apart better than the baseline, worse, or alike?"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.stats import t as student

from stats.arguments import enough_scenes, finite_array, positive, probability
from stats.cluster_t import two_sided_p
from stats.equivalence import equivalence
from stats.multiplicity import adjusted_p

# Placements are rounded; real differences between areas are far larger than this.
_ROUNDING = 1e-11


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaDifference:
    """Each method's area minus the baseline's, on the same items.

    >>> rows = np.array([[0.8], [0.9], [0.7]])
    >>> found = area_difference(rows, rows)
    >>> found.estimate.tolist(), found.p.tolist(), found.equivalent.tolist()
    ([0.0], [1.0], [True])
    """

    estimate: Float[ndarray, " method"]
    """The difference, a probability: above 0 where the method is better."""
    low: Float[ndarray, " method"]
    """Lower end of the interval, each method alone at `level` (not simultaneous)."""
    high: Float[ndarray, " method"]
    """Upper end of the interval, likewise."""
    p: Float[ndarray, " method"]
    """Two-sided p-value for "no difference", each method alone; never 0."""
    adjusted_p: Float[ndarray, " method"]
    """The same, adjusted over all methods by Holm."""
    p_equivalence: Float[ndarray, " method"]
    """P-value for "the difference lies outside the margins", each method alone."""
    equivalent: Bool[ndarray, " method"]
    """Whether the difference is shown to lie within the margins, each method alone."""
    margin: float
    """Least difference that matters."""
    level: float
    """Nominal coverage of each interval, and 1 minus the probability of a false equivalence."""
    n_clusters: int
    """Number of clusters, the units that were sampled."""


def area_difference(
    rows_a: Float[ndarray, "cluster method"],
    rows_b: Float[ndarray, "_cluster _method"],
    *,
    margin: float = 0.01,
    level: float = 0.95,
) -> AreaDifference:
    """Compare the areas of methods with the baseline's, from the pseudo-values of each cluster.

    `rows_a` and `rows_b` are `ClusteredArea.rows` of the methods and of the baseline, for the same
    items; `rows_b` has one column, or one for each method. Their difference is the method's area
    minus the baseline's with its error, however both are correlated. Interval and test are those of
    Student's t over clusters, which are independent draws; equivalence is that of `equivalence`,
    two one-sided tests, which need no adjustment as long as each method is a claim of its own. At
    level .95 the interval covers .94-.96 with 50 to 500 clusters of 4 items, and .92 where an area
    of .97 rises to .99 with 50.

    A method whose scores have the same order as the baseline's, such as a constant shift of them,
    has identical rows: the difference is exactly 0 with the interval [0, 0], p = 1, p of
    equivalence 0, and it is equivalent. Where all clusters differ by the same amount (perfect
    separation against none) there is no spread to go by; the interval is that amount, and p is
    2^(1 - clusters), what as many signs can say.

    Raises ValueError for fewer than 2 clusters, for values that are not finite, for rows of other
    clusters or methods, and for a margin that is not positive. Source: DeLong, DeLong &
    Clarke-Pearson (1988), Biometrics 44:837; Obuchowski (1997), Biometrics 53:567; Holm (1979),
    Scand. J. Stat. 6:65.

    >>> rng = np.random.default_rng(0)
    >>> baseline = rng.normal(0.8, 0.2, (400, 1))
    >>> methods = baseline + rng.normal([0.0, 0.05], 0.05, (400, 2))
    >>> found = area_difference(methods, baseline, margin=0.01)
    >>> found.equivalent.tolist(), (found.adjusted_p <= 0.05).tolist()
    ([True, False], [False, True])
    """
    methods = finite_array(rows_a, name="rows_a", axes=["cluster", "method"])
    baseline = finite_array(rows_b, name="rows_b", axes=["cluster", "method"])
    n_clusters = len(methods)
    if len(baseline) != n_clusters or baseline.shape[1] not in (1, methods.shape[1]):
        raise ValueError(
            f"`rows_b` must hold the {n_clusters} clusters of `rows_a` and one column, or one for "
            f"each method ({methods.shape[1]}), got shape {baseline.shape}: take both from the "
            "same items"
        )
    enough_scenes(n_clusters, name="rows_a")
    margin, level = positive(margin, name="margin"), probability(level, name="level")
    difference = methods - baseline
    difference[:, np.abs(difference).max(axis=0) <= _ROUNDING] = 0.0
    alike = np.ptp(difference, axis=0) <= _ROUNDING
    difference[:, alike] = difference[0, alike]
    estimate = difference.mean(axis=0)
    error = np.where(alike, 0.0, difference.std(axis=0, ddof=1) / np.sqrt(n_clusters))
    reach = student.ppf((1 + level) / 2, n_clusters - 1) * error
    p = two_sided_p(estimate, error, n_clusters)
    same = equivalence(difference, margin=margin, level=level)
    return AreaDifference(
        estimate=estimate,
        low=estimate - reach,
        high=estimate + reach,
        p=p,
        adjusted_p=adjusted_p(p),
        p_equivalence=same.p,
        equivalent=same.equivalent,
        margin=margin,
        level=level,
        n_clusters=n_clusters,
    )
