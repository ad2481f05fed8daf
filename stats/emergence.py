"""At which layer does an effect emerge, if it does, and how sure is that?

One function from effects to an outcome: either a layer with its interval, or one of the reasons
why there is none. A number is only given where the effect is shown to be there and to last;
without that gate an estimator finds an onset in half of all data that hold none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from stats.arguments import (
    enough_scenes,
    finite_array,
    horizon_layer,
    plateau_window,
    positive,
    probability,
    resamples_for_interval,
)
from stats.course import Course, course_of, p_above
from stats.forward_backward import LayerSet, forward_backward_set, half_forward_backward_set
from stats.half_crossing import HalfCrossing, WholeLayer, crossing_alone, half_crossing
from stats.power import minimum_detectable_effect
from stats.scenes import canonical_order
from stats.sign_flip import sign_flip_max_t

Outcome = Literal["emerged", "not_emerged", "from_start", "died"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergence:
    """Where the effect emerges, or why there is no such layer.

    >>> nothing = np.random.default_rng(0).normal(0, 0.1, (30, 5))
    >>> rng = np.random.default_rng(1)
    >>> found = emergence_layer(nothing, rng=rng, margin=0.1, n_resamples=999)
    >>> found.outcome, found.lambda_half, found.detectable_effect.round(2).tolist()
    ('not_emerged', None, [0.04, 0.06, 0.05, 0.06, 0.07])
    """

    outcome: Outcome
    """What is shown. "emerged": there is an effect, and its plateau lies above the margin.
    "not_emerged": one of the two is not shown. "from_start": the effect is past half of its plateau
    at layer 0 already. "died": the effect is above the margin at a layer and below it at the
    horizon."""
    lambda_half: HalfCrossing | None
    """The layer at which the mean effect reaches half of its plateau, with a bootstrap interval for
    it alone at `level`; None unless the outcome is "emerged" and the curve is `monotone`."""
    layer: WholeLayer | None
    """The first whole layer at or past `lambda_half`, with an interval for it alone; None where
    `lambda_half` is."""
    monotone: bool
    """Whether no layer is shown below half of the plateau after one that is past it. Where False,
    the crossing need not be the first, so none is given, and `fb_half` takes its place."""
    declines: bool
    """Whether a layer is shown to exceed the last one by more than the margin."""
    fb_half: LayerSet
    """Forward-backward set for half of the plateau, at `level` for all layers together, since its
    tests are a fixed sequence. It has a meaning only where the plateau is positive."""
    fb_delta: LayerSet
    """Forward-backward set for the margin, at `level` for all layers together; valid whatever the
    outcome."""
    lambda_first: int | None
    """First layer whose mean effect exceeds the margin; None if none does, or if the outcome is
    "not_emerged"."""
    lambda_sustained: int | None
    """First layer from which the mean effect exceeds the margin up to the horizon; None if none
    does, or if the outcome is "not_emerged"."""
    omnibus_p: float
    """P-value for "no positive effect at any layer", simultaneous over layers: by sign flips with
    the maximum t, unless the p-value of another test was passed in."""
    plateau_p: float
    """P-value for "the plateau's mean is not above the margin", by a one-sided t test over scenes;
    it stands alone, unadjusted."""
    plateau_mean: float
    """Mean effect over the plateau window."""
    plateau: tuple[int, int]
    """First and last layer of the plateau window."""
    horizon: int
    """Last layer that was considered."""
    margin: float
    """Least effect that matters, in the unit of the effect."""
    level: float
    """Level of the intervals and of both sets; the gates are tested at 1 - level."""
    mean: Float[ndarray, " layer"]
    """Mean effect per layer, up to the horizon."""
    detectable_effect: Float[ndarray, " layer"]
    """The mean effect that would have been found at each layer with a probability of .8."""
    n_scenes: int
    """Number of scenes, the units that were sampled."""
    n_resamples: int
    """Number of resamples for the interval, and of sign flips for the tests."""


def emergence_layer(
    effect: Float[ndarray, "scene layer"],
    *,
    rng: np.random.Generator,
    margin: float,
    plateau: Sequence[int] | None = None,
    horizon: int | None = None,
    level: float = 0.95,
    n_resamples: int = 10_000,
    omnibus_p: float | None = None,
    other_plateau_p: float | None = None,
    interval: bool = True,
) -> Emergence:
    """Estimate where the mean effect emerges, with intervals, two sets and the outcome.

    Estimands, for the mean effect theta over scenes: `lambda_half`, the first layer at or above
    half of theta's mean over the plateau; `lambda_first` and `lambda_sustained`, the first layer
    above `margin` and the first from which it stays above up to the horizon.

    `effect` is real minus blank, one row per scene, layers from 0 (embeddings) to L; by convention
    a share of the answer's entropy, and so is `margin`. `plateau` gives first and last layer of the
    window (default: last quarter up to the horizon), `horizon` the last layer considered (default:
    L). Choose both before looking at the results. `omnibus_p` replaces the sign-flip gate by the
    p-value of another test of the same null (label permutation, for a shuffled control), and
    `other_plateau_p` is the p-value of another test that the plateau must pass as well. All gates
    must be passed, each at 1 - level: an intersection-union test needs no correction. Without
    `interval` the crossing is estimated only, and the ends of its intervals are the estimate.

    Scenes must be independent, and effects symmetric about 0 under the null of the sign flips. The
    order of scenes makes no difference, and the same `rng` state gives the same result. Raises
    ValueError for values that are not finite (scene and layer named), too few scenes for the level
    (2^n flips must reach it), too few resamples, a margin that is not positive, a window or horizon
    outside the layers. Source: the docstrings of `half_crossing`, `forward_backward_set`,
    `sign_flip_max_t`; Berger (1982), Technometrics 24:295 (intersection-union).

    >>> effect = np.random.default_rng(0).normal([0, 0, 1, 1, 1], 0.1, (30, 5))
    >>> rng = np.random.default_rng(1)
    >>> found = emergence_layer(effect, rng=rng, margin=0.1, n_resamples=999)
    >>> found.outcome, found.layer.estimate, round(found.lambda_half.estimate, 1)
    ('emerged', 2, 1.5)
    """
    table = finite_array(effect, name="effect", axes=["scene", "layer"])
    margin = positive(margin, name="margin")
    level = probability(level, name="level")
    n_resamples = resamples_for_interval(n_resamples, level)
    least = max(2, int(np.ceil(-np.log2(1 - level) - 1e-9)))
    enough_scenes(len(table), name="effect", least=least, why=f" for level {level:g}")
    last = horizon_layer(horizon, table.shape[1])
    window = plateau_window(plateau, last)
    scenes = canonical_order(table[:, : last + 1])
    alpha = 1 - level

    if omnibus_p is None:
        omnibus_p = sign_flip_max_t(scenes, rng=rng, n_resamples=n_resamples).omnibus_p
    plateau_p = p_above(scenes[:, window].mean(axis=1) - margin)
    course = course_of(
        scenes, plateau=window, margin=margin, alpha=alpha, rng=rng, n_resamples=n_resamples
    )
    outcome = _outcome(
        course,
        alpha=alpha,
        omnibus_p=omnibus_p,
        plateau_p=max(plateau_p, other_plateau_p or 0),
    )
    crossing = None
    if outcome == "emerged" and course.monotone:
        crossing = (
            half_crossing(scenes, plateau=window, rng=rng, n_resamples=n_resamples, level=level)
            if interval
            else crossing_alone(scenes.mean(axis=0), plateau=window, level=level)
        )
    found = outcome != "not_emerged"
    above = scenes.mean(axis=0) > margin
    pair = (window.start, window.stop - 1)
    return Emergence(
        outcome=outcome,
        lambda_half=None if crossing is None else crossing[0],
        layer=None if crossing is None else crossing[1],
        monotone=course.monotone,
        declines=course.declines,
        fb_half=half_forward_backward_set(scenes, plateau=pair, level=level),
        fb_delta=forward_backward_set(scenes, margin=margin, level=level),
        lambda_first=_first(above) if found else None,
        lambda_sustained=_start_of_last_run(above) if found else None,
        omnibus_p=omnibus_p,
        plateau_p=plateau_p,
        plateau_mean=float(scenes[:, window].mean()),
        plateau=pair,
        horizon=last,
        margin=margin,
        level=level,
        mean=scenes.mean(axis=0),
        detectable_effect=minimum_detectable_effect(
            n_scenes=len(scenes), sd=scenes.std(axis=0, ddof=1), level=level
        ),
        n_scenes=len(scenes),
        n_resamples=n_resamples,
    )


def _outcome(course: Course, *, alpha: float, omnibus_p: float, plateau_p: float) -> Outcome:
    """The gates, each tested at `alpha`, in the order in which they exclude each other."""
    if omnibus_p > alpha:
        return "not_emerged"
    if course.was_above and course.ends_below:
        return "died"
    if plateau_p > alpha:
        return "not_emerged"
    return "from_start" if course.past_half_at_0 else "emerged"


def _first(flags: Bool[ndarray, " layer"]) -> int | None:
    return int(np.argmax(flags)) if flags.any() else None


def _start_of_last_run(flags: Bool[ndarray, " layer"]) -> int | None:
    """Start of the unbroken run that ends at the last layer."""
    if not flags[-1]:
        return None
    return len(flags) - (len(flags) if flags.all() else int(np.argmin(flags[::-1])))
