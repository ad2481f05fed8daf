"""Do probabilities mean what they say? Expected calibration error and Brier score."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.special import ndtri
from scipy.stats import rankdata
from scipy.stats import t as student

from stats.arguments import enough_scenes, finite_array, resamples_for_interval
from stats.arguments import probability as share_between_0_and_1
from stats.cluster_sums import cluster_sums, truths
from stats.estimate import Estimate
from stats.resampling import weight_chunks
from stats.scenes import Labels, codes
from stats.smooth_functions import interval_of_means

_LABELS_PER_CHUNK = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How far stated probabilities lie from the shares that come true.

    >>> said, right = np.full(4, 0.9), np.array([True, True, False, False])
    >>> rng = np.random.default_rng(0)
    >>> found = calibration(said, right, range(4), rng=rng, n_resamples=99)
    >>> round(found.ece.value, 2), round(found.brier.value, 2)  # Says .9 where .5 are right.
    (0.4, 0.41)
    """

    ece: Estimate
    """Expected calibration error: the mean, over items, of how far their bin's mean probability
    lies from its share of right answers. The estimate is biased upwards, see `ece_if_calibrated`;
    the interval is corrected for it, so that it may begin at 0."""
    ece_if_calibrated: float
    """The mean estimate of the error for answers that come true with just the stated probabilities,
    independently of each other: what the estimate is if there is no error."""
    brier: Estimate
    """Mean squared distance of the probability from 1 where right, from 0 where wrong."""
    bin_probability: Float[ndarray, " bin"]
    """Mean probability of the items of each bin, in rising order."""
    bin_right: Float[ndarray, " bin"]
    """Share of right answers among them."""
    bin_items: Int[ndarray, " bin"]
    """Number of items of each bin; bins without items, as ties make them, are left out."""
    level: float
    """Nominal coverage of each interval."""
    n_clusters: int
    """Number of clusters, which were redrawn as wholes."""
    n_items: int
    """Number of items, the rows that were given."""
    n_resamples: int
    """How often clusters, and how often labels, were drawn."""


def calibration(
    probability: Float[ndarray, " item"],
    right: Bool[ndarray, " item"],
    clusters: Labels,
    *,
    rng: np.random.Generator,
    n_bins: int = 15,
    n_resamples: int = 10_000,
    level: float = 0.95,
) -> Calibration:
    """Estimate calibration error and Brier score, with intervals from redrawn clusters.

    Bins hold equal numbers of items in order of probability; items with the same probability share
    a bin. They are taken as given: the error is that of the probabilities as these bins show it.
    Every item counts alike. Assumption: clusters are independent draws.

    The error is a sum of absolute values and so biased upwards, most where there is none; its
    bootstrap is so twice. Hence its interval begins at 0 if no error need be assumed: if the
    estimate is no larger than what the resamples' absolute deviations come to, in all but
    (1 - level) / 2 of them. Otherwise it begins as far below the estimate, less its bias, as
    Student's t of the resamples' spread says. It ends as far above the estimate, which is rather
    too large, as the spread over clusters says, the signs of the bins' errors being those found. At
    level .95 it covers .935 or more for 50 to 500 clusters of 4 items, without error and with
    errors of .01 to .14; percentiles cover 0 without error, the basic bootstrap .4.

    Raises ValueError for probabilities outside [0, 1] or not finite, for `right` that is not true
    or false, for fewer than 2 clusters or 1 bin, and for fewer resamples than the level needs.
    Source:
    Naeini, Cooper & Hauskrecht (2015), AAAI; equal-mass bins and bias: Roelofs et al. (2022),
    arXiv:2012.08668; labels from the probabilities: Broecker & Smith (2007), Weather Forecast.
    22:651; the score: Brier (1950), Mon. Weather Rev. 78:1.

    >>> rng = np.random.default_rng(0)
    >>> said = rng.random(4000)
    >>> right = rng.random(4000) < said
    >>> found = calibration(said, right, np.arange(4000), rng=rng, n_resamples=199)
    >>> found.ece.low, bool(found.ece.value < 1.5 * found.ece_if_calibrated)
    (0.0, True)
    """
    said = finite_array(probability, name="probability", axes=["item"])
    if said.min() < 0 or said.max() > 1:
        raise ValueError(
            f"`probability` must lie in [0, 1], got {said.min()} to {said.max()}: pass the "
            "probability that the answer is right"
        )
    is_right = truths(right, said.shape, name="right")
    cluster = codes(clusters, len(said), name="clusters")
    enough_scenes(int(cluster.max()) + 1, name="clusters")
    level = share_between_0_and_1(level, name="level")
    n_resamples = resamples_for_interval(n_resamples, level)
    members = _bins(said, n_bins)
    counts = members.sum(axis=0)
    sums = cluster_sums(members * (said - is_right)[:, None], cluster)
    sizes = np.bincount(cluster).astype(float)
    chunks = weight_chunks(len(sizes), n_resamples, rng=rng)
    gaps = np.concatenate([weights @ sums / (weights @ sizes)[:, None] for weights in chunks])
    squares = cluster_sums(np.square(said - is_right)[:, None], cluster)
    brier = interval_of_means(
        lambda means: means[0] / means[1], np.stack([squares, sizes[:, None]]),
        rng=rng, n_resamples=n_resamples, level=level,
    )  # fmt: skip
    return Calibration(
        ece=_error(sums, sizes, gaps, level),
        ece_if_calibrated=_error_of_drawn_labels(said, members, rng, n_resamples),
        brier=Estimate(value=brier.estimate.item(), low=brier.low.item(), high=brier.high.item()),
        bin_probability=said @ members / counts,
        bin_right=is_right @ members / counts,
        bin_items=counts.astype(int),
        level=level,
        n_clusters=len(sizes),
        n_items=len(said),
        n_resamples=n_resamples,
    )


def _bins(said: Float[ndarray, " item"], n_bins: int) -> Float[ndarray, "item bin"]:
    """1 for the bin that an item is in, in rising order of probability, and 0 for the others."""
    if int(n_bins) != n_bins or n_bins < 1:
        raise ValueError(f"`n_bins` must be a whole number of at least 1, got {n_bins}: take 15")
    numbers = ((rankdata(said) - 0.5) / len(said) * n_bins).astype(int)
    return (numbers[:, None] == np.unique(numbers)).astype(float)


def _error(
    sums: Float[ndarray, "cluster bin"],
    sizes: Float[ndarray, " cluster"],
    gaps: Float[ndarray, "draw bin"],
    level: float,
) -> Estimate:
    """The calibration error and its interval; `gaps` are the bins' errors in the resamples."""
    n, gap = len(sizes), sums.sum(axis=0) / sizes.sum()
    value, drawn = float(np.abs(gap).sum()), np.abs(gaps).sum(axis=1)
    few = float(np.sqrt(n / (n - 1)))
    reach = float(student.ppf((1 + level) / 2, n - 1))
    deviations = np.abs(gaps - gap).sum(axis=1)
    by_chance = np.quantile(deviations, (1 + level) / 2) * few * reach / ndtri((1 + level) / 2)
    low = 0.0
    if value > by_chance:
        low = max(0.0, 2 * value - float(drawn.mean()) - reach * few * float(drawn.std()))
    rows = (sums @ np.sign(gap) - value * sizes) / sizes.mean()
    spread = float(rows.std(ddof=1) / np.sqrt(n))
    return Estimate(value=value, low=min(low, value), high=min(1.0, value + reach * spread))


def _error_of_drawn_labels(
    said: Float[ndarray, " item"],
    members: Float[ndarray, "item bin"],
    rng: np.random.Generator,
    n_draws: int,
) -> float:
    """The mean calibration error of labels that are drawn with the probabilities that were said."""
    rows = max(1, _LABELS_PER_CHUNK // len(said))
    total = 0.0
    for start in range(0, n_draws, rows):
        drawn = rng.random((min(rows, n_draws - start), len(said))) < said
        total += float(np.abs(drawn @ members - said @ members).sum())
    return total / (n_draws * len(said))
