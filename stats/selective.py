"""Selective prediction: how wrong are the answers if the least sure ones are withheld?"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.stats import t as student

from stats.arguments import enough_scenes, probability, resamples_for_interval
from stats.cluster_sums import ordered_scores, truths
from stats.estimate import Estimate
from stats.logit_interval import logit_interval
from stats.ranked_items import RankedItems, marked_among
from stats.resampling import weight_chunks
from stats.scenes import Labels, codes

COVERAGES = np.arange(1, 21) / 20
"""Coverages at which the risk is given: .05, .1, ... 1."""
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskCoverage:
    """The share of wrong answers among the surest ones, by how many are given.

    >>> wrong = np.array([False, False, True, False])
    >>> rng = np.random.default_rng(0)
    >>> found = risk_coverage(np.arange(4.0)[::-1], wrong, range(4), rng=rng, n_resamples=99)
    >>> found.risk[[9, 19]].tolist()  # Half of the answers, and all of them.
    [0.0, 0.25]
    """

    coverages: Float[ndarray, " coverage"]
    """Shares of the items that are answered, the surest first."""
    risk: Float[ndarray, " coverage"]
    """The share of wrong answers among those."""
    low: Float[ndarray, " coverage"]
    """Lower end of the interval, each coverage alone at `level` (not simultaneous)."""
    high: Float[ndarray, " coverage"]
    """Upper end of the interval, likewise."""
    area: Estimate
    """The mean risk over all numbers of answers, 1 to all (AURC): the less the better."""
    best_area: Estimate
    """The least mean risk that any order has with as many wrong answers: all of them last."""
    excess_area: Estimate
    """How much the order's mean risk exceeds the least one; 0 for perfect confidence."""
    at: Estimate
    """The risk at `coverage`."""
    coverage: float
    """The coverage that was asked for."""
    level: float
    """Nominal coverage of each interval."""
    n_clusters: int
    """Number of clusters, which were redrawn as wholes."""
    n_items: int
    """Number of items, the rows that were given."""
    n_resamples: int
    """How often all clusters were redrawn."""


def risk_coverage(
    confidence: Float[ndarray, " item"],
    wrong: Bool[ndarray, " item"],
    clusters: Labels,
    *,
    rng: np.random.Generator,
    coverage: float = 0.8,
    n_resamples: int = 10_000,
    level: float = 0.95,
) -> RiskCoverage:
    """Estimate the risk at each coverage and its mean, with intervals from redrawn clusters.

    Items are answered in falling order of confidence, of which only the order counts. Items tied
    in confidence enter together: the risk is its expectation over a random order among them, and so
    it is where a coverage lies between two numbers of items. Every item counts alike. Assumption:
    clusters are independent draws.

    Each resample is a weight per cluster, so that items are sorted once. Intervals are those of the
    logit scale, with the standard error that the resamples give and the quantile of Student's t:
    at level .95, with 60 and 200 clusters of 4 items, they cover .950 and .949 for the mean risk,
    .945 and .944 for the excess, and .955 and .959 for the risk at coverage .8, where percentiles
    of the same reach cover .941 and .943, .933 and .931, and .947 and .948, and are too low more
    often than too high. Where resamples have no spread or the value is 0, something unlike them
    may have a probability of up to 1 - ((1 - level) / 2)^(1 / m), m the number of clusters among
    the answered items; and the interval of a risk never ends closer to 0 or 1 than that.

    Raises ValueError for a missing confidence, for `wrong` that is not true or false, for a
    coverage that is not between 0 and 1, for fewer than 2 clusters and for fewer resamples than the
    level needs. Source: Geifman & El-Yaniv (2017), arXiv:1705.08500; the mean and the excess:
    Geifman, Uziel & El-Yaniv (2019), arXiv:1805.08206.

    >>> wrong, confidence = np.array([True, False, False]), np.array([0.9, 0.8, 0.7])
    >>> rng = np.random.default_rng(0)
    >>> found = risk_coverage(confidence, wrong, range(3), rng=rng, n_resamples=99)
    >>> round(found.area.value, 4), round(found.best_area.value, 4)  # (1 + 1/2 + 1/3) / 3, 1/9.
    (0.6111, 0.1111)
    """
    scores = ordered_scores(confidence, name="confidence", axes=("item",))
    mistaken = truths(wrong, scores.shape, name="wrong")
    cluster = codes(clusters, len(scores), name="clusters")
    n_clusters = int(cluster.max()) + 1
    enough_scenes(n_clusters, name="clusters")
    coverage, level = probability(coverage, name="coverage"), probability(level, name="level")
    n_resamples = resamples_for_interval(n_resamples, level)
    items, asked = RankedItems.of(scores, mistaken, cluster), np.append(COVERAGES, coverage)
    value = _measured(items, np.ones((1, n_clusters)), asked)[0]
    chunks = weight_chunks(n_clusters, n_resamples, rng=rng)
    drawn = np.concatenate([_measured(items, weights, asked) for weights in chunks])
    low, high = _ends(value, drawn, _clusters_answered(items, asked), n_clusters, level)
    at, area, best, excess = (
        Estimate(value=float(each), low=float(lower), high=float(upper))
        for each, lower, upper in zip(value[-4:], low[-4:], high[-4:], strict=True)
    )
    n = len(COVERAGES)
    return RiskCoverage(
        coverages=COVERAGES.copy(), risk=value[:n], low=low[:n], high=high[:n],
        area=area, best_area=best, excess_area=excess, at=at, coverage=coverage, level=level,
        n_clusters=n_clusters, n_items=len(scores), n_resamples=n_resamples,
    )  # fmt: skip


def _measured(
    items: RankedItems, weights: Float[ndarray, "draw cluster"], coverages: Float[ndarray, " share"]
) -> Float[ndarray, "draw _value"]:
    """For each draw the risk at each coverage, the mean risk, the least one and the excess."""
    given, mistaken = items.counts(weights)
    answered = coverages * given[:, -1:]
    risks = marked_among((given, mistaken), answered) / answered
    mean, least = _mean_risks(given, mistaken)
    excess = mean - least
    return np.column_stack([risks, mean, least, np.where(excess > _ROUNDING, excess, 0.0)])


def _ends(
    value: Float[ndarray, " value"],
    drawn: Float[ndarray, "draw value"],
    answered: Int[ndarray, " share"],
    n_clusters: int,
    level: float,
) -> tuple[Float[ndarray, " value"], Float[ndarray, " value"]]:
    """Ends of the intervals; the first values are risks, each of so many answered clusters."""
    error = drawn.std(axis=0, ddof=1) * np.sqrt(n_clusters / (n_clusters - 1))
    quantile = float(student.ppf((1 + level) / 2, n_clusters - 1))
    low, high = logit_interval(value, error, quantile=quantile)
    n_risks = len(answered)
    clusters = np.append(answered, np.full(len(value) - n_risks, n_clusters))
    unseen = 1 - ((1 - level) / 2) ** (1 / clusters)
    spread = (error > _ROUNDING) & (value > 0) & (value < 1)
    low = np.where(spread, low, value * (1 - unseen))
    high = np.where(spread, high, value + (1 - value) * unseen)
    low[:n_risks] = np.minimum(low, 1 - unseen)[:n_risks]
    high[:n_risks] = np.maximum(high, unseen)[:n_risks]
    return low, high


def _clusters_answered(
    items: RankedItems, coverages: Float[ndarray, " share"]
) -> Int[ndarray, " share"]:
    """The number of clusters among the items of each coverage, groups of ties as a whole."""
    first = np.unique(items.cluster, return_index=True)[1]
    needed = np.ceil(coverages * len(items.cluster) - 1e-9).astype(int)
    within = items.last[np.searchsorted(items.last, needed - 1)]
    return np.searchsorted(np.sort(first), within, side="right")


def _mean_risks(
    given: Int[ndarray, "draw edge"], mistaken: Int[ndarray, "draw edge"]
) -> tuple[Float[ndarray, " draw"], Float[ndarray, " draw"]]:
    """The mean over k = 1, ... all of the wrong share among the k surest, and the least possible.

    Between two edges a < b the expected number wrong is E_a + s (k - a). Over k it sums to
    s (b - a) + (E_a - s a) (H_b - H_a) with the harmonic numbers H.
    """
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, given[:, -1].max() + 1))])
    total, errors = given[:, -1], mistaken[:, -1]
    steps = np.diff(given, axis=1)
    share = np.diff(mistaken, axis=1) / np.maximum(steps, 1)
    share *= given[:, :-1]
    np.subtract(mistaken[:, :-1], share, out=share)
    share *= np.diff(harmonic[given], axis=1)
    right = total - errors
    least = errors - right * (harmonic[total] - harmonic[right])
    return (errors + share.sum(axis=1)) / total, least / total
