"""Layers of overtaking and shares: exact cases, coverage, and a control that must fail."""

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from stats import overtaking_layer, share_interval
from stats.overtaking import last_rise


def rng(seed=0):
    return np.random.default_rng(seed)


def test_the_last_crossing_counts_and_not_the_first():
    curves = np.array([[-1, 1, -1, 1, 1], [-1, -1, -1, -1, 0], [1, 1, 1, 1, 1], [1, 1, 1, 1, -1]])
    assert last_rise(curves.astype(float)).tolist() == [3, 5, 0, 5]


def test_a_clear_overtaking_has_no_doubt():
    difference = np.where(np.arange(8) < 5, -3.0, 3.0) + 0.1 * rng().standard_normal((40, 8))
    found = overtaking_layer(difference, rng=rng(), n_resamples=1000)
    assert (found.layer, found.low, found.high, found.probability) == (5, 5, 5, 1.0)
    assert (found.layers.low, found.layers.high) == (5, 5)


def test_what_is_never_above_overtakes_nowhere():
    found = overtaking_layer(rng().standard_normal((40, 6)) - 9, rng=rng(), n_resamples=1000)
    assert (found.layer, found.low, found.high, found.probability) == (None, None, None, 0.0)


def test_the_interval_holds_the_layer():
    """A slope through 0 just before layer 6: the layer must be covered, or the set is useless."""
    profile, covered, narrow = np.arange(12) - 5.5, 0, 0
    for seed in range(200):
        table = profile + 6 * rng(seed).standard_normal((50, 12))
        found = overtaking_layer(table, rng=rng(seed), n_resamples=400, level=0.95)
        low = 12 if found.low is None else found.low
        high = 12 if found.high is None else found.high
        covered += low <= 6 <= high
        # An interval that ignores the doubt must fail: the estimate alone is often another layer.
        narrow += found.layer == 6
    assert covered >= binom.ppf(0.001, 200, 0.95)
    assert narrow < binom.ppf(0.001, 200, 0.95)


def test_the_order_of_scenes_is_moot():
    table = rng().standard_normal((30, 5))
    one, other = (
        overtaking_layer(each, rng=rng(1), n_resamples=400) for each in (table, table[::-1])
    )
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
    with pytest.raises(ValueError, match="leave empty groups out"):
        share_interval(np.array([0]), np.array([0]))
