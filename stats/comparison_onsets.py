"""Onset estimators in common use, for comparison only, under their own names.

None of them estimates where the effect starts: each says where the data suffice to see it. So
they move with amplitude and sample size, and order attributes by strength. For results use
`emergence_layer`. All take effects as [scene, layer] and raise ValueError for fewer than 2 scenes
and for values that are not finite.
"""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.stats import t as student_t

from stats.arguments import enough_scenes, finite_array, probability
from stats.cluster_tests import cluster_test
from stats.multiplicity import adjusted_p
from stats.sign_flip import sign_flip_max_t, t_statistic

Effect = Float[ndarray, "scene layer"]


def first_uncorrected_layer(effect: Effect, *, level: float = 0.95) -> int | None:
    """First layer with a one-sided t test at 1 - level, without correction for the layers.

    With tens of layers it finds an onset in most data that are pure noise. None where no layer
    reaches the level.

    >>> effect = np.random.default_rng(0).normal([0, 0, 1, 1], 1, (40, 4))
    >>> first_uncorrected_layer(effect)
    2
    """
    table, alpha = _checked(effect, level)
    return _first(_one_sided_p(table) <= alpha)


def first_bh_layer(effect: Effect, *, level: float = 0.95) -> int | None:
    """First layer that the same t tests reject at a false discovery rate of 1 - level.

    The false discovery rate allows one false layer among many right ones, and that one may be the
    first. Source: Benjamini & Hochberg (1995), JRSS B 57:289. None where no layer is rejected.

    >>> effect = np.random.default_rng(0).normal([0, 0, 1, 1], 1, (40, 4))
    >>> first_bh_layer(effect)
    2
    """
    table, alpha = _checked(effect, level)
    return _first(adjusted_p(_one_sided_p(table), correction="bh") <= alpha)


def first_max_t_layer(
    effect: Effect, *, rng: np.random.Generator, level: float = 0.95, n_resamples: int = 10_000
) -> int | None:
    """First layer that is significant under the sign-flip test with the maximum t.

    The family-wise error holds for there being an effect at that layer, not for the layer being the
    first one: at low power it comes late, so stronger attributes seem to be earlier. None where no
    layer is significant.

    >>> effect = np.random.default_rng(0).normal([0, 0, 1, 1], 1, (40, 4))
    >>> first_max_t_layer(effect, rng=np.random.default_rng(1), n_resamples=999)
    2
    """
    table, alpha = _checked(effect, level)
    return _first(sign_flip_max_t(table, rng=rng, n_resamples=n_resamples).p <= alpha)


def cluster_onset(
    effect: Effect, *, rng: np.random.Generator, level: float = 0.95, n_resamples: int = 10_000
) -> int | None:
    """First layer of the first significant cluster of layers, by cluster mass; None without one.

    The test is of the whole cluster and allows no claim about its borders (Sassenhagen &
    Draschkow 2019, doi:10.1111/psyp.13335).

    >>> effect = np.random.default_rng(0).normal([0, 0, 1, 1], 1, (40, 4))
    >>> cluster_onset(effect, rng=np.random.default_rng(1), n_resamples=999)
    2
    """
    table, alpha = _checked(effect, level)
    return _first(cluster_test(table, rng=rng, n_resamples=n_resamples).p <= alpha)


def change_point_layer(effect: Effect) -> int | None:
    """Layer at which one step fits the mean curve best by least squares; None for a flat curve.

    It finds a step whether or not there is an effect; for a slow rise it is the middle of the rise
    at best. Upward steps only.

    >>> change_point_layer(np.array([[0.0, 0.0, 1.0, 1.0]] * 2))
    2
    """
    table, _ = _checked(effect, 0.95)
    curve = table.mean(axis=0)
    n_layers = len(curve)
    if n_layers < 2 or np.ptp(curve) == 0:
        return None
    after = np.arange(n_layers - 1, 0, -1)
    before = np.arange(1, n_layers)
    sums = np.cumsum(curve)[:-1]
    gap = (curve.sum() - sums) / after - sums / before
    # What one step takes off the sum of squares; upward steps only.
    gain = np.where(gap > 0, gap**2 * before * after, -1.0)
    return int(np.argmax(gain)) + 1 if gain.max() > 0 else None


def _checked(effect: Effect, level: float) -> tuple[Effect, float]:
    table = finite_array(effect, name="effect", axes=["scene", "layer"])
    enough_scenes(len(table), name="effect")
    return table, 1 - probability(level, name="level")


def _one_sided_p(table: Effect) -> Float[ndarray, " layer"]:
    return student_t.sf(t_statistic(table), len(table) - 1)


def _first(flags: Bool[ndarray, " layer"]) -> int | None:
    return int(np.argmax(flags)) if flags.any() else None
