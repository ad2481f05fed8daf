"""The layer and the window of a hand-over: exact cases, turned curves, coverage, refusals."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from analysis.validate.causes import both_directions, holds_crossing, holds_window
from stats import half_plateau_crossing, hand_over, hand_over_window
from stats.half_crossing import half_crossing
from stats.hand_over import rising_to_total
from stats.simulated_patches import simulated_patches


def rng(seed=0):
    return np.random.default_rng(seed)


def over(moved, total, *, falls=True, seed=0, n_resamples=199, level=0.95) -> Any:
    return hand_over(moved, total, falls=falls, rng=rng(seed), n_resamples=n_resamples, level=level)


def window_of(moved, total, **options) -> Any:
    return hand_over_window(moved, total, **options)


def planted(shares, *, n_scenes=60, sd=0.1, seed=0):
    stream = rng(seed)
    total = stream.normal(1.0, 0.3, n_scenes)
    inner = np.ones(len(shares))
    inner[[0, -1]] = 0
    spread = sd * inner * stream.standard_normal((n_scenes, len(shares)))
    return total[:, None] * np.array(shares) + spread, total


def test_a_falling_curve_is_the_rising_one_of_what_is_left():
    moved, total = planted([1, 1, 0.7, 0.2, 0])
    down, up = over(moved, total), over(total[:, None] - moved, total, falls=False)
    assert (down.layer, down.fb_half) == (up.layer, up.fb_half)
    assert down.half.estimate == pytest.approx(up.half.estimate)
    assert down.half.low == pytest.approx(up.half.low, abs=0.01)
    assert (down.falls, up.falls) == (True, False)
    assert down.half.estimate == pytest.approx(2.4, abs=0.1)


def test_it_is_the_crossing_of_half_a_plateau_where_the_last_layer_holds_the_total():
    moved, total = planted([0, 0, 0.3, 0.9, 1])
    moved[:, -1] = total
    found = over(moved, total, falls=False)
    half, layer = half_crossing(
        rising_to_total(moved, total, falls=False), plateau=slice(4, 5), rng=rng(),
        n_resamples=199, level=0.95,
    )  # fmt: skip
    assert found.half.estimate == pytest.approx(half.estimate)
    assert found.layer.estimate == layer.estimate
    assert found.half.estimate == half_plateau_crossing(moved.mean(0)[None], slice(4, 5))[0]


def test_blocks_that_add_nothing_move_it_by_their_number():
    moved, total = planted([1, 1, 0.6, 0.1, 0])
    deeper = np.hstack([np.repeat(moved[:, :1], 3, axis=1), moved])
    before, after = over(moved, total), over(deeper, total)
    assert after.half.estimate == pytest.approx(before.half.estimate + 3)
    assert (after.half.low, after.half.high) == pytest.approx(
        (before.half.low + 3, before.half.high + 3)
    )
    ends = [(each.fb_half.low, each.fb_half.high) for each in (before, after)]
    assert ends[1] == (ends[0][0] + 3, ends[0][1] + 3)
    windows = [window_of(each, total) for each in (moved, deeper)]
    assert (windows[1].start, windows[1].end) == (windows[0].start + 3, windows[0].end + 3)


def test_the_unit_makes_no_difference():
    moved, total = planted([1, 0.8, 0.3, 0])
    one, other = over(moved, total), over(1e6 * moved, 1e6 * total)
    assert one.half.high == pytest.approx(other.half.high)
    assert one.fb_half.low == other.fb_half.low


def test_a_curve_that_falls_back_has_a_set_and_no_interval():
    found = over(*planted([0, 1, 0.1, 0.1, 1], sd=0.05), falls=False)
    assert not found.monotone
    assert found.half is None
    assert found.layer is None
    assert (found.fb_half.low, found.fb_half.high) == (1, 4)


def test_a_curve_past_half_at_layer_0_is_not_handed_over():
    found = over(*planted([0.2, 0.1, 0, 0]))
    assert found.from_start
    assert found.half is None
    assert found.fb_half.low == 0


def test_what_is_not_reached_by_the_last_layer_is_no_crossing():
    found = over(*planted([0, 0.1, 0.1, 0.2]), falls=False)
    assert found.half is None
    assert (found.fb_half.low, found.fb_half.high, found.fb_half.horizon) == (4, None, 3)


@pytest.mark.parametrize("falls", [True, False])
def test_a_total_that_is_not_positive_gives_nothing_and_no_warning(falls):
    moved, total = planted([1, 0.5, 0])
    found = over(-moved, -total, falls=falls)
    assert found.half is None
    assert found.fb_half.high is None
    window = window_of(-moved, -total)
    assert (window.start, window.end) == (None, None)


def test_an_interval_stays_within_the_layers():
    moved, total = planted([0, 0.2, 0.45, 0.55], n_scenes=12, sd=0.6)
    moved[:, -1] = 0.55 * total + rng(3).normal(0, 0.3, 12)
    found = over(moved, total, falls=False)
    assert 0 <= found.half.low <= found.half.estimate <= found.half.high <= 3
    assert 0 <= found.layer.low <= found.layer.high <= 3


def test_a_window_opens_and_closes_where_shown():
    window = window_of(*planted([1, 1, 0.98, 0.5, 0.2, 0.01, 0, 0], n_scenes=200))
    assert (window.start, window.end) == (2, 5)
    # A layer that is not shown ends the sequence, whatever follows it.
    window = window_of(*planted([1, 0.8, 1, 0, 0.3, 0], n_scenes=200))
    assert (window.start, window.end) == (0, 5)
    # A negative share is not nothing.
    window = window_of(*planted([1, 1, 0, -0.4, 0], n_scenes=200))
    assert window.end == 4


def test_a_window_grows_with_the_level():
    moved, total = planted([1, 0.97, 0.93, 0.5, 0.08, 0.05, 0.0], n_scenes=150)
    narrow, wide = (window_of(moved, total, level=level) for level in (0.6, 0.999))
    assert wide.start <= narrow.start
    assert narrow.end <= wide.end


@pytest.mark.parametrize("fall", ["step", "gradual"])
def test_intervals_sets_and_windows_cover_and_directions_taken_for_pairs_do_not(fall):
    n, stream = 150, rng(6)
    crossing = sets = windows = doubled = 0
    for repetition in range(n):
        world = simulated_patches(stream, fall, n_scenes=60)
        falls = repetition % 2 == 0
        found = over(world.image if falls else world.answer, world.total, falls=falls,
                     seed=repetition)  # fmt: skip
        crossing += holds_crossing(found, world.crossing)
        sets += found.fb_half.low <= 6 and (found.fb_half.high is None or found.fb_half.high >= 6)
        windows += holds_window(world, fall)
        if fall == "gradual":
            again = over(*both_directions(stream, world), seed=repetition)
            doubled += holds_crossing(again, world.crossing)
    least = binom.ppf(0.001, n, 0.94)
    assert min(crossing, sets, windows) >= least
    assert doubled < least


@pytest.mark.parametrize("margin", [0.0, 0.5, -0.1, np.nan])
def test_a_margin_must_be_a_share_below_a_half(margin):
    with pytest.raises(ValueError, match="`margin` must be a share between"):
        window_of(*planted([1, 0.0]), margin=margin)


def test_what_is_refused():
    moved, total = planted([1, 0.5, 0])
    with pytest.raises(ValueError, match="one value per scene"):
        over(moved, total[1:])
    with pytest.raises(ValueError, match="`n_resamples` must be"):
        over(moved, total, n_resamples=9)
    with pytest.raises(ValueError, match="`level` must lie"):
        window_of(moved, total, level=1.0)
