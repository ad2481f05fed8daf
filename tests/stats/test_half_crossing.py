"""The isotonic crossing without the isotonic fit, and what may not move it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import isotonic_regression

from stats import half_plateau_crossing, isotonic_crossing
from stats.half_crossing import half_crossing

curves = arrays(
    float, st.tuples(st.integers(1, 5), st.integers(1, 12)), elements=st.integers(-4, 4)
)


def crossing_by_fit(curve, height):
    """The definition: fit, find the first layer at or above, interpolate."""
    fit = np.asarray(isotonic_regression(curve).x)
    reached = np.flatnonzero(fit >= height - 1e-12)
    if len(reached) == 0:
        return np.nan
    first = reached[0]
    if first == 0:
        return 0.0
    return first - 1 + (height - fit[first - 1]) / (fit[first] - fit[first - 1])


@given(curves, st.integers(-9, 9))
def test_equals_the_crossing_of_scipys_isotonic_fit(table, height):
    # Quarters are exact in binary, so that ties are ties.
    found = isotonic_crossing(table, np.full(len(table), height / 4))
    want = [crossing_by_fit(curve, height / 4) for curve in table]
    np.testing.assert_allclose(found, want, atol=1e-9)


@given(curves, st.sampled_from([0.25, 2.0, 1024.0]))
def test_amplitude_does_not_matter(table, amplitude):
    window = slice(table.shape[1] // 2, table.shape[1])
    np.testing.assert_array_equal(
        half_plateau_crossing(amplitude * table, window), half_plateau_crossing(table, window)
    )


def test_exact_cases():
    table = np.array([[0, 0, 0, 1, 1.0], [0, 0.5, 1, 1, 1], [1, 1, 1, 1, 1], [0, 0, 0, 0, -1]])
    found = half_plateau_crossing(table, slice(3, 5))
    np.testing.assert_array_equal(found, [2.5, 1.0, 0.0, np.nan])


@pytest.mark.parametrize("n_scenes", [20, 200])
def test_without_noise_the_interval_is_crossing_to_layer(n_scenes):
    effect = np.tile([0, 0, 0, 1, 1, 1.0], (n_scenes, 1))
    found = half_crossing(
        effect, plateau=slice(4, 6), rng=np.random.default_rng(0), n_resamples=99, level=0.95
    )
    assert (found.estimate, found.low, found.high) == (2.5, 2.5, 3.0)


def test_a_plateau_that_may_be_absent_leaves_the_interval_open():
    effect = 0.02 + np.random.default_rng(1).standard_normal((30, 6))
    found = half_crossing(
        effect, plateau=slice(4, 6), rng=np.random.default_rng(0), n_resamples=499, level=0.95
    )
    assert (found.low, found.high) == (0.0, 5.0)
