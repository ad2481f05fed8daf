"""Intervals for whatever is a smooth function of means over scenes: ratios, correlations, sizes.

Below 200 scenes a percentile interval of such a function is too narrow (a standardised mean of 10
scenes: .87) and sits on the wrong side of its bias. BCa corrects bias and skewness; that a
bootstrap's spread is that of n - 1 scenes, and itself an estimate, it does not, so its tails are
those of Student's t.
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
    """An estimate per layer with an interval from redrawn scenes."""

    estimate: Float[ndarray, " layer"]
    """On the scenes as they are."""
    low: Float[ndarray, " layer"]
    """Lower end, each layer alone."""
    high: Float[ndarray, " layer"]
    """Upper end."""
    level: float
    """Nominal coverage of each."""
    n_scenes: int
    """Scenes redrawn."""


def interval_of_means(
    function: Callable[[Moments], Float[ndarray, "draw layer"]],
    parts: Float[ndarray, "moment scene layer"],
    *,
    rng: np.random.Generator,
    n_resamples: int,
    level: float,
) -> Interval:
    """`function` of the means of `parts` over scenes, with its interval.

    Below 200 scenes BCa with the tails of Student's t (n - 1 degrees of freedom), from there on
    percentiles. Either stays within the range of `function`, and follows whatever rising function
    is taken of it. Each resample costs a row of a matrix product, not a pass over the scenes.
    `function` must be finite for whatever means a redraw may have, those of a single scene
    included; a layer whose resamples are all alike has the interval `[estimate, estimate]`.

    Source: Efron (1987), JASA 82:171; the tails: Hesterberg (2015), Am. Stat. 69:371,
    section 3.2; Davison & Hinkley (1997), section 5.3.
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
