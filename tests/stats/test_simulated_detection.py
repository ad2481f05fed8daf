"""The simulated questions have the areas, correlations and clusters that they are said to have."""

import numpy as np
import pytest

from stats import clustered_area
from stats.simulated_detection import NoiseShares, simulated_detection


def test_areas_and_correlations_are_as_stated():
    kinds = ("shift", "placebo", "gain")
    world = simulated_detection(
        np.random.default_rng(0), n_clusters=20_000, area=0.85, gain=0.04, correlation=0.8,
        mitigations=kinds,
    )  # fmt: skip
    scores = np.column_stack([world.baseline, world.methods])
    found = clustered_area(scores, world.present, world.clusters)
    np.testing.assert_allclose(found.estimate, [0.85, *world.method_areas], atol=0.005)
    np.testing.assert_allclose(world.method_areas, [0.85, 0.85, 0.89], atol=0.0005)
    noise = scores - np.where(world.present[:, None], scores[world.present].mean(axis=0),
                              scores[~world.present].mean(axis=0))  # fmt: skip
    np.testing.assert_allclose(noise.std(axis=0), 1, atol=0.02)
    correlation = np.corrcoef(noise, rowvar=False)
    assert correlation[0, 1] > 0.99
    np.testing.assert_allclose(correlation[0, 2:], 0.8, atol=0.02)


def test_items_of_a_pair_go_together_as_the_shares_say():
    shares = NoiseShares(clarity=0.3, scene=0.25, text=0.15)
    world = simulated_detection(np.random.default_rng(1), n_clusters=40_000, shares=shares)
    items = world.baseline.reshape(-1, 4)
    covariance = np.cov(items, rowvar=False)
    # Items are (scene, text) = 00, 01, 10, 11, of which the outer two are present.
    assert covariance[0, 3] == pytest.approx(0.3, abs=0.02)
    assert covariance[0, 1] == pytest.approx(0.25 - 0.3, abs=0.02)
    assert covariance[0, 2] == pytest.approx(0.15 - 0.3, abs=0.02)


def test_settings_that_cannot_be_simulated_are_refused():
    draw = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"area \+ gain"):
        simulated_detection(draw, n_clusters=5, area=0.98, gain=0.03)
    with pytest.raises(ValueError, match="at most 1"):
        simulated_detection(draw, n_clusters=5, shares=NoiseShares(clarity=0.9))
