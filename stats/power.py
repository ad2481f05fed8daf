"""How large an effect would have been found? What stands beside every "not emerged"."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.optimize import root_scalar
from scipy.stats import nct
from scipy.stats import t as student_t

from stats.arguments import enough_scenes, finite_array, probability


def minimum_detectable_effect(
    *,
    n_scenes: int,
    sd: Float[ndarray, "*layer"] | Sequence[float] | float,
    n_layers: int | None = None,
    level: float = 0.95,
    power: float = 0.8,
) -> Float[ndarray, "*layer"]:
    """Smallest mean effect at a layer that the test would find with probability `power`.

    For the one-sided t test of one layer among `n_layers` (default: as many as `sd` has values)
    under Bonferroni; the maximum-t test finds as much or more, the more the layers are
    correlated. `sd` is the standard deviation between scenes, one number or one per layer; the
    result has its shape and unit. For many scenes it is (z(1 - alpha / layers) + z(power)) sd /
    sqrt(n): 3.75 sd / sqrt(n) at 28 layers, level .95, power .8.

    Assumption: normal means. Raises ValueError for fewer than 2 scenes, a negative or
    non-finite `sd`, or a level or power outside (0, 1). Source: noncentral t, Cohen (1988).
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
