"""The share of a total effect that is moved: a ratio of means with Fieller's interval."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, ttest_1samp

from analysis.validate.causes import both_directions
from stats import moved_share
from stats.simulated_patches import simulated_patches


def rng(seed=0):
    return np.random.default_rng(seed)


def patches(seed=0, n_scenes=40):
    world = simulated_patches(rng(seed), "gradual", n_scenes=n_scenes)
    return world.image, world.total


def test_what_holds_by_construction_is_exact():
    found = moved_share(*patches())
    for layer, share in ((0, 1.0), (-1, 0.0)):
        ends = found.low[layer], found.estimate[layer], found.high[layer]
        assert ends == (share, share, share)


def test_it_is_a_ratio_of_means_whatever_the_ratio_of_a_pair():
    moved = np.array([[2.0], [1.0], [-0.1], [0.0]])
    total = np.array([4.0, 2.0, 0.0, -0.5])
    assert moved_share(moved, total).estimate[0] == pytest.approx(2.9 / 5.5)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_at_its_ends_the_t_test_just_rejects(level):
    moved, total = patches(1, n_scenes=90)
    found = moved_share(moved, total, level=level)
    for layer in (2, 5, 9):
        for end in (found.low[layer], found.high[layer]):
            p = np.asarray(ttest_1samp(moved[:, layer] - end * total, 0))[1]
            assert p == pytest.approx(1 - level, abs=1e-9)
        assert found.low[layer] < found.estimate[layer] < found.high[layer]


@given(shift=st.floats(-3, 3), scale=st.floats(1e-6, 1e6))
def test_it_moves_with_the_share_and_not_with_the_unit(shift, scale):
    moved, total = patches(2)
    before = moved_share(moved, total)
    after = moved_share(scale * (moved + shift * total[:, None]), scale * total)
    for name in ("low", "estimate", "high"):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name) + shift, atol=1e-7)


def test_the_order_of_pairs_makes_no_difference():
    moved, total = patches(3)
    order = rng().permutation(len(total))
    before, after = moved_share(moved, total), moved_share(moved[order], total[order])
    assert before.estimate.tolist() == after.estimate.tolist()
    assert before.high.tolist() == after.high.tolist()


@pytest.mark.parametrize("centre", [0.05, -0.05, -2.0])
def test_a_total_that_is_not_shown_gives_no_bounds_and_no_warning(centre):
    total = np.linspace(-1, 1, 20) + centre
    found = moved_share(total[:, None] * [0.5, 1.0], total)
    assert np.isneginf(found.low).all()
    assert np.isposinf(found.high).all()
    assert np.isnan(found.estimate).all() == (total.mean() <= 0)


def test_parts_that_do_not_add_up_leave_an_interaction():
    moved, total = patches(4)
    parts = moved[:, [5]] + 0.2 * total[:, None]
    found = moved_share(total[:, None] - parts, total)
    whole = moved_share(parts, total)
    np.testing.assert_allclose(found.estimate, 1 - whole.estimate)
    np.testing.assert_allclose(found.low, 1 - whole.high)


def test_it_covers_and_directions_taken_for_pairs_do_not():
    n, stream, held, doubled = 400, rng(5), 0, 0
    for _ in range(n):
        world = simulated_patches(stream, "gradual", n_scenes=40)
        found = moved_share(world.image, world.total)
        held += found.low[5] <= world.share[5] <= found.high[5]
        found = moved_share(*both_directions(stream, world))
        doubled += found.low[5] <= world.share[5] <= found.high[5]
    assert held >= binom.ppf(0.001, n, 0.94)
    assert doubled < binom.ppf(0.001, n, 0.94)


@pytest.mark.parametrize(
    ("moved", "total", "message"),
    [
        (np.ones((3, 2)), np.ones(2), "one value per scene"),
        (np.ones((1, 2)), np.ones(1), "at least 2 scenes"),
        (np.array([[1.0], [np.nan]]), np.ones(2), "`moved` must be finite"),
        (np.ones((2, 1)), np.array([1.0, np.inf]), "`total` must be finite"),
    ],
)
def test_what_is_refused(moved, total, message):
    with pytest.raises(ValueError, match=message):
        moved_share(moved, total)
