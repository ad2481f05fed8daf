"""The gap between two crossings on the same pairs: exact cases, coverage, refusals."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from analysis.validate.causes import earlier_readout
from stats import CrossingCurve, crossing_gap, emergence_order, hand_over
from stats.simulated_patches import simulated_patches


def rng(seed=0):
    return np.random.default_rng(seed)


def both(seed=0, n_scenes=60) -> tuple[Any, Any]:
    stream = rng(seed)
    world = simulated_patches(stream, "gradual", n_scenes=n_scenes, noise_sd=0.1)
    left = CrossingCurve(rows=world.image, total=world.total, falls=True)
    return CrossingCurve(rows=earlier_readout(stream, world)), left


def gap(first, second, *, seed=0, n_resamples=199):
    return crossing_gap(first, second, rng=rng(seed), n_resamples=n_resamples)


def test_it_is_the_difference_of_two_crossings():
    read, left = both(n_scenes=150)
    found = gap(read, left)
    out: Any = hand_over(left.rows, left.total, falls=True, rng=rng(), n_resamples=199)
    order = emergence_order({"a": read.rows, "b": read.rows}, rng=rng(), n_resamples=199)
    assert found.estimate == pytest.approx(out.half.estimate - order.estimates["a"])
    assert found.low < found.estimate < found.high
    assert (found.p, found.p_earlier) == (2 / 200, 1 / 200)


def test_exchanged_it_changes_its_sign():
    one, other = gap(*both()), gap(*both()[::-1])
    assert one.estimate == pytest.approx(-other.estimate)
    assert one.p < 0.05


def test_of_two_readouts_it_is_that_of_the_order():
    read, _ = both(n_scenes=250)
    late = np.hstack([read.rows[:, :2], read.rows[:, :-2]])
    found = gap(read, CrossingCurve(rows=late))
    order = emergence_order({"a": read.rows, "b": late}, rng=rng(), n_resamples=199)
    theirs = order.differences["a", "b"]
    assert (found.estimate, found.sets_apart) == (theirs.estimate, theirs.sets_apart)
    assert found.low == pytest.approx(theirs.low)


def test_a_curve_and_itself_have_no_gap():
    _, left = both()
    found = gap(left, left)
    assert (found.estimate, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_curves_of_unequal_depth_compare_in_their_own_layers():
    read, _ = both()
    deep = CrossingCurve(rows=np.repeat(read.rows, 2, axis=1), plateau=(20, 25))
    assert gap(read, deep).estimate > 1


def test_a_crossing_that_is_not_reached_is_no_number():
    read, left = both()
    short = CrossingCurve(rows=left.rows[:, :3], total=left.total, falls=True)
    found = gap(read, short)
    assert np.isnan(found.estimate)
    assert found.p == 1


def test_it_covers_and_pairs_taken_for_independent_give_too_wide_an_interval():
    n, stream, paired, widths = 120, rng(7), 0, []
    for repetition in range(n):
        world = simulated_patches(stream, "gradual", n_scenes=60)
        left = CrossingCurve(rows=world.image, total=world.total, falls=True)
        rows = earlier_readout(stream, world)
        found = gap(CrossingCurve(rows=rows), left, seed=repetition)
        paired += found.low <= 3 <= found.high
        apart = gap(CrossingCurve(rows=stream.permutation(rows)), left, seed=repetition)
        widths.append((apart.high - apart.low) / (found.high - found.low))
    assert paired >= binom.ppf(0.001, n, 0.94)
    assert np.median(widths) > 1.3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"falls": True}, "must have a `total`"),
        ({"total": np.ones(3), "plateau": (1, 2)}, "must not have both"),
        ({"total": np.ones(2)}, "one value per scene"),
        ({"plateau": (1, 9)}, "`plateau` must give"),
    ],
)
def test_what_is_refused(options, message):
    rows = np.arange(9.0).reshape(3, 3)
    with pytest.raises(ValueError, match=message):
        gap(CrossingCurve(rows=rows), CrossingCurve(rows=rows, **options))


def test_other_scenes_are_refused():
    with pytest.raises(ValueError, match="same scenes"):
        gap(CrossingCurve(rows=np.eye(3)), CrossingCurve(rows=np.eye(4)))
