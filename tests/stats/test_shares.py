"""Shares of scenes, against scipy's exact interval where all are alike."""

import numpy as np
import pytest
from scipy.stats import binomtest

from stats import cluster_bootstrap, cluster_share


@pytest.mark.parametrize("n_scenes", [10, 300])
def test_where_all_are_alike_the_interval_is_the_exact_one(n_scenes):
    values = np.tile([0.0, 1.0], (n_scenes, 1))
    found = cluster_share(values, np.arange(n_scenes), rng=np.random.default_rng(0))
    for column, successes in enumerate((0, n_scenes)):
        exact = binomtest(successes, n_scenes).proportion_ci(0.95)
        assert found.low[column] == pytest.approx(exact.low)
        assert found.high[column] == pytest.approx(exact.high)


def test_elsewhere_it_is_the_bootstrap_within_its_bounds():
    rng = np.random.default_rng(1)
    values = (rng.random((40, 3)) < [0.05, 0.5, 0.97]).astype(float)
    plain = cluster_bootstrap(values, np.arange(40), rng=np.random.default_rng(2))
    found = cluster_share(values, np.arange(40), rng=np.random.default_rng(2))
    np.testing.assert_array_equal(found.estimate, plain.estimate)
    np.testing.assert_array_equal(found.low, plain.low.clip(0, 1))
    np.testing.assert_array_equal(found.high, plain.high.clip(0, 1))


def test_what_is_no_share_is_refused():
    with pytest.raises(ValueError, match="must lie in"):
        cluster_share(np.array([0.0, 1.5]), [0, 1], rng=np.random.default_rng(0))
