"""Layers of overtaking and shares: exact cases, coverage, and a control that must fail."""

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from stats import overtaking_layer, resampled_means, share_interval
from stats.overtaking import last_rise


def rng(seed=0):
    return np.random.default_rng(seed)


def test_the_last_crossing_counts_and_not_the_first():
    curves = np.array([[-1, 1, -1, 1, 1], [-1, -1, -1, -1, 0], [1, 1, 1, 1, 1], [1, 1, 1, 1, -1]])
    assert last_rise(curves.astype(float)).tolist() == [3, 5, 0, 5]


def test_a_clear_overtaking_has_no_doubt():
    difference = np.where(np.arange(8) < 5, -3.0, 3.0) + 0.1 * rng().standard_normal((40, 8))
    found = overtaking_layer(difference)
    assert found.layer == 5
    assert (found.layers.low, found.layers.high) == (5, 5)


def test_what_is_never_above_overtakes_nowhere():
    found = overtaking_layer(rng().standard_normal((40, 6)) - 9)
    assert found.layer is None
    assert found.layers.high is None


@pytest.mark.parametrize("slope", [0.02, 0.2])
def test_the_set_holds_the_layer_and_a_bootstrap_of_a_slow_one_does_not(slope):
    """A slope through 0 just before layer 6: slow, its last crossing jumps to later layers."""
    n, covered, redrawn = 200, 0, 0
    for seed in range(n):
        table = slope * (np.arange(29) - 5.5) + rng(seed).standard_normal((50, 29))
        layers = overtaking_layer(table).layers
        covered += layers.low <= 6 and (layers.high is None or layers.high >= 6)
        drawn = last_rise(resampled_means(table, rng=rng(seed), n_resamples=399))
        low, high = np.quantile(drawn, [0.025, 0.975])
        redrawn += low <= 6 <= high
    assert covered >= binom.ppf(0.001, n, 0.95)
    if slope < 0.1:
        assert redrawn < binom.ppf(0.999, n, 0.5)


def test_the_order_of_scenes_is_moot():
    table = rng().standard_normal((30, 5))
    one, other = (overtaking_layer(each) for each in (table, table[::-1]))
    assert one == other


@pytest.mark.parametrize("n", [1, 7, 300])
def test_shares_are_those_of_scipy(n):
    counts = np.unique([0, n // 3, n])
    found = share_interval(counts, np.full_like(counts, n), level=0.9)
    for place, count in enumerate(counts.tolist()):
        wanted = binomtest(count, n).proportion_ci(0.9, method="exact")
        assert found.low[place] == pytest.approx(wanted.low, abs=1e-12)
        assert found.high[place] == pytest.approx(wanted.high, abs=1e-12)
    assert found.high[0] > 0
    assert found.low[-1] < 1


def test_an_empty_group_is_refused():
    with pytest.raises(ValueError, match="leave groups without scenes out"):
        share_interval(np.array([0]), np.array([0]))
