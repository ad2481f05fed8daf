"""The rank of one value among draws that are alike to it, if there is nothing special about it."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from stats.arguments import finite_array, probability

_TIE = 100 * np.finfo(float).eps


def rank_p(observed: float, draws: Float[ndarray, " draw"], *, level: float = 0.975) -> float:
    """The one-sided p-value of `observed` by its rank among `draws`, such as random positions.

    Null: the observed value is as likely as any of the draws to be the largest. p = (1 + draws that
    are as large) / (1 + draws), so it is never 0; values within 100 eps of the observed count as
    ties. For the maximum over layers, pass the maximum of each draw.

    Raises ValueError for values that are not finite, and for fewer draws than p <= 1 - `level`
    takes: 39 for .975, 19 for .95. Source: Phipson & Smyth (2010), doi:10.2202/1544-6115.1585.

    >>> rank_p(1.0, np.linspace(0.0, 0.9, 39))
    0.025
    """
    value = float(finite_array(observed, name="observed", axes=[]))
    others = finite_array(draws, name="draws", axes=["draw"])
    least = int(np.ceil(1 / (1 - probability(level, name="level")) - 1e-9)) - 1
    if len(others) < least:
        raise ValueError(
            f"`draws` must hold at least {least} values for level {level:g}, got {len(others)}: "
            "draw more, the p-value cannot be below 1 / (1 + their number)"
        )
    as_large = others >= value - _TIE * abs(value)
    return (1 + int(as_large.sum())) / (1 + len(others))
