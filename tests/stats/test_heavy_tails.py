"""How few scenes carry the variance: by hand, for known distributions, whatever the unit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats.heavy_tails import heavy_tails


def rng(seed=0):
    return np.random.default_rng(seed)


def test_by_hand():
    """Squared deviations 16, 4, 4, 4, 4 of five scenes: two carry more than half."""
    rows = np.array([4.0, -2.0, -2.0, 2.0, -2.0])
    assert heavy_tails(rows[:, None]).n_carrying == 2
    # Half is not more than half: one of two scenes never suffices.
    assert heavy_tails(np.array([[1.0], [3.0]])).n_carrying == 2


def test_of_normal_scenes_an_eighth_carries_half():
    found = heavy_tails(rng().standard_normal((20_000, 3)))
    # The chi-squared distribution: those beyond 1.538 standard deviations, of one layer .124; over
    # three independent layers more.
    one = heavy_tails(rng().standard_normal((20_000, 1)))
    assert one.n_carrying / one.n_scenes == pytest.approx(0.124, abs=0.005)
    assert found.n_carrying > one.n_carrying


def test_rare_scenes_are_told_and_normal_ones_are_not():
    told = plain = 0
    for seed in range(200):
        rows = rng(seed).standard_normal((50, 4))
        plain += heavy_tails(rows).heavy
        rows[rng(seed).integers(50)] -= 20
        told += heavy_tails(rows).heavy
    assert (told, plain) == (200, 0)


@given(st.integers(0, 1000), st.sampled_from([1e-200, 1e-3, 1.0, 1e200]))
def test_unit_shift_and_order_are_moot(seed, unit):
    rows = rng(seed).standard_t(2, (40, 3))
    other = (rows[rng(seed).permutation(40)] + 3) * [unit, 1, 1]
    assert heavy_tails(rows).n_carrying == heavy_tails(other).n_carrying


def test_without_spread_nothing_is_heavy():
    assert not heavy_tails(np.zeros((300, 2))).heavy
    rows = np.column_stack([np.zeros(30), rng().standard_normal(30)])
    assert heavy_tails(rows).n_carrying == heavy_tails(rows[:, 1:]).n_carrying
    with pytest.raises(ValueError, match="need at least 2 scenes"):
        heavy_tails(np.zeros((1, 2)))
