"""Quantiles of many columns of resamples, by looking at the tails only.

The ends of an interval are order statistics of the outer few percent. What cannot be among them
is left out first, so that the selection works on a tenth of the resamples; the values are exactly
those of numpy's default quantile.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import ndtri

# Candidates reach this many standard deviations further in than the normal quantile would.
_SPARE = 0.4


def tail_quantiles(
    columns: Float[ndarray, "column resample"], shares: tuple[float, float]
) -> Float[ndarray, "2 column"]:
    """The quantiles at both `shares` of each row, interpolated between neighbouring values.

    They equal those of `numpy.quantile` to the last bit.

    >>> rows = np.random.default_rng(0).normal(size=(2, 999))
    >>> ends = tail_quantiles(rows, (0.025, 0.975))
    >>> (ends == np.quantile(rows, [0.025, 0.975], axis=1)).all().item()
    True
    """
    last = columns.shape[1] - 1
    mean, spread = columns.mean(axis=1), columns.std(axis=1)
    ends = np.empty((2, len(columns)))
    for end, share in enumerate(shares):
        first = int(share * last)
        upper = 2 * first > last
        # How many resamples lie further out than the two order statistics on either side.
        further = (last - first, max(last - first - 1, 0)) if upper else (first, first + 1)
        reach = (-ndtri(min(share, 1 - share)) - _SPARE) * spread
        for column, row in enumerate(columns):
            outer = row[row > mean[column] + reach[column]] if upper else (
                row[row < mean[column] - reach[column]]
            )  # fmt: skip
            tail = outer if len(outer) > max(further) else row
            order = [len(tail) - 1 - count if upper else count for count in further]
            low, high = np.partition(tail, order)[order]
            ends[end, column] = _between(low, high, share * last - first)
    return ends


def _between(low: float, high: float, share: float) -> float:
    """numpy's interpolation, to the last bit."""
    step = high - low
    return high - step * (1 - share) if share >= 0.5 else low + step * share
