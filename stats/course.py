"""What a curve over layers is shown to do: rise past half of its plateau, fall, or end low.

Each statement is made only where a test shows it. That something is not shown is never taken to
show its opposite.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.stats import t as student_t

from stats.forward_backward import excess_over_half, shown_above, shown_below
from stats.half_crossing import first_layer_past, half_plateau_crossing
from stats.sign_flip import sign_flip_max_t


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Statements about a mean curve, each at the level of the study."""

    was_above: bool
    """Some layer's effect is shown above the margin, adjusted over layers."""
    ends_below: bool
    """The last layer's effect is shown below the margin."""
    declines: bool
    """Some layer's effect is shown to exceed the last layer's by more than the margin, adjusted
    over layers."""
    past_half_at_0: bool
    """Layer 0 is shown past half of the plateau."""
    monotone: bool
    """No layer is shown below half of the plateau, adjusted over layers, after the crossing or
    after a layer that is shown above it."""


def course_of(
    effect: Float[ndarray, "scene layer"],
    *,
    plateau: slice,
    margin: float,
    alpha: float,
    rng: np.random.Generator,
    n_resamples: int,
) -> Course:
    """Test what the mean effect does from the first layer to the last, each at level 1 - alpha.

    Rows are independent scenes. `plateau` is the window of layers whose mean is the plateau, and
    `margin` the least effect that matters, in the unit of the effect. The tests are one-sided t
    tests over scenes, and sign flips with the maximum t where several layers are tested at once.

    >>> effect = np.random.default_rng(0).normal([0, 0, 1, 1], 0.1, (20, 4))
    >>> rng = np.random.default_rng(1)
    >>> window = slice(3, 4)
    >>> course = course_of(effect, plateau=window, margin=0.1, alpha=0.05, rng=rng, n_resamples=999)
    >>> course.was_above, course.past_half_at_0, course.monotone
    (True, False, True)
    """
    above = shown_above(effect - margin, alpha=alpha)
    below = shown_below(effect - margin, alpha=alpha)
    excess = excess_over_half(effect, plateau)
    past_half_at_0 = bool(shown_above(excess[:, :1], alpha=alpha).item())
    was_above = falls = False
    if above.any():  # A test of all layers finds nothing where none alone is significant.
        p = sign_flip_max_t(effect - margin, rng=rng, n_resamples=n_resamples).p
        was_above = bool((p <= alpha).any())
    fall = effect[:, :-1] - effect[:, -1:] - margin
    if fall.shape[1] and (fall.mean(axis=0) > 0).any():
        falls = sign_flip_max_t(fall, rng=rng, n_resamples=n_resamples).omnibus_p <= alpha
    return Course(
        was_above=was_above,
        ends_below=bool(below[-1]),
        declines=falls,
        past_half_at_0=past_half_at_0,
        monotone=_monotone(effect, excess, plateau, alpha, rng=rng, n_resamples=n_resamples),
    )


def p_above(excess: Float[ndarray, " scene"]) -> float:
    """The p-value for "the mean is not above 0", by a one-sided t test over scenes; never 0.

    Where the scenes do not differ the sign of the mean decides: p is the least positive number that
    a float can hold for a mean above 0, and otherwise 1.

    >>> round(p_above(np.array([1.0, 2.0, 3.0])), 3)
    0.037
    """
    mean, spread = excess.mean(), excess.std(ddof=1)
    if spread <= 1e-12 * np.abs(excess).max():
        return float(np.finfo(float).tiny) if mean > 0 else 1.0
    t = mean / (spread / np.sqrt(len(excess)))
    return float(max(student_t.sf(t, len(excess) - 1), np.finfo(float).tiny))


def _monotone(
    effect: Float[ndarray, "scene layer"],
    excess: Float[ndarray, "scene layer"],
    plateau: slice,
    alpha: float,
    *,
    rng: np.random.Generator,
    n_resamples: int,
) -> bool:
    """Whether no fall below half of the plateau is shown.

    Both signs of every layer are tested together, so that a curve that rises once and for all is
    said to fall in at most a share alpha of the studies: if one layer is shown above the half and a
    later one below it, one of the two must then be an error.
    """
    mean = effect.mean(axis=0)
    crossing = half_plateau_crossing(mean[None], plateau)[0]
    low = excess.mean(axis=0) < 0
    if np.isnan(crossing) or not low.any():
        return True
    p = sign_flip_max_t(excess, rng=rng, n_resamples=n_resamples, tail="two-sided").p
    clear = p <= alpha
    starts = np.flatnonzero(clear & ~low).tolist() + [first_layer_past(crossing)]
    return not (clear & low)[min(starts) :].any()
