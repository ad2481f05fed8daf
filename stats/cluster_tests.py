"""Cluster mass and threshold-free cluster enhancement, for comparison with the maximum t.

Neighbouring layers support each other, which finds effects that are weak but broad. What is tested
is a whole run of layers, so nothing follows about where the effect starts.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.stats import t as student_t

from stats.arguments import enough_resamples, enough_scenes, finite_array, positive
from stats.scenes import canonical_order
from stats.sign_flip import flip_chunks

ClusterStatistic = Literal["mass", "tfce"]

# Smith & Nichols' exponents of extent and height, and MNE's default step.
_EXTENT, _HEIGHT = 0.5, 2.0
_STEP = 0.2
_TIE = 1e-9
_LARGEST_T = 1e3


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterTest:
    """Each layer's cluster statistic with its family-wise adjusted p-value.

    >>> effect = np.array([[-1.0, 1.0, 2.0], [1.0, 2.0, 1.0], [0.0, 3.0, 3.0]])
    >>> found = cluster_test(effect, rng=np.random.default_rng(0), threshold=2.0)
    >>> found.p.tolist(), found.exact  # Layers 1 and 2 are one cluster.
    ([1.0, 0.125, 0.125], True)
    """

    p: Float[ndarray, " layer"]
    """The p-value for "no effect anywhere" of the cluster that the layer is in; 1 for a layer in no
    cluster. It is simultaneous over all layers, and speaks of the cluster as a whole, not of the
    layer by itself."""
    omnibus_p: float
    """The smallest of `p`."""
    statistic: Float[ndarray, " layer"]
    """For "mass" the sum of t over the layer's cluster, for "tfce" the layer's enhanced t; 0 for a
    layer in no cluster."""
    threshold: float | None
    """The t above which layers form clusters; None for "tfce"."""
    exact: bool
    """Whether all flips were enumerated instead of drawn."""
    n_scenes: int
    """Number of scenes, whose signs were flipped."""
    n_resamples: int
    """Number of flips drawn, or enumerated."""


def cluster_test(
    effect: Float[ndarray, "scene layer"],
    *,
    rng: np.random.Generator,
    statistic: ClusterStatistic = "mass",
    threshold: float | None = None,
    n_resamples: int = 10_000,
) -> ClusterTest:
    """Test runs of neighbouring layers by sign flips, against the largest run of each flip.

    The null hypothesis and the assumptions are those of `sign_flip_max_t`, one-sided. "mass" sums t
    over the run of layers with t above `threshold` (default: its one-sided .05 quantile); "tfce"
    needs no threshold: it sums extent^.5 height^2 over heights in steps of .2. t is capped at 1000,
    where scenes do not vary.

    Raises ValueError for fewer than 2 scenes, for values that are not finite and for a threshold
    that is not positive. Source: Maris & Oostenveld (2007), doi:10.1016/j.jneumeth.2007.03.024;
    Smith & Nichols (2009), doi:10.1016/j.neuroimage.2008.03.061.

    >>> effect = np.random.default_rng(0).normal([0, 0, 1, 1], 1, (30, 4))
    >>> found = cluster_test(effect, rng=np.random.default_rng(1), n_resamples=999)
    >>> (found.p <= 0.05).tolist()
    [False, False, True, True]
    """
    table = finite_array(effect, name="effect", axes=["scene", "layer"])
    n_scenes = len(table)
    enough_scenes(n_scenes, name="effect")
    n_resamples = enough_resamples(n_resamples)
    if statistic not in get_args(ClusterStatistic):
        known = list(get_args(ClusterStatistic))
        raise ValueError(f"`statistic` must be one of {known}, got {statistic!r}: choose one")
    if threshold is None:
        threshold = float(student_t.ppf(0.95, n_scenes - 1))
    threshold = positive(threshold, name="threshold")
    scenes = canonical_order(table)

    def enhanced(t: Float[ndarray, "flip layer"]) -> Float[ndarray, "flip layer"]:
        return cluster_mass(t, threshold) if statistic == "mass" else tfce(t)

    square = np.square(scenes).sum(axis=0)
    observed = enhanced(_t_of_sums(scenes.sum(axis=0, keepdims=True), square, n_scenes))[0]
    exact = 2**n_scenes <= n_resamples
    flips = 2**n_scenes if exact else n_resamples
    counts = np.zeros(scenes.shape[1], dtype=np.int64)
    for kept in flip_chunks(n_scenes, flips, exact=exact, rng=rng):
        sums = 2 * (kept @ scenes) - scenes.sum(axis=0)
        largest = enhanced(_t_of_sums(sums, square, n_scenes)).max(axis=1, keepdims=True)
        counts += (largest >= observed * (1 - _TIE)).sum(axis=0)
    p = counts / flips if exact else (1 + counts) / (1 + flips)
    p = np.where(observed > 0, p, 1.0)
    return ClusterTest(
        p=p,
        omnibus_p=float(p.min()),
        statistic=observed,
        threshold=threshold if statistic == "mass" else None,
        exact=exact,
        n_scenes=n_scenes,
        n_resamples=flips,
    )


def cluster_mass(
    t: Float[ndarray, "curve layer"], threshold: float
) -> Float[ndarray, "curve layer"]:
    """The sum of t over the run of layers above `threshold` that each layer is in; 0 outside runs.

    >>> cluster_mass(np.array([[0.0, 2.0, 3.0, 1.0]]), threshold=1.5).tolist()
    [[0.0, 5.0, 5.0, 0.0]]
    """
    return _over_runs(t, t > threshold)


def tfce(t: Float[ndarray, "curve layer"]) -> Float[ndarray, "curve layer"]:
    """Threshold-free cluster enhancement of each layer's t, by summing heights in steps of .2.

    The steps start at .2 and end below the largest t of all curves; beyond 10 they are wider. A
    layer whose t is below .2 has 0. Source: Smith & Nichols (2009),
    doi:10.1016/j.neuroimage.2008.03.061.

    >>> tfce(np.array([[0.0, 1.0, 1.0, 0.0]])).round(2).tolist()
    [[0.0, 0.62, 0.62, 0.0]]
    """
    enhanced = np.zeros_like(t)
    top = t.max(initial=0.0)
    # Wider steps for huge t keep their number bounded; they start at 10, where p is moot.
    heights = np.arange(_STEP, min(top, 10.0) + _STEP / 2, _STEP)
    if top > 10.0:
        heights = np.concatenate([heights, np.geomspace(10.0, top, 50)[1:]])
    steps = np.diff(heights, prepend=0.0)
    for height, step in zip(heights, steps, strict=True):
        above = t >= height
        extent = _over_runs(above.astype(float), above)
        enhanced += extent**_EXTENT * height**_HEIGHT * step
    return enhanced


def _over_runs(
    values: Float[ndarray, "curve layer"], inside: ndarray
) -> Float[ndarray, "curve layer"]:
    """The sum of the values over each unbroken run of layers that are `inside`, at all its layers.

    Layers that are not inside have 0.
    """
    kept = np.where(inside, values, 0.0)
    total = np.zeros_like(kept)
    running = np.zeros(len(kept))
    for layer in range(kept.shape[1]):
        running = (running + kept[:, layer]) * inside[:, layer]
        total[:, layer] = running
    for layer in range(kept.shape[1] - 2, -1, -1):
        both = inside[:, layer] & inside[:, layer + 1]
        total[:, layer] = np.where(both, total[:, layer + 1], total[:, layer])
    return total


def _t_of_sums(
    sums: Float[ndarray, "flip layer"], square: Float[ndarray, " layer"], n_scenes: int
) -> Float[ndarray, "flip layer"]:
    """t statistics from sums over scenes; flips leave the sum of squares alone."""
    spread = np.maximum(square - sums**2 / n_scenes, square * n_scenes / _LARGEST_T**2)
    error = np.sqrt(spread * n_scenes / (n_scenes - 1))
    return np.divide(sums, error, out=np.zeros_like(sums), where=error > 0)
