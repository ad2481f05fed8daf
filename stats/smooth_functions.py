"""Intervals for smooth functions of means over scenes: ratios, correlations, effect sizes.

Below 200 scenes a percentile interval of such a function is too narrow (that of a standardised mean
of 10 scenes covers .87 for .95) and shifted to the wrong side by its bias. The bias-corrected and
accelerated interval (BCa) corrects for bias and skewness, but not for a bootstrap's spread being
too small for n scenes and itself only an estimate. For that its tails are those of Student's t.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import ndtr, ndtri
from scipy.stats import t as student

from stats.arguments import probability, resamples_for_interval
from stats.bootstrap import STUDENTIZED_BELOW
from stats.resampling import resampled_means

Moments = Float[ndarray, "moment draw layer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate per layer with an interval from redrawn scenes.

    >>> parts = np.array([[[0.0], [2.0]]])
    >>> rng = np.random.default_rng(0)
    >>> found = interval_of_means(lambda means: means[0], parts, rng=rng, n_resamples=99, level=0.9)
    >>> found.estimate.tolist(), found.n_scenes
    ([1.0], 2)
    """

    estimate: Float[ndarray, " layer"]
    """The value for the scenes as they are."""
    low: Float[ndarray, " layer"]
    """Lower end of the interval, each layer alone (not simultaneous)."""
    high: Float[ndarray, " layer"]
    """Upper end of the interval, likewise."""
    level: float
    """Nominal coverage of each interval."""
    n_scenes: int
    """Number of scenes, which were redrawn."""


def interval_of_means(
    function: Callable[[Moments], Float[ndarray, "draw layer"]],
    parts: Float[ndarray, "moment scene layer"],
    *,
    rng: np.random.Generator,
    n_resamples: int,
    level: float,
) -> Interval:
    """Estimate `function` of the means of `parts` over scenes, with its interval.

    `function` gets the means as [moment, draw, layer], for many redraws of the scenes at once. The
    interval is BCa with the tails of Student's t (n - 1 degrees of freedom) below 200 scenes, and
    that of percentiles from there on. Both stay within the range of `function`, and the interval of
    a rising transformation is the transformed interval. A resample costs a row of a matrix product
    instead of a pass over the scenes. `function` must be finite for whatever means a redraw may
    have, those of a single scene included; a layer whose resamples are all alike has the interval
    `[estimate, estimate]`.

    Raises ValueError for fewer resamples than the level needs. Source: Efron (1987), JASA 82:171;
    the tails: Hesterberg (2015), Am. Stat. 69:371, section 3.2; Davison & Hinkley (1997), section
    5.3.

    >>> right, asked = np.array([[[1.0], [2.0], [0.0]], [[2.0], [3.0], [1.0]]])
    >>> found = interval_of_means(
    ...     lambda means: means[0] / means[1], np.stack([right, asked]),
    ...     rng=np.random.default_rng(0), n_resamples=99, level=0.9,
    ... )
    >>> found.estimate.tolist()  # A ratio of means: 1 of 2.
    [0.5]
    """
    level = probability(level, name="level")
    n_resamples = resamples_for_interval(n_resamples, level)
    n_parts, n_scenes, n_layers = parts.shape
    columns = np.moveaxis(parts, 0, 1).reshape(n_scenes, -1)
    means = resampled_means(columns, rng=rng, n_resamples=n_resamples)
    drawn = np.moveaxis(means.reshape(n_resamples, n_parts, n_layers), 1, 0)
    values = function(drawn)
    estimate = function(parts.mean(axis=1)[:, None])[0]
    if n_scenes < STUDENTIZED_BELOW:
        left_out = (parts.sum(axis=1, keepdims=True) - parts) / (n_scenes - 1)
        low, high = _bca(values, estimate, function(left_out), level)
    else:
        low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Interval(estimate=estimate, low=low, high=high, level=level, n_scenes=n_scenes)


def _bca(
    drawn: Float[ndarray, "draw layer"],
    estimate: Float[ndarray, " layer"],
    left_out: Float[ndarray, "scene layer"],
    level: float,
) -> Float[ndarray, "2 layer"]:
    """Quantiles of the resamples, at shares moved by bias and by the jackknife's acceleration."""
    n_draws, n_scenes = len(drawn), len(left_out)
    below = ((drawn < estimate).sum(axis=0) + (drawn <= estimate).sum(axis=0)) / 2
    bias = ndtri(np.clip(below, 1, n_draws - 1) / n_draws)
    around = left_out.mean(axis=0) - left_out
    square, cube = (np.sum(around**power, axis=0) for power in (2, 3))
    acceleration = np.divide(cube, 6 * square**1.5, out=np.zeros_like(cube), where=square > 0)
    # Student's quantile in the units of a spread that is short by (n - 1) / n.
    reach = student.ppf((1 + level) / 2, n_scenes - 1) * np.sqrt(n_scenes / (n_scenes - 1))
    ends = np.empty((2, len(estimate)))
    for end, tail in enumerate((-reach, reach)):
        shifted = bias + tail
        share = ndtr(bias + shifted / np.maximum(1 - acceleration * shifted, 1e-6))
        ends[end] = [np.quantile(column, p) for column, p in zip(drawn.T, share, strict=True)]
    return ends
