"""Where a curve over layers first reaches half of its plateau: `lambda_half`.

It is half of the curve's own plateau, and neither a fixed margin nor a significance level.
Multiplying an effect by a constant leaves it where it was, so attributes, readouts and models of
unequal strength can be compared.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from stats.bootstrap import STUDENTIZED_BELOW
from stats.resampling import resampled_means, resampled_t

# Rounding of a crossing that falls on a layer must not push it to the next one.
_ON_LAYER = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfCrossing:
    """The layer at which the effect reaches half of its plateau, with an interval.

    >>> effect = np.random.default_rng(0).normal([0, 0, 1, 1, 1], 0.1, (30, 5))
    >>> rng = np.random.default_rng(1)
    >>> half, _ = half_crossing(effect, plateau=slice(3, 5), rng=rng, n_resamples=199, level=0.95)
    >>> round(half.estimate, 1), half.low < half.estimate < half.high
    (1.5, True)
    """

    estimate: float
    """Where the mean curve, taken as rising, crosses the half, interpolated between layers; NaN
    where the mean plateau is not positive."""
    low: float
    """Lower end of the interval for the interpolated crossing."""
    high: float
    """Upper end of that interval."""
    level: float
    """Nominal coverage of the interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeLayer:
    """The first whole layer at or past the crossing, with an interval.

    >>> effect = np.random.default_rng(0).normal([0, 0, 1, 1, 1], 0.1, (30, 5))
    >>> rng = np.random.default_rng(1)
    >>> _, layer = half_crossing(effect, plateau=slice(3, 5), rng=rng, n_resamples=199, level=0.95)
    >>> layer
    WholeLayer(estimate=2, low=2, high=2, level=0.95)
    """

    estimate: int | None
    """The layer; None where the mean plateau is not positive."""
    low: int
    """Lower end: the first whole layer at or past the lower end for the crossing, so that whenever
    the crossing's interval holds the truth, so does this one."""
    high: int
    """Upper end, made from the crossing's upper end in the same way."""
    level: float
    """Nominal coverage of the interval for the first layer at or past the half."""


def isotonic_crossing(
    curves: Float[ndarray, "curve layer"], height: Float[ndarray, " curve"]
) -> Float[ndarray, " curve"]:
    """Where each curve, taken as rising, reaches `height`, interpolated between two layers.

    The layer is the first at which the least-squares rising fit is at or above the height h: the
    one before which the sum of (curve - h) is least (Robertson, Wright & Dykstra 1988, section
    1.2), so that no fit need be computed, and all curves go at once. There the curve itself is at
    or above h, and just before it below, so the curve is interpolated and not the fit: where the
    two differ, the fit has averaged over earlier layers, and layers that add nothing would weigh
    in. So such layers, before the rise, move the crossing by their number exactly.

    The result is 0 where the fit starts at h or above, and NaN where it never reaches h.

    >>> isotonic_crossing(np.array([[0.0, 0.0, 1.0, 1.0]]), np.array([0.25])).tolist()
    [1.25]
    """
    n_curves, n_layers = curves.shape
    excess = curves - height[:, None]
    running = np.zeros((n_curves, n_layers + 1))
    np.cumsum(excess, axis=1, out=running[:, 1:])
    first = np.argmin(running, axis=1)
    inside = (first > 0) & (first < n_layers)
    rows, at = np.arange(n_curves), np.where(inside, first, 1)
    below = excess[rows, at - 1]
    above = excess[rows, np.minimum(at, n_layers - 1)]
    share = np.divide(-below, above - below, out=np.ones(n_curves), where=inside)
    return np.where(first == 0, 0.0, np.where(inside, first - 1 + share, np.nan))


def half_plateau_crossing(
    curves: Float[ndarray, "curve layer"], plateau: slice
) -> Float[ndarray, " curve"]:
    """Where each curve reaches half of its own mean over the layers of `plateau`.

    In layers, interpolated as by `isotonic_crossing`; NaN where that mean is not positive.

    >>> curves = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 8.0, 8.0]])
    >>> half_plateau_crossing(curves, slice(3, 4)).tolist()  # Amplitude makes no difference.
    [1.5, 1.5]
    """
    half = curves[:, plateau].mean(axis=1) / 2
    return np.where(half > 0, isotonic_crossing(curves, half), np.nan)


def plausible_curves(
    effect: Float[ndarray, "scene layer"], *, rng: np.random.Generator, n_resamples: int
) -> Float[ndarray, "resample layer"]:
    """Mean curves that the scenes could as well have come from.

    From 200 scenes on, the means of the redrawn scenes. Below, bootstrap-t: the observed mean
    moved back by each resample's own t statistics, in the sample's standard errors. Layers move
    together, and at each layer the quantiles of the curves are the bootstrap-t interval, a little
    widened: standard errors are divided by the root of n - 3 in place of n, as the spread of a
    t of n - 1 degrees of freedom would have it. Of 40 to 60 skewed scenes the plain interval of a
    crossing covers .93 to .94, this one .94 to .95 (see the validation).

    >>> effect = np.array([[0.0, 1.0], [0.0, 2.0], [0.0, 3.0]])
    >>> curves = plausible_curves(effect, rng=np.random.default_rng(0), n_resamples=99)
    >>> curves.shape, np.abs(curves[:, 0]).max().item()
    ((99, 2), 0.0)
    """
    if len(effect) >= STUDENTIZED_BELOW:
        return resampled_means(effect, rng=rng, n_resamples=n_resamples)
    error = effect.std(axis=0, ddof=1) / np.sqrt(max(len(effect) - 3, 1))
    return effect.mean(axis=0) - error * resampled_t(effect, rng=rng, n_resamples=n_resamples)


def half_crossing(
    effect: Float[ndarray, "scene layer"],
    *,
    plateau: slice,
    rng: np.random.Generator,
    n_resamples: int,
    level: float,
) -> tuple[HalfCrossing, WholeLayer]:
    """Estimate `lambda_half` and its whole layer, with intervals from the same resamples.

    The whole procedure is repeated on each resample of scenes. A resample without a positive
    plateau has no crossing; it counts against both ends (at the first layer for `low`, at the last
    for `high`).

    >>> effect = np.random.default_rng(0).normal([0, 0, 1, 1, 1], 0.1, (30, 5))
    >>> rng = np.random.default_rng(1)
    >>> half, layer = half_crossing(
    ...     effect, plateau=slice(3, 5), rng=rng, n_resamples=199, level=0.95
    ... )
    >>> round(half.estimate, 1), layer.estimate
    (1.5, 2)
    """
    curves = plausible_curves(effect, rng=rng, n_resamples=n_resamples)
    return crossing_of(effect.mean(axis=0), curves, plateau=plateau, level=level)


def crossing_alone(
    mean: Float[ndarray, " layer"], *, plateau: slice, level: float
) -> tuple[HalfCrossing, WholeLayer]:
    """The crossing of the curve `mean` where no interval is wanted: the ends are the estimate.

    >>> half, layer = crossing_alone(np.array([0.0, 0.0, 1.0]), plateau=slice(2, 3), level=0.95)
    >>> half.estimate, half.low, layer.estimate
    (1.5, 1.5, 2)
    """
    return crossing_of(mean, mean[None], plateau=plateau, level=level)


def crossing_of(
    mean: Float[ndarray, " layer"],
    curves: Float[ndarray, "resample layer"],
    *,
    plateau: slice,
    level: float,
) -> tuple[HalfCrossing, WholeLayer]:
    """The crossing of the curve `mean`, with the intervals that the resampled `curves` give.

    A resample without a positive plateau counts against both ends, as in `half_crossing`.

    >>> mean = np.array([0.0, 0.0, 1.0, 1.0])
    >>> half, layer = crossing_of(mean, np.tile(mean, (99, 1)), plateau=slice(3, 4), level=0.95)
    >>> half.estimate, half.low, half.high, layer.estimate
    (1.5, 1.5, 1.5, 2)
    """
    crossings = half_plateau_crossing(curves, plateau)
    estimate = float(half_plateau_crossing(mean[None], plateau)[0])
    # Quantiles at p (B + 1): a new draw falls outside B others with just that probability.
    tail = (1 - level) / 2
    early = np.nan_to_num(crossings, nan=0.0)
    late = np.nan_to_num(crossings, nan=float(len(mean) - 1))
    half = HalfCrossing(
        estimate=estimate,
        low=float(np.quantile(early, tail, method="weibull")),
        high=float(np.quantile(late, 1 - tail, method="weibull")),
        level=level,
    )
    whole = WholeLayer(
        estimate=None if np.isnan(estimate) else first_layer_past(estimate),
        low=first_layer_past(half.low),
        high=first_layer_past(half.high),
        level=level,
    )
    return half, whole


def first_layer_past(crossing: float) -> int:
    """The first whole layer at or past a crossing, which is given in layers.

    >>> first_layer_past(1.5), first_layer_past(2.0)
    (2, 2)
    """
    return int(np.ceil(crossing - _ON_LAYER))
