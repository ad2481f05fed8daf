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
from stats.forward_backward import (
    LayerSet,
    excess_over_half,
    forward_backward_set,
    half_forward_backward_set,
    shown,
)
from stats.half_crossing import HalfCrossing, half_crossing
from stats.power import minimum_detectable_effect
from stats.scenes import canonical_order
from stats.sign_flip import sign_flip_max_t

Outcome = Literal["emerged", "not_emerged", "from_start", "died"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergence:
    """Where the effect emerges, or why there is no such layer."""

    outcome: Outcome
    """"emerged": `lambda_half` is a number. "not_emerged": no effect shown, or no plateau above
    the margin. "from_start": past half of the plateau already at layer 0. "died": shown above the
    margin, then fallen, and not shown above it at the horizon."""
    lambda_half: HalfCrossing | None
    """Layer of half the plateau with its bootstrap interval; None unless emerged."""
    fb_half: LayerSet
    """Forward-backward set for half of the plateau; meaningful where the plateau is positive."""
    fb_delta: LayerSet
    """Forward-backward set for the margin; valid whatever the outcome."""
    lambda_first: int | None
    """First layer whose mean effect exceeds the margin; None if none does or not emerged."""
    lambda_sustained: int | None
    """First layer from which it does so up to the horizon; None likewise."""
    omnibus_p: float
    """For "no positive effect at any layer": sign-flip maximum t, unless a test was handed in."""
    plateau_mean: float
    """Mean effect over the plateau window."""
    plateau: tuple[int, int]
    """First and last layer of the plateau window."""
    horizon: int
    """Last layer considered."""
    margin: float
    """Least effect that matters, in the unit of the effect."""
    level: float
    """Level of the interval and of both sets; the gates are tested at 1 - level."""
    mean: Float[ndarray, " layer"]
    """Mean effect per layer, up to the horizon."""
    detectable_effect: Float[ndarray, " layer"]
    """Effect that would have been found at each layer with power .8."""
    n_scenes: int
    """Scenes, the units of all of this."""
    n_resamples: int
    """Resamples of the interval and flips of the tests."""


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
) -> Emergence:
    """Estimate where the mean effect emerges, with an interval, two sets and the outcome.

    Estimands, for the mean effect theta over scenes: `lambda_half`, the first layer at or above
    half of theta's mean over the plateau; `lambda_first` and `lambda_sustained`, the first layer
    above `margin` and the first from which it stays above up to the horizon.

    `effect` is real minus control, one row per scene, layers from 0 (embeddings) to L; by
    convention a share of the answer's entropy, and so is `margin`. `plateau` gives first and last
    layer of the window (default: last quarter up to the horizon), `horizon` the last layer
    considered (default: L). Declare them before looking. `omnibus_p` replaces the sign-flip gate by
    the p-value of another test of the same null (label permutation, for a shuffled control).

    Scenes must be independent; effects symmetric about 0 under the null of the gate. The order
    of scenes is moot, and the same `rng` state gives the same result. Raises ValueError for
    values that are not finite (scene and layer named), too few scenes for the level (2^n flips
    must reach it), too few resamples, a margin that is not positive, a window or horizon outside
    the layers. Source: docstrings of `half_crossing`, `forward_backward_set`, `sign_flip_max_t`.
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

    if omnibus_p is None:
        omnibus_p = sign_flip_max_t(scenes, rng=rng, n_resamples=n_resamples).omnibus_p
    outcome = _outcome(
        scenes,
        window,
        margin=margin,
        alpha=1 - level,
        omnibus_p=omnibus_p,
        rng=rng,
        n_resamples=n_resamples,
    )
    crossing = None
    if outcome == "emerged":
        crossing = half_crossing(
            scenes, plateau=window, rng=rng, n_resamples=n_resamples, level=level
        )
    found = outcome != "not_emerged"
    above = scenes.mean(axis=0) > margin
    pair = (window.start, window.stop - 1)
    return Emergence(
        outcome=outcome,
        lambda_half=crossing,
        fb_half=half_forward_backward_set(scenes, plateau=pair, level=level),
        fb_delta=forward_backward_set(scenes, margin=margin, level=level),
        lambda_first=_first(above) if found else None,
        lambda_sustained=_start_of_last_run(above) if found else None,
        omnibus_p=omnibus_p,
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


def _outcome(
    scenes: Float[ndarray, "scene layer"],
    window: slice,
    *,
    margin: float,
    alpha: float,
    omnibus_p: float,
    rng: np.random.Generator,
    n_resamples: int,
) -> Outcome:
    """The gates, each tested at `alpha`, in the order in which they exclude each other."""
    if omnibus_p > alpha:
        return "not_emerged"
    last_is_above = shown(scenes[:, -1:] - margin, alpha=alpha)[1].item()
    if not last_is_above and _fell(scenes, margin, alpha, rng=rng, n_resamples=n_resamples):
        return "died"
    if not shown(scenes[:, window].mean(axis=1, keepdims=True) - margin, alpha=alpha)[1].item():
        return "not_emerged"
    past_half_at_0 = shown(excess_over_half(scenes, window)[:, :1], alpha=alpha)[1].item()
    return "from_start" if past_half_at_0 else "emerged"


def _fell(
    scenes: Float[ndarray, "scene layer"],
    margin: float,
    alpha: float,
    *,
    rng: np.random.Generator,
    n_resamples: int,
) -> bool:
    """One layer is shown both above the margin and above the last layer.

    Missing significance at the horizon is no evidence of a fall; this is. Adjusted over layers.
    """
    if scenes.shape[1] < 2:
        return False
    earlier, final = scenes[:, :-1], scenes[:, -1:]
    both = np.stack([earlier - margin, earlier - final], axis=2)
    p = sign_flip_max_t(both, rng=rng, n_resamples=n_resamples).p
    return bool((p <= alpha).all(axis=1).any())


def _first(flags: Bool[ndarray, " layer"]) -> int | None:
    return int(np.argmax(flags)) if flags.any() else None


def _start_of_last_run(flags: Bool[ndarray, " layer"]) -> int | None:
    """Start of the unbroken run that ends at the last layer."""
    if not flags[-1]:
        return None
    return len(flags) - (len(flags) if flags.all() else int(np.argmin(flags[::-1])))
