"""Yes/no answers taken apart: what is told, and how readily yes is said (signal detection)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.special import ndtri

from stats.arguments import enough_scenes, probability, resamples_for_interval
from stats.cluster_sums import cluster_sums, truths, two_kinds
from stats.scenes import Labels, codes
from stats.shares import ClusterShare, cluster_share
from stats.smooth_functions import Interval, Moments, interval_of_means


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalDetection:
    """How well, and with what preference, each column says yes where something is present.

    >>> present = np.tile([True, False], 20)
    >>> said_yes = np.column_stack([present, np.ones(40, dtype=bool)])
    >>> rng = np.random.default_rng(0)
    >>> found = signal_detection(said_yes, present, np.repeat(range(20), 2), rng=rng)
    >>> found.accuracy.estimate.tolist(), found.yes_share.estimate.tolist()
    ([1.0, 0.5], [0.5, 1.0])
    >>> found.d_prime.estimate.round(2).tolist()  # Finite, and 0 for who always says yes.
    [3.96, 0.0]
    """

    hit_rate: ClusterShare
    """Share of yes where it is present."""
    false_alarm_rate: ClusterShare
    """Share of yes where it is absent."""
    yes_share: ClusterShare
    """Share of yes among all items."""
    accuracy: ClusterShare
    """Share of right answers among all items."""
    d_prime: Interval
    """Distance of present from absent, in standard deviations of normal evidence: z(hit rate) -
    z(false-alarm rate), of corrected rates; 0 where answers do not tell."""
    criterion: Interval
    """-(z(hit rate) + z(false-alarm rate)) / 2 in the same unit: below 0 where yes is preferred."""
    level: float
    """Nominal coverage of each interval."""
    n_present: int
    """Number of items where it is present."""
    n_absent: int
    """Number of items where it is absent."""
    n_clusters: int
    """Number of clusters, the units that were sampled."""


def signal_detection(
    said_yes: Bool[ndarray, "item column"],
    present: Bool[ndarray, " item"],
    clusters: Labels,
    *,
    rng: np.random.Generator,
    n_resamples: int = 10_000,
    level: float = 0.95,
) -> SignalDetection:
    """Estimate rates, sensitivity d' and criterion c of yes/no answers, for items in clusters.

    A rate is the mean over the clusters that hold such items of a cluster's own rate, with the
    interval of `cluster_share`, which is never empty and stays in [0, 1] (a bootstrap of a share
    near 1 does not cover). d' and c come from the same rates, each moved away from 0 and 1 as if
    half an item had been added to its yes and half to its no (log-linear correction). So they are
    finite, and drawn towards 0 by little; their intervals redraw clusters (`interval_of_means`).
    A column that always gives the same answer has d' = 0 without an interval to speak of: nothing
    is known of what it tells.

    Assumption: clusters are independent draws; for d' to be free of the criterion, evidence is
    normal with equal spreads. Raises ValueError for answers or labels that are not true or false,
    unless at least 2 clusters hold a present item and 2 an absent one, and for fewer resamples than
    the level needs. Source: Macmillan & Creelman (2005), Detection Theory, chapters 1 and 2; the
    correction: Hautus (1995), Behav. Res. Methods 27:46.

    >>> said_yes = np.array([[True], [False], [True], [True]])
    >>> present, rng = np.array([True, False, True, False]), np.random.default_rng(0)
    >>> found = signal_detection(said_yes, present, ["a", "a", "b", "b"], rng=rng, n_resamples=99)
    >>> found.d_prime.estimate.round(3).tolist()  # z(2.5 / 3) - z(1.5 / 3).
    [0.967]
    """
    label = two_kinds(
        present, len(np.asarray(present)), name="present", kinds=("present", "absent")
    )
    columns = np.asarray(said_yes).shape[-1] if np.ndim(said_yes) else 0
    yes = truths(said_yes, (len(label), columns), name="said_yes")
    cluster = codes(clusters, len(label), name="clusters")
    level = probability(level, name="level")
    n_resamples = resamples_for_interval(n_resamples, level)
    for kind, name in ((label, "present"), (~label, "absent")):
        enough_scenes(len(np.unique(cluster[kind])), name="clusters", why=f" with a {name} item")
    answers = yes.astype(float)
    hit_rate, false_alarm_rate = (
        cluster_share(answers[kind], cluster[kind], level=level) for kind in (label, ~label)
    )
    sensitivity, criterion = _from_rates(
        answers, label, cluster, rng=rng, n_resamples=n_resamples, level=level
    )
    right = (yes == label[:, None]).astype(float)
    return SignalDetection(
        hit_rate=hit_rate,
        false_alarm_rate=false_alarm_rate,
        yes_share=cluster_share(answers, cluster, level=level),
        accuracy=cluster_share(right, cluster, level=level),
        d_prime=sensitivity,
        criterion=criterion,
        level=level,
        n_present=int(label.sum()),
        n_absent=int((~label).sum()),
        n_clusters=int(cluster.max()) + 1,
    )


def _from_rates(
    answers: Float[ndarray, "item column"],
    present: Bool[ndarray, " item"],
    cluster: Int[ndarray, " item"],
    *,
    rng: np.random.Generator,
    n_resamples: int,
    level: float,
) -> tuple[Interval, Interval]:
    """d' and c with their intervals, from the same resamples."""
    parts = []
    for kind in (present, ~present):
        items = cluster_sums(kind[:, None].astype(float), cluster)
        rates = cluster_sums(answers * kind[:, None], cluster) / np.maximum(items, 1)
        parts += [rates, np.broadcast_to(items > 0, rates.shape).astype(float)]
    numbers = int(present.sum()), int((~present).sum())
    n_columns = answers.shape[1]

    def both(means: Moments) -> Float[ndarray, "draw statistic"]:
        """d' of all columns, then c of all columns."""
        hits, false_alarms = (
            ndtri(_corrected(means[first], means[first + 1], number))
            for first, number in zip((0, 2), numbers, strict=True)
        )
        return np.hstack([hits - false_alarms, -(hits + false_alarms) / 2])

    found = interval_of_means(both, np.stack(parts), rng=rng, n_resamples=n_resamples, level=level)
    halves = (slice(0, n_columns), slice(n_columns, None))
    first, second = (
        Interval(estimate=found.estimate[half], low=found.low[half], high=found.high[half],
                 level=level, n_scenes=found.n_scenes)
        for half in halves
    )  # fmt: skip
    return first, second


def _corrected(
    rate: Float[ndarray, "draw column"], holding: Float[ndarray, "draw column"], n_items: int
) -> Float[ndarray, "draw column"]:
    """The mean rate of the clusters that hold such items, with half an item added to either side.

    A resample that holds none of them has the rate 1/2."""
    mean = np.divide(rate, holding, out=np.full_like(rate, 0.5), where=holding > 0)
    return (np.clip(mean, 0, 1) * n_items + 0.5) / (n_items + 1)
