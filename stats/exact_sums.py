"""Numbers rounded so that their weighted sums have no rounding error at all.

A sum of floats depends in its last bits on the order of the additions, and a matrix product
chooses that order by block size, processor and number of threads. Rounded to a common grid that
is coarse enough for every partial sum to be a whole number of at most 53 bits, the same sums are
exact: the same bytes on every machine, and equal resamples tie exactly. What it costs is the
rounding itself: with n scenes, n / 2^53 of the largest value.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

# One bit below float64's 53, for the rounding of the values themselves.
_BITS = 52

# Of the smallest number above zero.
_LEAST_EXPONENT = -1074


def unit_scale(
    values: Float[ndarray, "row *column"],
) -> tuple[Float[ndarray, "row *column"], Int[ndarray, " *column"]]:
    """`values` with the largest of each column in [.5, 1), and the power of two taken out.

    The second result is the exponent of that power, per column. Nothing is rounded, except values
    below 2^-1022 of the column's largest. The purpose is squares: those of numbers beyond 1e154 are
    infinite and those of numbers below 1e-154 lose digits, but those of the scaled values do
    neither.

    >>> scaled, exponent = unit_scale(np.array([[6.0], [-3.0]]))
    >>> scaled.tolist(), exponent.tolist()
    ([[0.75], [-0.375]], [3])
    """
    _, exponent = np.frexp(np.abs(values).max(axis=0))
    return np.ldexp(values, -exponent), exponent


def grid_unit(
    values: Float[ndarray, "row *column"], *, total_weight: int
) -> Float[ndarray, " *column"]:
    """The spacing of the grid of `on_exact_grid`, per column: a power of two, in the values' unit.

    >>> grid_unit(np.array([[1.0]]), total_weight=1).tolist() == [2.0**-50]
    True
    """
    _, exponent = np.frexp(np.abs(values).max(axis=0))
    return np.ldexp(1.0, np.maximum(exponent + total_weight.bit_length() - _BITS, _LEAST_EXPONENT))


def on_exact_grid(
    values: Float[ndarray, "row *column"], *, total_weight: int
) -> Float[ndarray, "row *column"]:
    """`values` rounded so that sums with whole weights of at most `total_weight` in all are exact.

    The weights count by their absolute values. Each column has a grid of its own, whose spacing is
    given by `grid_unit`.

    >>> tenths = np.array([[0.1], [0.2], [0.3]])
    >>> a, b, c = on_exact_grid(tenths, total_weight=3).ravel()
    >>> bool((a + b) + c == a + (b + c)), (0.1 + 0.2) + 0.3 == 0.1 + (0.2 + 0.3)
    (True, False)
    """
    unit = grid_unit(values, total_weight=total_weight)
    return np.rint(values / unit) * unit
