"""Which layers can be the one at which an effect starts, and stays, above a margin?

Two runs of one-sided tests over the layers, upward and downward, each stopping where it first
cannot decide. Every wrong answer needs the false rejection of one particular true null, so the
tests need no correction for the number of layers: the fixed-sequence argument of Hsu & Berger
(1999, JASA 94:468), used there to find the minimum effective dose.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.stats import t as student_t

from stats.arguments import (
    enough_scenes,
    finite_array,
    horizon_layer,
    plateau_window,
    positive,
    probability,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSet:
    """The layers `low..high` hold the emergence layer with probability `level` or more.

    >>> effect = np.random.default_rng(0).normal([0, 0, 1, 1, 1], 0.1, (30, 5))
    >>> forward_backward_set(effect, margin=0.1, horizon=3)
    LayerSet(low=2, high=2, delta=0.1, level=0.95, horizon=3, n_scenes=30)
    """

    low: int
    """First layer whose mean effect is not shown to lie below the margin; horizon + 1 where all
    layers are shown to. `low` and `high` are the ends of one set, at `level` for all layers
    together (a fixed sequence of tests)."""
    high: int | None
    """First layer from which, up to the horizon, every mean effect is shown above the margin. None
    if that at the horizon is not: the set is then open above."""
    delta: float | None
    """The margin, in the unit of the effect; None for the margin of half of the plateau."""
    level: float
    """Least probability that the set holds the layer."""
    horizon: int
    """Last layer considered."""
    n_scenes: int
    """Number of scenes, the units of each test."""


def forward_backward_set(
    effect: Float[ndarray, "scene layer"],
    *,
    margin: float,
    level: float = 0.95,
    horizon: int | None = None,
) -> LayerSet:
    """Confidence set for the layer at which the mean effect starts to exceed `margin` for good.

    Covers both the first layer above the margin and the first of the unbroken run that lasts
    to the horizon, at once; no monotone profile is assumed. Scenes must be independent; the mean
    over scenes must be near normal (see the validation for how many that takes).

    `effect` and `margin` share a unit, by convention the share of the answer's entropy. Raises
    ValueError for fewer than 2 scenes, values that are not finite, a margin that is not
    positive or a horizon that is no layer. Source: Hsu & Berger (1999), JASA 94:468.

    >>> effect = np.random.default_rng(0).normal([0, 0, 1, 1, 1], 0.1, (30, 5))
    >>> found = forward_backward_set(effect, margin=0.1)
    >>> found.low, found.high
    (2, 2)
    """
    table, last = _checked(effect, horizon)
    delta = positive(margin, name="margin")
    return _layer_set(table[:, : last + 1] - delta, delta=delta, level=level)


def half_forward_backward_set(
    effect: Float[ndarray, "scene layer"],
    *,
    plateau: Sequence[int] | None = None,
    level: float = 0.95,
    horizon: int | None = None,
) -> LayerSet:
    """Confidence set for `lambda_half`, where the mean effect starts to exceed half of its plateau.

    Half of the scene's own mean over the plateau is subtracted from its effect; the difference
    is linear in the scene, so the tests stay what they are. `plateau` gives the first and last
    layer of the window (default: the last quarter of the layers up to the horizon). The set means
    nothing unless the plateau's mean is positive.

    Raises ValueError where `forward_backward_set` does, and for a plateau outside of the layers.

    >>> effect = np.random.default_rng(0).normal([0, 0, 1, 1, 1], 0.1, (30, 5))
    >>> found = half_forward_backward_set(effect, plateau=(3, 4))
    >>> found.low, found.high
    (2, 2)
    """
    table, last = _checked(effect, horizon)
    window = plateau_window(plateau, last)
    return _layer_set(excess_over_half(table[:, : last + 1], window), delta=None, level=level)


def excess_over_half(
    effect: Float[ndarray, "scene layer"], plateau: slice
) -> Float[ndarray, "scene layer"]:
    """Each scene's effect minus half of the same scene's mean over the layers of `plateau`.

    >>> excess_over_half(np.array([[0.0, 1.0, 2.0]]), slice(2, 3)).tolist()
    [[-1.0, 0.0, 1.0]]
    """
    return effect - effect[:, plateau].mean(axis=1, keepdims=True) / 2


def shown_above(excess: Float[ndarray, "scene layer"], *, alpha: float) -> Bool[ndarray, " layer"]:
    """Whether each layer's mean is shown to lie above 0.

    By a one-sided t test over scenes at level `alpha`, not adjusted over layers. Where the scenes
    do not differ, the sign of the mean decides.

    >>> shown_above(np.array([[2.0, 0.5], [2.1, -0.5], [1.9, 0.1]]), alpha=0.05).tolist()
    [True, False]
    """
    n_scenes = len(excess)
    # A bound, not a p-value: with no spread at all the sign of the mean itself decides.
    reach = student_t.ppf(1 - alpha, n_scenes - 1) * excess.std(axis=0, ddof=1) / np.sqrt(n_scenes)
    return excess.mean(axis=0) - reach > 0


def shown_below(excess: Float[ndarray, "scene layer"], *, alpha: float) -> Bool[ndarray, " layer"]:
    """Whether each layer's mean is shown to lie below 0, as `shown_above` shows the opposite.

    >>> shown_below(np.array([[-2.0, 0.5], [-2.1, -0.5], [-1.9, 0.1]]), alpha=0.05).tolist()
    [True, False]
    """
    return shown_above(-excess, alpha=alpha)


def _checked(
    effect: Float[ndarray, "scene layer"], horizon: int | None
) -> tuple[Float[ndarray, "scene layer"], int]:
    table = finite_array(effect, name="effect", axes=["scene", "layer"])
    enough_scenes(len(table), name="effect")
    return table, horizon_layer(horizon, table.shape[1])


def _layer_set(
    excess: Float[ndarray, "scene layer"], *, delta: float | None, level: float
) -> LayerSet:
    n_scenes, n_layers = excess.shape
    level = probability(level, name="level")
    alpha = (1 - level) / 2
    below, above = shown_below(excess, alpha=alpha), shown_above(excess, alpha=alpha)
    high = n_layers - _length_of_run(above[::-1])
    return LayerSet(
        low=_length_of_run(below),
        high=high if high < n_layers else None,
        delta=delta,
        level=level,
        horizon=n_layers - 1,
        n_scenes=n_scenes,
    )


def _length_of_run(flags: Bool[ndarray, " layer"]) -> int:
    """Number of leading True values."""
    return len(flags) if flags.all() else int(np.argmin(flags))
