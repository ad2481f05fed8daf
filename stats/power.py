"""How large an effect would have been found, and how many scenes does it take to find one?

The first of these numbers stands beside every "not emerged" in the report.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.optimize import root_scalar
from scipy.stats import chi2, nct, norm
from scipy.stats import t as student_t

from stats.arguments import enough_scenes, finite_array, positive, probability

_MOST_SCENES = 2**40


def minimum_detectable_effect(
    *,
    n_scenes: int,
    sd: Float[ndarray, "*layer"] | Sequence[float] | float,
    n_layers: int | None = None,
    level: float = 0.95,
    power: float = 0.8,
) -> Float[ndarray, "*layer"]:
    """Smallest mean effect at a layer that the test would find with probability `power`.

    It is for the one-sided t test of one layer among `n_layers` (default: as many as `sd` has
    values) under Bonferroni; the maximum-t test finds as much or more, the more the layers are
    correlated. `sd` is the standard deviation between scenes, one number or one per layer; the
    result has its shape and unit. For many scenes it is (z(1 - alpha / layers) + z(power)) sd /
    sqrt(n): 3.75 sd / sqrt(n) at 28 layers, level .95, power .8.

    Assumption: normal means. Raises ValueError for fewer than 2 scenes, for an `sd` that is
    negative or not finite, and for a level or power that is not between 0 and 1. Source: noncentral
    t, Cohen (1988), Statistical Power Analysis for the Behavioral Sciences.

    >>> minimum_detectable_effect(n_scenes=200, sd=0.3, n_layers=28).round(3).item()
    0.081
    """
    spread = finite_array(sd, name="sd", axes=[], open_ended=True)
    if (spread < 0).any():
        raise ValueError(f"`sd` must not be negative, got {spread.min()}: pass standard deviations")
    enough_scenes(n_scenes, name="n_scenes")
    tests = spread.size if n_layers is None else n_layers
    if tests < 1:
        raise ValueError(f"`n_layers` must be at least 1, got {tests}: count the layers tested")
    level, power = probability(level, name="level"), probability(power, name="power")
    critical = float(student_t.ppf(1 - (1 - level) / tests, n_scenes - 1))
    shift = _noncentrality(critical, n_scenes - 1, power)
    return np.asarray(shift * spread / np.sqrt(n_scenes))


def _noncentrality(critical: float, degrees: int, power: float) -> float:
    """The shift, in standard errors, at which t exceeds `critical` with probability `power`."""

    def shortfall(shift: float) -> float:
        return nct.sf(critical, degrees, shift).item() - power

    upper = 2 * critical + 5
    while shortfall(upper) < 0:
        upper *= 2
    return root_scalar(shortfall, bracket=(min(0.0, critical - 10), upper), xtol=1e-10).root


def scenes_to_detect(
    effect: float, *, sd: float, n_layers: int = 1, level: float = 0.95, power: float = 0.8
) -> int:
    """Least number of scenes at which `effect` at one of `n_layers` is found with that power.

    This is the inverse of `minimum_detectable_effect`, with its test and its assumptions; the
    result is at least 2. Effect and `sd` (between scenes) share a unit. Raises ValueError where
    that function does, and for an effect that is not positive.

    >>> scenes_to_detect(0.08, sd=0.3, n_layers=28)
    203
    """
    size = positive(effect, name="effect")

    def detectable(n_scenes: int) -> float:
        return minimum_detectable_effect(
            n_scenes=n_scenes, sd=sd, n_layers=n_layers, level=level, power=power
        ).item()

    return _least_scenes(lambda n_scenes: detectable(n_scenes) <= size)


def scenes_for_equivalence(
    margin: float, *, sd: float, level: float = 0.95, power: float = 0.8
) -> int:
    """Least number of scenes at which no effect is shown to be within the margin, with that power.

    It is for the two one-sided t tests of one layer whose true effect is 0. At level .95 and power
    .8 that is about 8.6 (sd / margin)^2. Margin and `sd` (between scenes) share a unit. Raises
    ValueError for a margin that is not positive, for a negative `sd` and for a level or power that
    is not between 0 and 1. Source: Owen (1965), Biometrika 52:437, by integration over the estimate
    of the spread.

    >>> scenes_for_equivalence(0.1, sd=0.3)
    79
    """
    delta = positive(margin, name="margin")
    spread = float(finite_array(sd, name="sd", axes=[]))
    if spread < 0:
        raise ValueError(f"`sd` must not be negative, got {sd}: pass a standard deviation")
    level, power = probability(level, name="level"), probability(power, name="power")
    if spread == 0:
        return 2
    # In quantiles of the spread's distribution the integral is a mean over even steps.
    steps = (np.arange(2000) + 0.5) / 2000

    def shown(n_scenes: int) -> float:
        degrees = n_scenes - 1
        s = np.sqrt(chi2.ppf(steps, degrees) / degrees)
        reach = delta / spread * np.sqrt(n_scenes) - student_t.ppf(level, degrees) * s
        return float(np.mean(np.where(reach > 0, 1 - 2 * norm.sf(reach), 0.0)))

    return _least_scenes(lambda n_scenes: shown(n_scenes) >= power)


def _least_scenes(enough: Callable[[int], bool]) -> int:
    """Smallest number of at least 2 that is enough, where every larger one is too."""
    high = 2
    while not enough(high):
        if high > _MOST_SCENES:
            raise ValueError(
                f"more than {_MOST_SCENES} scenes would be needed: the effect or margin is too "
                "small for its spread, raise it or reduce the noise"
            )
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
