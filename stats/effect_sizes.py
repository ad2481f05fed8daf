"""Effects in standard deviations, for comparison between scores whose units differ."""

from typing import Literal, get_args

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import gammaln

from stats.arguments import enough_scenes, finite_array
from stats.smooth_functions import Interval, Moments, interval_of_means

Standardizer = Literal["average", "difference"]


def paired_hedges_g(
    real: Float[ndarray, "scene layer"],
    control: Float[ndarray, "scene layer"],
    *,
    rng: np.random.Generator,
    standardizer: Standardizer = "average",
    n_resamples: int = 10_000,
    level: float = 0.95,
) -> Interval:
    """Hedges' g: the mean difference of paired scores in standard deviations, with its interval.

    The interval comes from a bootstrap of scenes (see `interval_of_means`: below 200 scenes the
    bias-corrected and accelerated one, BCa). The `standardizer` "average" divides by the root of
    the mean of both variances (what pingouin calls paired Hedges g), so that it compares with
    unpaired studies; "difference" by the standard deviation of the differences, the size that power
    depends on. For rows that are effects already (`scene_effect`), pass zeros as control and take
    "difference". Both have Hedges' correction for small samples, with 2n - 2 and n - 1 degrees of
    freedom. Rows are independent scenes, the same ones in both. The result is 0 where neither
    varies.

    Raises ValueError for unequal shapes, for values that are not finite and for fewer than 2
    scenes. Source: Hedges (1981), J. Educ. Stat. 6:107; Lakens (2013),
    doi:10.3389/fpsyg.2013.00863.

    >>> rng = np.random.default_rng(0)
    >>> real = np.arange(20.0)[:, None]
    >>> found = paired_hedges_g(real, real - 5, rng=rng, n_resamples=999)
    >>> found.estimate.round(2).tolist()  # 5 over a standard deviation of 5.9, and the correction.
    [0.83]
    """
    first = finite_array(real, name="real", axes=["scene", "layer"])
    second = finite_array(control, name="control", axes=["scene", "layer"])
    if first.shape != second.shape:
        raise ValueError(
            f"`control` must have the shape of `real` {first.shape}, got {second.shape}: "
            "pass the same scenes in the same order"
        )
    if standardizer not in get_args(Standardizer):
        known = list(get_args(Standardizer))
        raise ValueError(f"`standardizer` must be one of {known}, got {standardizer!r}: choose one")
    n = len(first)
    enough_scenes(n, name="real")
    if standardizer == "difference":
        first, second = first - second, np.zeros_like(second)
    degrees = 2 * n - 2 if standardizer == "average" else n - 1
    # Both variances are of centred scores: squares of large means would cancel badly.
    centre = first.mean(axis=0), second.mean(axis=0)
    shift = centre[0] - centre[1]
    a, b = first - centre[0], second - centre[1]
    scale = _correction(degrees) * np.sqrt((n - 1) / n)
    tiny = 1e-20 * (np.square(first).mean(axis=0) + np.square(second).mean(axis=0))

    def size(moments: Moments) -> Float[ndarray, "draw layer"]:
        mean_a, mean_b, square_a, square_b = moments
        variance = square_a - mean_a**2 + square_b - mean_b**2
        variance = variance / 2 if standardizer == "average" else variance
        alive = variance > tiny
        difference = shift + mean_a - mean_b
        zeros = np.zeros(np.broadcast_shapes(difference.shape, variance.shape))
        return scale * np.divide(
            difference, np.sqrt(np.maximum(variance, 0)), out=zeros, where=alive
        )

    parts = np.stack([a, b, a**2, b**2])
    return interval_of_means(size, parts, rng=rng, n_resamples=n_resamples, level=level)


def _correction(degrees: int) -> float:
    """Hedges' exact factor, which takes out the bias of a standardised mean."""
    return float(
        np.exp(gammaln(degrees / 2) - gammaln((degrees - 1) / 2)) / np.sqrt(degrees / 2)
        if degrees > 1
        else 1.0
    )
