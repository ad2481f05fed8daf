"""How many layers lie between two crossings on the same scenes, whatever each is half of?

A readout's effect crosses half of its plateau, a patch's share half of the total effect. Both are
redrawn together, so what the scenes have in common does not count as chance.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from stats.arguments import (
    enough_scenes,
    finite_array,
    plateau_window,
    probability,
    resamples_for_interval,
)
from stats.forward_backward import LayerSet, half_forward_backward_set
from stats.half_crossing import half_plateau_crossing, plausible_curves
from stats.hand_over import rising_to_total
from stats.order import CrossingDifference, crossing_difference
from stats.scenes import canonical_order


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossingCurve:
    """A curve per scene and what it crosses half of: its own plateau, or a total that is known.

    >>> CrossingCurve(rows=np.ones((2, 3)), total=np.ones(2), falls=True).falls
    True
    """

    rows: Float[ndarray, "scene layer"]
    """The effect of each scene by layer, or what is moved at each layer."""
    total: Float[ndarray, " _scene"] | None = None
    """The total effect, whose half is crossed; None for the mean over the plateau's layers."""
    falls: bool = False
    """Whether the curve falls from the total to 0; only with a total."""
    plateau: Sequence[int] | None = None
    """First and last layer of the plateau (default: the last quarter); only without a total."""


def crossing_gap(
    first: CrossingCurve,
    second: CrossingCurve,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    n_resamples: int = 10_000,
) -> CrossingDifference:
    """Estimate the second's crossing minus the first's, in layers, on the same scenes.

    Rows of both are the same scenes in the same order, and are redrawn together (bootstrap-t curves
    below 200 scenes). A resample in which a curve has no crossing counts against every claim. The
    two-sided p-value is never 0. Between layers a crossing is interpolated, and where in between a
    step is does not show: a gap of less than one layer is none to speak of.

    It means something only where both curves are shown to cross (`emergence_layer`, `follows`).
    Raises ValueError for unequal numbers of scenes, values that are not finite, fewer than 2
    scenes, fewer resamples than the level needs and a curve that has both a total and a plateau, or
    falls without a total. Source: Davison & Hinkley (1997), section 2.4.

    >>> rng = np.random.default_rng(0)
    >>> total = rng.normal(1.0, 0.3, 40)
    >>> left = CrossingCurve(rows=total[:, None] * [1.0, 1.0, 1.0, 0.0], total=total, falls=True)
    >>> read = CrossingCurve(rows=total[:, None] * [0.0, 1.0, 1.0, 1.0])
    >>> found = crossing_gap(read, left, rng=rng, n_resamples=199)
    >>> found.estimate, found.sets_apart, found.p
    (2.0, True, 0.01)
    """
    level = probability(level, name="level")
    n_resamples = resamples_for_interval(n_resamples, level)
    parts, windows = zip(*(_checked(each) for each in (first, second)), strict=True)
    if len(parts[0]) != len(parts[1]):
        raise ValueError(
            f"`first` and `second` must have the same scenes, got {len(parts[0])} and "
            f"{len(parts[1])} rows: keep the scenes that both have, in the same order"
        )
    n_first = parts[0].shape[1]
    scenes = canonical_order(np.hstack(parts))
    drawn = plausible_curves(scenes, rng=rng, n_resamples=n_resamples)
    estimates, draws = (
        [
            _crossing(curves, window, n_layers=each.rows.shape[1])
            for curves, window, each in zip(
                np.split(table, [n_first], axis=1), windows, (first, second), strict=True
            )
        ]
        for table in (scenes.mean(axis=0)[None], drawn)
    )
    earlier, later = (
        _set(each, window, level) for each, window in zip(parts, windows, strict=True)
    )
    return crossing_difference(
        float(estimates[1][0] - estimates[0][0]),
        draws[1] - draws[0],
        reach=float(max(each.rows.shape[1] for each in (first, second)) - 1),
        level=level,
        sets_apart=earlier.high is not None and earlier.high < later.low,
    )


def _checked(curve: CrossingCurve) -> tuple[Float[ndarray, "scene column"], slice]:
    """The curve's columns, rising, with the total as the last one if there is one; its plateau."""
    rows = finite_array(curve.rows, name="rows", axes=["scene", "layer"])
    enough_scenes(len(rows), name="rows")
    n_layers = rows.shape[1]
    if curve.total is None:
        if curve.falls:
            raise ValueError(
                "a curve that `falls` must have a `total` to fall from, got None: pass it"
            )
        return rows, plateau_window(curve.plateau, n_layers - 1)
    if curve.plateau is not None:
        raise ValueError(
            f"a curve must not have both `total` and `plateau`, got the plateau {curve.plateau}: "
            "leave one of them out"
        )
    total = finite_array(curve.total, name="total", axes=["scene"])
    if len(total) != len(rows):
        raise ValueError(
            f"`total` must hold one value per scene of `rows` ({len(rows)}), got {len(total)}: "
            "pass the total effect of the same scenes in the same order"
        )
    return rising_to_total(rows, total, falls=curve.falls), slice(n_layers, n_layers + 1)


def _crossing(
    curves: Float[ndarray, "curve column"], window: slice, *, n_layers: int
) -> Float[ndarray, " curve"]:
    """Crossings in layers; NaN for one that is only reached after the last layer, by the total."""
    found = half_plateau_crossing(curves, window)
    return np.where(found > n_layers - 1, np.nan, found)


def _set(columns: Float[ndarray, "scene column"], window: slice, level: float) -> LayerSet:
    pair = (window.start, window.stop - 1)
    return half_forward_backward_set(columns, plateau=pair, level=level)
