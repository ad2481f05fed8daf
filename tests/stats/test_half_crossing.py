"""The isotonic crossing without the isotonic fit, and what may not move it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import isotonic_regression

from stats import half_plateau_crossing, isotonic_crossing
from stats.half_crossing import crossing_of, first_layer_past, half_crossing

curves = arrays(
    float, st.tuples(st.integers(1, 5), st.integers(1, 12)), elements=st.integers(-4, 4)
)


def crossing_of_scenes(effect, plateau, *, n_resamples):
    rng = np.random.default_rng(0)
    return half_crossing(effect, plateau=plateau, rng=rng, n_resamples=n_resamples, level=0.95)


def crossing_by_fit(curve, height):
    """The definition: fit, find the first layer at or above, interpolate the curve there."""
    fit = np.asarray(isotonic_regression(curve).x)
    reached = np.flatnonzero(fit >= height - 1e-12)
    if len(reached) == 0:
        return np.nan
    first = reached[0]
    if first == 0:
        return 0.0
    return first - 1 + (height - curve[first - 1]) / (curve[first] - curve[first - 1])


@given(curves, st.integers(-9, 9))
def test_equals_the_crossing_of_scipys_isotonic_fit(table, height):
    # Quarters are exact in binary, so that ties are ties.
    found = isotonic_crossing(table, np.full(len(table), height / 4))
    want = [crossing_by_fit(curve, height / 4) for curve in table]
    np.testing.assert_allclose(found, want, atol=1e-9)


@given(curves, st.integers(1, 9), st.integers(1, 3))
def test_layers_that_add_nothing_move_it_by_their_number(table, height, number):
    # Before the rise: copies of a first layer that is below the height.
    table[:, 0] = np.minimum(table[:, 0], 0)
    target = np.full(len(table), height / 4)
    deeper = np.hstack([np.repeat(table[:, :1], number, axis=1), table])
    found = isotonic_crossing(table, target)
    np.testing.assert_allclose(isotonic_crossing(deeper, target), found + number, atol=1e-12)


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
def test_without_noise_both_intervals_are_points(n_scenes):
    effect = np.tile([0, 0, 0, 1, 1, 1.0], (n_scenes, 1))
    found, layer = crossing_of_scenes(effect, slice(4, 6), n_resamples=99)
    assert (found.estimate, found.low, found.high) == (2.5, 2.5, 2.5)
    assert (layer.estimate, layer.low, layer.high) == (3, 3, 3)
    assert found.level == layer.level == 0.95


def test_a_plateau_that_may_be_absent_leaves_the_interval_open():
    effect = 0.02 + np.random.default_rng(1).standard_normal((30, 6))
    found, layer = crossing_of_scenes(effect, slice(4, 6), n_resamples=499)
    assert (found.low, found.high) == (0.0, 5.0)
    assert (layer.low, layer.high) == (0, 5)


def test_without_a_plateau_there_is_neither_crossing_nor_layer():
    effect = np.random.default_rng(1).standard_normal((30, 6)) - 1
    found, layer = crossing_of_scenes(effect, slice(4, 6), n_resamples=99)
    assert np.isnan(found.estimate)
    assert layer.estimate is None
    assert (found.low, found.high, layer.low, layer.high) == (0.0, 5.0, 0, 5)


@given(
    arrays(float, st.tuples(st.just(99), st.integers(3, 8)), elements=st.integers(-4, 4)),
    st.sampled_from([0.8, 0.9, 0.95]),
)
def test_the_whole_layer_and_its_ends_are_those_of_the_crossing_rounded_up(curves, level):
    window = slice(curves.shape[1] - 2, curves.shape[1])
    mean = np.linspace(0, 1, curves.shape[1])
    found, layer = crossing_of(mean, curves, plateau=window, level=level)
    ends = [first_layer_past(end) for end in (found.low, found.high)]
    assert layer.estimate == first_layer_past(found.estimate)
    assert layer.low <= ends[0] <= ends[1] <= layer.high
    # Of resamples whose whole layer is counted, no more than the tail lie beyond either end.
    crossings = half_plateau_crossing(curves, window)
    late = np.ceil(np.nan_to_num(crossings, nan=curves.shape[1] - 1.0) - 1e-9)
    early = np.ceil(np.nan_to_num(crossings, nan=0.0) - 1e-9)
    assert np.mean(late > layer.high) <= (1 - level) / 2
    assert np.mean(early < layer.low) <= (1 - level) / 2


def test_a_crossing_on_a_layer_is_that_layer_whatever_rounding_adds():
    assert [first_layer_past(each) for each in (0.0, 3.0, 3 + 1e-12, 3 + 1e-6)] == [0, 3, 3, 4]
