"""Pairs of scenes that a gain takes: by simulated studies, and in which direction it moves."""

import numpy as np
import pytest
from scipy.stats import binom

from stats import area_difference, clustered_area, clusters_for_area_gain
from stats.simulated_detection import simulated_detection


def needed(gain=0.03, *, seed=0, **options):
    given = {"area": 0.89, "correlation": 0.9, "n_methods": 15, **options}
    return clusters_for_area_gain(gain, rng=np.random.default_rng(seed), **given)


def test_simulated_studies_of_that_size_find_the_gain_and_smaller_ones_do_not():
    draw, n = np.random.default_rng(0), 100
    enough = needed().n_clusters
    shares = []
    for n_clusters in (enough, enough // 2):
        shown = 0
        for _ in range(n):
            world = simulated_detection(draw, n_clusters=n_clusters, mitigations=("gain",))
            scores = np.column_stack([world.baseline, world.methods])
            rows = clustered_area(scores, world.present, world.clusters).rows
            # Holm's adjustment of the smallest of 15 p-values.
            shown += area_difference(rows[:, 1:], rows[:, :1]).p[0] <= 0.05 / 15
        shares.append(shown)
    assert binom.ppf(0.001, n, 0.78) <= shares[0] <= binom.ppf(0.999, n, 0.88)
    assert shares[1] < binom.ppf(0.001, n, 0.78)


def test_it_takes_more_for_less_gain_less_correlation_and_more_methods():
    base = needed()
    assert base.n_scenes == 2 * base.n_clusters
    assert needed(0.015).n_clusters > 3 * base.n_clusters
    assert needed(correlation=0.5).n_clusters > 2 * base.n_clusters
    assert needed(n_methods=1).n_clusters < 0.7 * base.n_clusters
    assert needed(power=0.95).n_clusters > base.n_clusters
    assert needed(seed=1).n_clusters == pytest.approx(base.n_clusters, rel=0.1)


def test_settings_without_sense_are_refused():
    with pytest.raises(ValueError, match="gain"):
        needed(0.0)
    with pytest.raises(ValueError, match="n_methods"):
        needed(n_methods=0)
    with pytest.raises(ValueError, match=r"area \+ gain"):
        needed(0.2)
