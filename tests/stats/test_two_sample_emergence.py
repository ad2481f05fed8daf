"""Two groups of scenes: planted onsets, coverage, a control that must fail, reference values."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import binom, mannwhitneyu, ttest_ind

from stats import area_under_curve, half_plateau_crossing, two_sample_emergence
from stats.simulate import effect_profile
from stats.two_sample_emergence import pseudo_effects

# Half of the plateau is a little less than half of the amplitude, which layer 6 has.
TRUTH = half_plateau_crossing(effect_profile(13, onset=6.0, plateau=1.0)[None], slice(10, 13))[0]


def rng(seed=0):
    return np.random.default_rng(seed)


def groups(seed, *, n=(40, 25), sd=(1.0, 2.0), plateau=0.0, onset=6.0, n_layers=13):
    draw = rng(seed)
    profile = effect_profile(n_layers, onset=onset, plateau=plateau)
    # An image is what it is at every layer: rows have a level of their own.
    return tuple(
        s * (draw.standard_normal((size, 1)) + draw.standard_normal((size, n_layers))) + more
        for size, s, more in zip(n, sd, (profile, 0.0), strict=True)
    )


def test_pseudo_effects_have_welchs_standard_error():
    first, second = groups(0)
    rows = pseudo_effects(first, second, level=0.95)
    error = rows.std(axis=0, ddof=1) / np.sqrt(len(rows))
    welch: Any = ttest_ind(first, second, equal_var=False, axis=0)
    own = np.abs(rows.mean(axis=0)) / error
    np.testing.assert_allclose(rows.mean(axis=0), first.mean(0) - second.mean(0))
    ratio = np.abs(np.asarray(welch.statistic)) / own
    np.testing.assert_allclose(ratio, ratio[0])
    assert 1 < ratio[0] < 1.1  # wider, for the fewer degrees of freedom


def test_a_planted_onset_is_found():
    found = two_sample_emergence(
        *groups(1, plateau=9.0), rng=rng(), margin=0.05, omnibus_p=0.001, n_resamples=2000
    )
    crossing, layer = found.emergence.lambda_half, found.emergence.layer
    assert found.emergence.outcome == "emerged"
    assert crossing is not None
    assert layer is not None
    assert crossing.low <= TRUTH <= crossing.high
    # Both are those of two samples, not those of the rows that stand in for them.
    assert layer.low == np.ceil(crossing.low)
    assert layer.estimate == np.ceil(crossing.estimate)
    assert abs(crossing.estimate - 6) < 1
    assert (found.low <= found.estimate).all()
    assert (found.estimate <= found.high).all()


def test_the_gate_holds():
    found = two_sample_emergence(
        *groups(1, plateau=9.0), rng=rng(), margin=0.05, omnibus_p=0.5, n_resamples=800
    )
    assert found.emergence.outcome == "not_emerged"
    assert found.emergence.lambda_half is None


def test_crossing_and_set_cover_the_planted_layer():
    n, inside, inside_layer, in_set = 120, 0, 0, 0
    for seed in range(n):
        found = two_sample_emergence(
            *groups(seed, n=(60, 12), plateau=6.0), rng=rng(seed), margin=0.05, omnibus_p=0.001,
            n_resamples=800,
        )  # fmt: skip
        crossing, layers = found.emergence.lambda_half, found.emergence.fb_half
        inside += crossing is None or crossing.low <= TRUTH <= crossing.high
        layer = found.emergence.layer
        inside_layer += layer is None or layer.low <= 6 <= layer.high
        in_set += layers.low <= 6 and (layers.high is None or layers.high >= 6)
    assert inside >= binom.ppf(0.001, n, 0.93)
    assert inside_layer >= binom.ppf(0.001, n, 0.93)
    assert in_set >= binom.ppf(0.001, n, 0.95)


def test_intervals_cover_the_difference_where_pooled_ones_do_not():
    """The smaller group varies more: the pooled error is far too small."""
    n, covered, pooled = 300, 0, 0
    for seed in range(n):
        first, second = groups(seed, n=(60, 12), sd=(1.0, 3.0), n_layers=2)
        found = two_sample_emergence(
            first, second, rng=rng(seed), margin=0.05, omnibus_p=1.0, n_resamples=800
        )
        covered += found.low[0] <= 0 <= found.high[0]
        plain: Any = ttest_ind(first[:, 0], second[:, 0])
        pooled += plain.pvalue > 0.05
    assert covered >= binom.ppf(0.001, n, 0.95)
    assert pooled < binom.ppf(0.001, n, 0.95)


def test_the_area_is_that_of_mann_and_whitney():
    first, second = rng(0).integers(0, 5, (30, 3)), rng(1).integers(1, 6, (20, 3))
    found = area_under_curve(first.astype(float), second.astype(float), level=0.95)
    wanted = mannwhitneyu(first, second, axis=0).statistic / 600
    np.testing.assert_allclose(found.estimate, wanted)
    mirrored = area_under_curve(second.astype(float), first.astype(float), level=0.95)
    np.testing.assert_allclose(found.low, 1 - mirrored.high)


def test_an_area_of_one_is_not_beyond_doubt():
    found = area_under_curve(np.ones((10, 1)), np.zeros((10, 1)), level=0.95)
    assert found.estimate[0] == found.high[0] == 1
    assert 0.6 < found.low[0] < 0.95


def test_the_interval_of_the_area_covers():
    n, covered, true = 400, 0, 0.760250  # P(N(1,1) > N(0,1)) = Phi(1/sqrt 2)
    for seed in range(n):
        draw = rng(seed)
        found = area_under_curve(
            draw.standard_normal((15, 1)) + 1, draw.standard_normal((30, 1)), level=0.95
        )
        covered += found.low[0] <= true <= found.high[0]
    assert covered >= binom.ppf(0.001, n, 0.94)


@pytest.mark.parametrize("which", [0, 1])
def test_one_scene_is_refused(which):
    tables = [np.zeros((5, 3)), np.zeros((5, 3))]
    tables[which] = tables[which][:1]
    with pytest.raises(ValueError, match="need at least 2 scenes, got 1"):
        two_sample_emergence(*tables, rng=rng(), margin=0.1, omnibus_p=0.5)
