"""Does a method do more than say yes less often? Compared with the baseline, merely shifted.

Of a model that says yes too often, subtracting a constant from every score makes the answers more
accurate without telling it anything. That placebo is what a method has to beat.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.stats import t as student

from stats.arguments import enough_scenes, probability, resamples_for_interval
from stats.cluster_sums import cluster_sums, ordered_scores, truths, two_kinds
from stats.cluster_t import two_sided_p
from stats.multiplicity import adjusted_p
from stats.ranked_items import RankedItems, marked_among
from stats.resampling import weight_chunks
from stats.scenes import Labels, codes

_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainstShift:
    """Each method's accuracy beside that of the baseline, shifted to say yes as often.

    >>> baseline, present = np.array([3.0, 2.0, 1.0, 0.0]), np.array([True, False, True, False])
    >>> methods = baseline[:, None] - 1.5
    >>> rng = np.random.default_rng(0)
    >>> found = against_constant_shift(
    ...     methods, methods > 0, baseline, present, range(4), rng=rng, n_resamples=99
    ... )
    >>> found.accuracy.tolist(), found.placebo_accuracy.tolist(), found.p.tolist()
    ([0.5], [0.5], [1.0])
    """

    yes_share: Float[ndarray, " method"]
    """Share of the items to which the method says yes."""
    accuracy: Float[ndarray, " method"]
    """Share of the items that it answers rightly."""
    placebo_accuracy: Float[ndarray, " method"]
    """The same of the baseline's scores, shifted by the one constant for which they say yes as
    often."""
    difference: Float[ndarray, " method"]
    """Accuracy less the placebo's: what the method adds to a shift."""
    low: Float[ndarray, " method"]
    """Lower end of the interval of the difference, each method alone (not simultaneous)."""
    high: Float[ndarray, " method"]
    """Upper end of the interval, likewise."""
    p: Float[ndarray, " method"]
    """Two-sided p-value for "no difference", each method alone; never 0."""
    adjusted_p: Float[ndarray, " method"]
    """The same, adjusted over all methods by Holm."""
    shift: Float[ndarray, " method"]
    """Median, over the items, of what the method adds to the baseline's score."""
    spread: Float[ndarray, " method"]
    """Median distance, over the items, of what it adds from the shift: 0 for a mere shift of at
    least half of the items."""
    level: float
    """Nominal coverage of each interval."""
    n_clusters: int
    """Number of clusters, which were redrawn as wholes."""
    n_resamples: int
    """How often all clusters were redrawn."""


def against_constant_shift(
    scores: Float[ndarray, "item method"],
    said_yes: Bool[ndarray, "item method"],
    baseline: Float[ndarray, " item"],
    present: Bool[ndarray, " item"],
    clusters: Labels,
    *,
    rng: np.random.Generator,
    n_resamples: int = 10_000,
    level: float = 0.95,
) -> AgainstShift:
    """Compare methods with the baseline's scores, shifted by a constant to say yes as often.

    The placebo says yes to the items with the highest baseline scores, as many as the method says
    yes to; at the threshold, items tied in the baseline's score say yes in the share that is
    needed. So both differ in hits only, and accuracy by twice the difference of the hits. Every
    item counts alike; clusters are independent draws. In each resample the threshold is found anew,
    from a weight per cluster and items that are sorted once. `scores` say how much of the method
    is a shift, and only the order of `baseline` counts for the rest; infinite ones are welcome.

    Interval and p-value are those of Student's t (clusters - 1 degrees of freedom) with the
    standard error that the resamples give, and so agree. In simulations at level .95, with 50 to
    500 clusters of 4 items, the interval of methods with noise of their own covers .92-.97; where
    there is no difference, one of either sign is found at .05 in .03-.065 of studies. Inverting
    percentiles finds as many, but p is never below 2 / (resamples + 1), which Holm over many
    methods needs, and percentiles themselves cover .38-.96. Where the method answers each item as
    the placebo does, such as a constant shift, the difference is 0 with the interval [0, 0], and p
    is 1. Where they differ in a handful of items the interval knows of no others, and may miss a
    difference of a fraction of an item in each thousand.

    Raises ValueError for missing scores, for answers or labels that are not true or false or of
    other items, for fewer than 2 clusters and for fewer resamples than the level needs. Source:
    Davison & Hinkley (1997), Bootstrap Methods and their Application, sections 3.8 and 5.3; Holm
    (1979), Scand. J. Stat. 6:65.

    >>> rng = np.random.default_rng(0)
    >>> present = np.tile([True, False], 200)
    >>> baseline, new = rng.normal(present[:, None], 1, (400, 2)).T
    >>> method = (baseline + new)[:, None]
    >>> found = against_constant_shift(
    ...     method, method > 1, baseline, present, np.arange(400), rng=rng, n_resamples=999
    ... )
    >>> bool(found.difference[0] > 0), bool(found.p[0] < 0.05)
    (True, True)
    """
    methods = ordered_scores(scores, name="scores", axes=("item", "method"))
    yes = truths(said_yes, methods.shape, name="said_yes")
    old = ordered_scores(baseline, name="baseline", axes=("item",))
    label = two_kinds(present, len(methods), name="present", kinds=("present", "absent"))
    if len(old) != len(methods):
        raise ValueError(
            f"`baseline` must hold one score per item ({len(methods)}), got {len(old)}: pass the "
            "scores of the same items, in the same row order"
        )
    cluster = codes(clusters, len(methods), name="clusters")
    n_clusters = int(cluster.max()) + 1
    enough_scenes(n_clusters, name="clusters")
    level = probability(level, name="level")
    n_resamples = resamples_for_interval(n_resamples, level)
    items = RankedItems.of(old, label, cluster)
    answers = _sums(yes, cluster), _sums(yes & label[:, None], cluster)
    difference = _gained(items, answers, np.ones((1, n_clusters)))[0]
    drawn = np.concatenate([
        _gained(items, answers, weights)
        for weights in weight_chunks(n_clusters, n_resamples, rng=rng)
    ])  # fmt: skip
    error = drawn.std(axis=0, ddof=1) * np.sqrt(n_clusters / (n_clusters - 1))
    reach = student.ppf((1 + level) / 2, n_clusters - 1) * error
    p = two_sided_p(difference, error, n_clusters)
    accuracy = (yes == label[:, None]).mean(axis=0)
    shift, spread = _shift_and_spread(methods, old)
    return AgainstShift(
        yes_share=yes.mean(axis=0), accuracy=accuracy, placebo_accuracy=accuracy - difference,
        difference=difference, low=difference - reach, high=difference + reach, p=p,
        adjusted_p=adjusted_p(p), shift=shift, spread=spread, level=level,
        n_clusters=n_clusters, n_resamples=n_resamples,
    )  # fmt: skip


def _sums(
    marked: Bool[ndarray, "item method"], cluster: Int[ndarray, " item"]
) -> Float[ndarray, "cluster method"]:
    return cluster_sums(marked.astype(float), cluster)


def _gained(
    items: RankedItems,
    answers: tuple[Float[ndarray, "cluster method"], Float[ndarray, "cluster method"]],
    weights: Float[ndarray, "draw cluster"],
) -> Float[ndarray, "draw method"]:
    """Accuracy less the placebo's in each draw; `answers` are the clusters' numbers of yes and
    of hits."""
    said, hits = (weights @ each for each in answers)
    above = items.counts(weights)
    gained = 2 * (hits - marked_among(above, said)) / above[0][:, -1:]
    # What interpolation between ties leaves of equal numbers is rounding, not a difference.
    return np.where(np.abs(gained) <= _ROUNDING, 0.0, gained)


def _shift_and_spread(
    methods: Float[ndarray, "item method"], baseline: Float[ndarray, " item"]
) -> tuple[Float[ndarray, " method"], Float[ndarray, " method"]]:
    """Median of what is added, and median distance from it; NaN where no item has finite scores."""
    shift, spread = np.full((2, methods.shape[1]), np.nan)
    for column, scores in enumerate(methods.T):
        finite = np.isfinite(scores) & np.isfinite(baseline)
        if finite.any():
            added = scores[finite] - baseline[finite]
            shift[column] = np.median(added)
            spread[column] = np.median(np.abs(added - shift[column]))
    return shift, spread
