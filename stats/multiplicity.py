"""P-values of several tests adjusted for each other, by Holm, BH or BY.

Holm's method bounds the probability of any false rejection, those of Benjamini and Hochberg (BH)
and of Benjamini and Yekutieli (BY) the expected share of false ones among the rejections.
"""

from typing import Literal, get_args

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from statsmodels.stats.multitest import multipletests

from stats.arguments import finite_array

Correction = Literal["holm", "bh", "by"]

_STATSMODELS_NAME = {"bh": "fdr_bh", "by": "fdr_by"}


def adjusted_p(
    p: Float[ndarray, "*test"], *, correction: Correction = "holm"
) -> Float[ndarray, "*test"]:
    """Adjust p-values for each other, so that each holds for all of them simultaneously.

    A test is rejected where its adjusted p-value is at most the level. "holm" bounds the
    probability of any false rejection, whatever the dependence; "bh" the expected share of false
    ones among the rejections, for independent or positively dependent tests; "by" the same whatever
    the dependence. All axes are one family.

    Raises ValueError for values outside 0..1. Source: Holm (1979), Scand. J. Stat. 6:65;
    Benjamini & Hochberg (1995), JRSS B 57:289; Benjamini & Yekutieli (2001), Ann. Stat. 29:1165.

    >>> adjusted_p(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    table = finite_array(p, name="p", axes=[], open_ended=True)
    if correction not in get_args(Correction):
        known = list(get_args(Correction))
        raise ValueError(f"`correction` must be one of {known}, got {correction!r}: choose one")
    outside = table[(table < 0) | (table > 1)]
    if outside.size:
        raise ValueError(f"`p` must lie in 0..1, got {outside[0]}: pass p-values")
    if correction == "holm":
        return _holm(table.ravel()).reshape(table.shape)
    adjusted = multipletests(table.ravel(), method=_STATSMODELS_NAME[correction])[1]
    return np.minimum(np.asarray(adjusted), 1.0).reshape(table.shape)


def _holm(p: Float[ndarray, " test"]) -> Float[ndarray, " test"]:
    # Not statsmodels': it collects all garbage at every call, which takes a thousand times longer.
    order = np.argsort(p)
    rising = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(rising, 1.0)
    return adjusted
