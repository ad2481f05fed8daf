"""Against R: the script that made the numbers stands beside them, in `reference/`."""

import json
from pathlib import Path

import numpy as np
import pytest

from stats import adjusted_p, cluster_bootstrap, equivalence, minimum_detectable_effect
from stats.multiplicity import Correction
from stats.sign_flip import t_statistic

R = json.loads((Path(__file__).parent / "reference" / "reference.json").read_text())
X = np.array(R["x"])[:, None]


@pytest.mark.parametrize("correction", ["holm", "bh", "by"])
def test_adjusted_p(correction: Correction):
    found = adjusted_p(np.array(R["p"]), correction=correction)
    np.testing.assert_allclose(found, R[correction], rtol=1e-12)


def test_two_one_sided_tests():
    found = equivalence(X, margin=0.2)
    np.testing.assert_allclose(found.p, max(R["tost"]), rtol=1e-10)
    np.testing.assert_allclose([found.low[0], found.high[0]], R["tost_interval"], rtol=1e-12)
    np.testing.assert_allclose(t_statistic(X), R["t"], rtol=1e-12)


@pytest.mark.parametrize("method", ["percentile", "bca", "studentized"])
def test_bootstrap_intervals_up_to_the_draws(method):
    found = cluster_bootstrap(
        X, range(12), rng=np.random.default_rng(0), n_resamples=200_000, method=method
    )
    # R interpolates on the normal scale, and both have Monte-Carlo error: half a percent of width.
    width = R[method][1] - R[method][0]
    np.testing.assert_allclose([found.low[0], found.high[0]], R[method], atol=0.01 * width)


def test_power():
    detectable = minimum_detectable_effect(
        n_scenes=50, sd=1.0, n_layers=28, power=R["power_n50_d04"][0]
    )
    np.testing.assert_allclose(detectable, 0.4, rtol=1e-6)
