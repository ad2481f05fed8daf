"""The minimum detectable effect against statsmodels, its limit, and a simulation."""

import numpy as np
import pytest
from scipy.stats import binom, norm
from statsmodels.stats.power import TTestPower

from stats import minimum_detectable_effect, sign_flip_max_t


@pytest.mark.parametrize("n_scenes", [5, 20, 200])
@pytest.mark.parametrize("n_layers", [1, 28])
def test_equals_statsmodels(n_scenes, n_layers):
    ours = minimum_detectable_effect(n_scenes=n_scenes, sd=1.0, n_layers=n_layers)
    theirs = TTestPower().solve_power(
        nobs=n_scenes, alpha=0.05 / n_layers, power=0.8, alternative="larger"
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)


def test_approaches_the_normal_formula():
    found = minimum_detectable_effect(n_scenes=40_000, sd=2.0, n_layers=28) * 200 / 2
    assert abs(found - (norm.isf(0.05 / 28) + norm.isf(0.2))) < 2e-3
    assert abs(found - 3.75) < 0.01


def test_has_the_shape_of_the_spread_and_0_without_it():
    found = minimum_detectable_effect(n_scenes=50, sd=[0.0, 1.0, 2.0])
    assert found[0] == 0
    assert found[2] == 2 * found[1] > 0


def test_the_test_finds_it_with_the_power_promised():
    rng = np.random.default_rng(0)
    size = minimum_detectable_effect(n_scenes=60, sd=1.0, n_layers=8)
    found = 0
    for _ in range(300):
        effect = rng.standard_normal((60, 8))
        effect[:, 3] += size
        found += sign_flip_max_t(effect, rng=rng, n_resamples=499).p[3] <= 0.05
    least, most = binom.ppf([0.001, 0.999], 300, [0.78, 0.82])
    assert least <= found <= most


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_scenes": 1}, r"need at least 2 scenes, got 1"),
        ({"sd": -1.0}, r"`sd` must not be negative"),
        ({"sd": np.nan}, r"`sd` must be finite"),
        ({"power": 1.0}, r"`power` must lie between 0 and 1"),
        ({"n_layers": 0}, r"`n_layers` must be at least 1"),
    ],
)
def test_says_what_is_wrong(change, message):
    with pytest.raises(ValueError, match=message):
        minimum_detectable_effect(**{"n_scenes": 50, "sd": 1.0, **change})
