"""Intervals for means over scenes and over random draws, when every draw reads every scene."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.stats import t as student

from stats import BootstrapInterval, ClusterShare
from stats.scenes import scene_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossedInterval:
    """Means over scenes and draws, for each column, in the unit of the values."""

    estimate: Float[ndarray, " column"]
    """Mean over draws of the mean over scenes of each scene's mean over its items."""
    low: Float[ndarray, " column"]
    """Lower end of the interval, which holds the error of the scenes and that of the draws."""
    high: Float[ndarray, " column"]
    """Upper end of the interval."""
    draw_deviation: Float[ndarray, " column"]
    """Standard deviation of a single draw's mean around the mean of all draws, for the given
    scenes."""
    scenes_part: Float[ndarray, " column"]
    """Share of the scenes in the lower half of the interval: estimate minus `low` if the draws had
    no error, divided by what it is. 1 if all error is that of the scenes."""


def crossed_interval(
    values: Float[ndarray, "draw item column"],
    clusters: ndarray,
    *,
    alone: BootstrapInterval | ClusterShare,
) -> CrossedInterval:
    """Mean over scenes and draws, with an interval that holds the error of both.

    `alone` is the interval over scenes of each item's mean over draws, whose level is kept.

    Estimand: the mean over the population of scenes and over the distribution of draws.
    Assumption: scenes are independent, draws are independent of each other and of the scenes.

    Derivation. Let d(k, s) = m + a(k) + b(s) + e(k, s) for draw k of K and scene s of S, the three
    parts with variances A, B and E. The variance of the mean is B/S + E/(KS) + A/K. Redrawing
    scenes of each scene's mean over draws, as `alone` does, estimates B/S + E/(KS). The variance
    over draws of their means is A + E/S, and the residuals give E, so that A/K is what is left, or
    0; its error is that of K - 1 degrees of freedom. The two half-lengths, of `alone` and of
    Student's t, are combined end by end as the root of the sum of their squares, which keeps
    `alone` lopsided where it is (MOVER: Zou & Donner 2008, Stat. Med. 27:1693).

    Some draws may share what differs from scene to scene at random, as those on one partition of
    the scenes into folds do: it is in `alone`, however it is shared. ValueError for fewer than 2
    draws.
    """
    n_draws = len(values)
    if n_draws < 2:
        raise ValueError(f"need at least 2 draws to tell their spread, got {n_draws}: draw more")
    rows = np.stack([scene_rows(draw, clusters) for draw in values])
    spread, between = _draw_variances(rows)
    quantile = float(student.ppf((1 + alone.level) / 2, n_draws - 1))
    half = quantile * np.sqrt(between / n_draws)
    below, above = alone.estimate - alone.low, alone.high - alone.estimate
    whole = np.hypot(below, half)
    return CrossedInterval(
        estimate=alone.estimate,
        low=alone.estimate - whole,
        high=alone.estimate + np.hypot(above, half),
        draw_deviation=np.sqrt(spread),
        scenes_part=np.divide(below, whole, out=np.ones_like(whole), where=whole > 0),
    )


def with_draws_error(
    values: Float[ndarray, "item column"], interval: CrossedInterval
) -> Float[ndarray, "item column"]:
    """Means over draws, moved towards 0 so that a t-test over scenes takes account of the draws'
    error too.

    The same number is subtracted from every item: the spread of the scenes stays, and the mean is
    reduced by the ratio of the lower half of the interval to what it would be from the scenes
    alone. Made for one-sided tests of a mean above 0 that know of scenes only.
    """
    return values - (1 - interval.scenes_part) * interval.estimate


def _draw_variances(
    rows: Float[ndarray, "draw scene column"],
) -> tuple[Float[ndarray, " column"], Float[ndarray, " column"]]:
    """Variance over draws of their means, and the part of it that more scenes would not remove."""
    n_draws, n_scenes, _ = rows.shape
    means = rows.mean(axis=1)
    spread = means.var(axis=0, ddof=1)
    residual = rows - means[:, None] - rows.mean(axis=0) + means.mean(axis=0)
    interaction = (residual**2).sum(axis=(0, 1)) / ((n_draws - 1) * (n_scenes - 1))
    return spread, np.maximum(spread - interaction / n_scenes, 0)
