"""Intervals for whatever is a smooth function of means over scenes: ratios, correlations, sizes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from stats.arguments import probability, resamples_for_interval
from stats.resampling import resampled_means

Moments = Float[ndarray, "moment draw layer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate per layer with a percentile interval from redrawn scenes."""

    estimate: Float[ndarray, " layer"]
    """On the scenes as they are."""
    low: Float[ndarray, " layer"]
    """Lower end, per layer."""
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
    """`function` of the means of `parts` over scenes, with its percentile interval.

    Each resample costs a row of a matrix product, not a pass over the scenes. `function` must be
    finite for whatever means a redraw may have, those of a single scene included.
    """
    level = probability(level, name="level")
    n_resamples = resamples_for_interval(n_resamples, level)
    n_parts, n_scenes, n_layers = parts.shape
    columns = np.moveaxis(parts, 0, 1).reshape(n_scenes, -1)
    means = resampled_means(columns, rng=rng, n_resamples=n_resamples)
    drawn = np.moveaxis(means.reshape(n_resamples, n_parts, n_layers), 1, 0)
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(function(drawn), tails, axis=0)
    estimate = function(parts.mean(axis=1)[:, None])[0]
    return Interval(estimate=estimate, low=low, high=high, level=level, n_scenes=n_scenes)
