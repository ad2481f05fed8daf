"""How many pairs of scenes does it take to find that a method tells better than the baseline?"""

from dataclasses import dataclass

import numpy as np

from stats.arguments import positive
from stats.clustered_auc import clustered_area
from stats.power import scenes_to_detect
from stats.simulated_detection import DEFAULT_SHARES, NoiseShares, simulated_detection

_SIMULATED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaPower:
    """The number of clusters that a gain takes, and the spread that it follows from.

    >>> AreaPower(n_clusters=200, sd=0.2).n_scenes
    400
    """

    n_clusters: int
    """Number of pairs of scenes, each asked the same two questions."""
    sd: float
    """Standard deviation over clusters of the pseudo-values' difference, method minus baseline."""

    @property
    def n_scenes(self) -> int:
        """Number of scenes: two for each cluster."""
        return 2 * self.n_clusters


def clusters_for_area_gain(
    gain: float,
    *,
    area: float,
    correlation: float,
    n_methods: int,
    rng: np.random.Generator,
    level: float = 0.95,
    power: float = 0.8,
    shares: NoiseShares = DEFAULT_SHARES,
) -> AreaPower:
    """Least number of clusters at which `area_difference` finds the gain of one method.

    The method's area is `area` + `gain`, and the noise of its scores correlates with the baseline's
    by `correlation`. It is found where its two-sided p-value, adjusted by Holm over `n_methods`
    methods, is at most 1 - level; the worst case is counted, in which no other method differs and
    Holm's adjustment is Bonferroni's. The spread of the difference comes from one simulation of
    10,000 clusters (`simulated_detection`), which leaves the number uncertain by about 4%; the
    number follows from it by the noncentral t, in which the far tail is left out.

    Raises ValueError for a gain that is not positive, for fewer than 1 method, and where
    `simulated_detection` and `scenes_to_detect` do. Source: Obuchowski (1997), Biometrics 53:567;
    Obuchowski & McClish (1997), Stat. Med. 16:1529.

    >>> found = clusters_for_area_gain(
    ...     0.03, area=0.89, correlation=0.9, n_methods=15, rng=np.random.default_rng(0)
    ... )
    >>> 100 < found.n_clusters < 400
    True
    """
    gain = positive(gain, name="gain")
    if n_methods < 1:
        raise ValueError(f"`n_methods` must be at least 1, got {n_methods}: count the methods")
    world = simulated_detection(
        rng, n_clusters=_SIMULATED, area=area, mitigations=("gain",), gain=gain,
        correlation=correlation, shares=shares,
    )  # fmt: skip
    scores = np.column_stack([world.baseline, world.methods])
    rows = clustered_area(scores, world.present, world.clusters).rows
    sd = float(np.std(rows[:, 1] - rows[:, 0], ddof=1))
    # Two sides of each method's test are twice as many one-sided ones.
    n_clusters = scenes_to_detect(gain, sd=sd, n_layers=2 * n_methods, level=level, power=power)
    return AreaPower(n_clusters=n_clusters, sd=sd)
