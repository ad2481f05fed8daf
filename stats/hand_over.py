"""At which layer is what was seen handed over: where a share crosses one half, up or down.

The share of the effect that sits at the image's positions falls over the layers from 1 to 0, that
at the answer's position rises from 0 to 1. Both cross one half of the total effect, which is known
for each scene and need not be read off the last layers.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from stats.arguments import probability, resamples_for_interval
from stats.course import course_of
from stats.forward_backward import LayerSet, half_forward_backward_set
from stats.half_crossing import HalfCrossing, WholeLayer, crossing_of, plausible_curves
from stats.moved_share import moved_and_total


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """Where the share of the total effect crosses one half, with an interval and a set.

    >>> rng = np.random.default_rng(0)
    >>> total = rng.normal(1.0, 0.5, 40)
    >>> moved = total[:, None] * [1.0, 1.0, 0.0, 0.0]
    >>> found = hand_over(moved, total, falls=True, rng=rng, n_resamples=199)
    >>> found.half.estimate, found.layer.estimate, found.fb_half.low, found.fb_half.high
    (1.5, 2, 2, 2)
    """

    half: HalfCrossing | None
    """Where the share crosses one half, interpolated between layers. None where it is not crossed
    by the last layer, where layer 0 is shown past it, where the mean total is not positive, or
    where the curve is not `monotone`."""
    layer: WholeLayer | None
    """The first whole layer at or past the crossing; None where `half` is."""
    fb_half: LayerSet
    """Forward-backward set for the layer from which on the share is past one half, at `level` for
    all layers together. It needs no monotone curve, but a total that is positive."""
    from_start: bool
    """Whether layer 0 is shown past one half already, so that nothing is handed over."""
    monotone: bool
    """Whether no layer is shown back on the first side of one half after one that is past it."""
    falls: bool
    """Whether past one half means below it."""
    level: float
    """Level of the intervals and of the set."""
    n_scenes: int
    """Number of scenes (pairs of images), which were redrawn."""
    n_resamples: int
    """How often all scenes were redrawn."""


def hand_over(
    moved: Float[ndarray, "scene layer"],
    total: Float[ndarray, " _scene"],
    *,
    falls: bool,
    rng: np.random.Generator,
    level: float = 0.95,
    n_resamples: int = 10_000,
) -> HandOver:
    """Estimate the layer at which the share of the total effect falls, or rises, past one half.

    Rows are scenes, as for `moved_share`; `moved` and `total` share unit and sign. A curve that
    `falls` is turned over, `total` - `moved`, so that it rises from 0 to the total. The crossing of
    one half of the mean total is that of the curve's rising fit, and the whole procedure is
    repeated on redrawn scenes (bootstrap-t curves below 200). A resample without a positive total,
    or without a crossing, counts against both ends. The set tests `moved` - `total` / 2, which is
    linear in the scene.

    It means something only where a total effect is shown (`follows`). Raises ValueError as
    `moved_share` does. Source: the docstrings of `half_crossing` and `forward_backward_set`.

    >>> rng = np.random.default_rng(0)
    >>> total = rng.normal(1.0, 0.5, 40)
    >>> moved = total[:, None] * [0.0, 0.2, 0.8, 1.0] + rng.normal(0, [0, 0.1, 0.1, 0], (40, 4))
    >>> found = hand_over(moved, total, falls=False, rng=rng, n_resamples=199)
    >>> round(found.half.estimate, 1), found.half.low < 1.5 < found.half.high
    (1.5, True)
    """
    table, whole = moved_and_total(moved, total)
    level = probability(level, name="level")
    n_resamples = resamples_for_interval(n_resamples, level)
    rising = rising_to_total(table, whole, falls=falls)
    last = table.shape[1] - 1
    window = slice(last + 1, last + 2)
    course = course_of(
        rising,
        plateau=window,
        margin=1 + 2 * float(np.abs(rising).max()),  # None to speak of: no effect exceeds it.
        alpha=1 - level,
        rng=rng,
        n_resamples=n_resamples,
    )
    half = layer = None
    if course.monotone and not course.past_half_at_0:
        curves = plausible_curves(rising, rng=rng, n_resamples=n_resamples)
        half, layer = crossing_of(rising.mean(axis=0), curves, plateau=window, level=level)
        half, layer = _within(half, layer, last)
    return HandOver(
        half=half,
        layer=layer,
        fb_half=_set(rising, last, level),
        from_start=course.past_half_at_0,
        monotone=course.monotone,
        falls=falls,
        level=level,
        n_scenes=len(table),
        n_resamples=n_resamples,
    )


def rising_to_total(
    moved: Float[ndarray, "scene layer"], total: Float[ndarray, " scene"], *, falls: bool
) -> Float[ndarray, "scene column"]:
    """The effect by layer, turned over where it `falls`, and the total as one more column.

    So the last column is the plateau of a curve that rises to it, and is no layer.

    >>> rising_to_total(np.array([[2.0, 0.5]]), np.array([2.0]), falls=True).tolist()
    [[0.0, 1.5, 2.0]]
    """
    whole = total[:, None]
    return np.column_stack([whole - moved if falls else moved, whole])


def _within(
    half: HalfCrossing, layer: WholeLayer, last: int
) -> tuple[HalfCrossing, WholeLayer] | tuple[None, None]:
    """Both with ends that are layers: the column of the total, after the last one, is none."""
    if np.isnan(half.estimate) or half.estimate > last:
        return None, None
    half = replace(half, low=min(half.low, float(last)), high=min(half.high, float(last)))
    return half, replace(layer, low=min(layer.low, last), high=min(layer.high, last))


def _set(rising: Float[ndarray, "scene column"], last: int, level: float) -> LayerSet:
    found = half_forward_backward_set(rising, plateau=(last + 1, last + 1), level=level)
    high = None if found.high is None or found.high > last else found.high
    return replace(found, low=min(found.low, last + 1), high=high, horizon=last)
