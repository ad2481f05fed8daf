"""What a curve is shown to do after its rise: never inferred from a test that found nothing."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import binom, ttest_1samp

from stats import Emergence, emergence_layer, sign_flip_max_t
from stats.course import p_above
from stats.forward_backward import shown_above
from stats.half_crossing import half_crossing
from stats.simulate import effect_profile, planted_effect

MARGIN = 0.05


def emerged(effect, rng, **choices) -> Emergence:
    return emergence_layer(effect, rng=rng, margin=MARGIN, n_resamples=199, **choices)


def died_by_the_predecessor(effect, rng) -> bool:
    """A fall is shown and the last layer is not shown above the margin: absence of evidence."""
    if shown_above(effect[:, -1:] - MARGIN, alpha=0.05).item():
        return False
    earlier, final = effect[:, :-1], effect[:, -1:]
    both = np.stack([earlier - MARGIN, earlier - final], axis=2)
    p = sign_flip_max_t(both, rng=rng, n_resamples=199).p
    return bool((p <= 0.05).all(axis=1).any())


@pytest.mark.parametrize("height", [0.8, 1.0])
def test_after_an_early_bump_there_is_a_set_and_no_crossing(height):
    bump = np.array([0, height, 0, 1, 1, 1])
    rng = np.random.default_rng(0)
    set_holds = predecessor_holds = 0
    for _ in range(100):
        effect = bump + 0.3 * rng.standard_normal((60, 6))
        found = emerged(effect, rng)
        assert found.outcome == "emerged"
        assert not found.monotone
        assert found.lambda_half is found.layer is None
        assert found.lambda_first is not None
        # The first layer past the half and the first of those that stay past it are both in it.
        set_holds += found.fb_half.low <= 1 and (found.fb_half.high or 0) >= 3
        interval, _ = half_crossing(
            effect, plateau=slice(5, 6), rng=rng, n_resamples=199, level=0.95
        )
        # The first crossing lies between the first two layers.
        predecessor_holds += interval.low <= 0.5 / height <= interval.high
    assert set_holds >= binom.ppf(0.001, 100, 0.95)
    # A low bump and the dip after it are together below the half: the rise after them is taken for
    # the first. A higher one leaves it open, and the interval holds both.
    assert predecessor_holds < 30 or height == 1


@pytest.mark.parametrize("n_scenes", [40, 200])
@pytest.mark.parametrize("correlation", [0.0, 0.9])
@pytest.mark.parametrize("shape", ["step", "linear"])
def test_a_rise_once_and_for_all_is_seldom_called_otherwise(n_scenes, correlation, shape):
    rng = np.random.default_rng(1)
    otherwise = 0
    for _ in range(100):
        profile = effect_profile(13, onset=rng.uniform(3, 6), plateau=0.6, shape=shape)
        effect = planted_effect(rng, profile, n_scenes=n_scenes, correlation=correlation)
        otherwise += not emerged(effect, rng).monotone
    assert otherwise <= binom.ppf(0.999, 100, 0.05)


def test_a_layer_on_half_of_the_plateau_for_long_is_least_favourable_and_still_monotone():
    rng = np.random.default_rng(2)
    profile = np.array([0.5] * 10 + [1.0] * 3)
    otherwise = naive = 0
    for _ in range(200):
        effect = profile + rng.standard_normal((60, 13))
        otherwise += not emerged(effect, rng).monotone
        mean = effect.mean(axis=0)
        above = mean >= mean[10:].mean() / 2
        naive += bool((~above & np.maximum.accumulate(above)).any())
    assert otherwise <= binom.ppf(0.999, 200, 0.05)
    # That the mean curve falls below the half again is seen, but nothing is shown by it.
    assert naive > 190


def test_a_fall_that_does_not_reach_the_margin_is_a_decline_and_takes_no_layer_away():
    rng = np.random.default_rng(3)
    profile = np.r_[np.zeros(3), 0.3, np.full(6, 0.6), 0.5, 0.4, 0.3]
    falls = 0
    for _ in range(60):
        found = emerged(profile + 0.4 * rng.standard_normal((60, 13)), rng)
        assert found.outcome == "emerged"
        assert found.lambda_half is not None
        falls += found.declines
    assert falls >= 57


def test_a_plateau_that_stays_is_no_decline():
    rng = np.random.default_rng(4)
    profile = effect_profile(13, onset=4.0, plateau=0.6)
    falls = 0
    for _ in range(200):
        falls += emerged(profile + rng.standard_normal((60, 13)), rng).declines
    assert falls <= binom.ppf(0.999, 200, 0.05)


@pytest.mark.parametrize("margins_left", [4, 6])
def test_missing_significance_at_the_horizon_takes_no_layer_away(margins_left):
    rng = np.random.default_rng(5)
    profile = np.r_[np.zeros(3), np.full(6, 0.8), np.full(4, margins_left * MARGIN)]
    died = predecessor = 0
    for _ in range(100):
        effect = profile + rng.standard_normal((60, 13))
        died += emerged(effect, rng).outcome == "died"
        predecessor += died_by_the_predecessor(effect, rng)
    assert died <= binom.ppf(0.999, 100, 0.05)
    assert predecessor > 30


def test_shown_below_the_margin_at_the_horizon_it_died():
    rng = np.random.default_rng(6)
    profile = np.array([0, 0.5, 1, 1, 1, 1, 0.5, 0.0])
    for _ in range(20):
        found = emerged(profile + 0.1 * rng.standard_normal((60, 8)), rng, plateau=(4, 5))
        assert (found.outcome, found.declines) == ("died", True)
        assert found.lambda_half is None
        # Up to the horizon that a study declares, it had not.
        assert emerged(profile + np.zeros((60, 1)), rng, horizon=5).outcome == "emerged"


def test_the_plateau_test_is_the_t_test_and_never_0():
    excess = np.random.default_rng(7).standard_normal(30) + 0.3
    test: Any = ttest_1samp(excess, 0, alternative="greater")
    want = test.pvalue
    assert p_above(excess) == pytest.approx(want, rel=1e-12)
    assert p_above(-excess) == pytest.approx(1 - want, rel=1e-12)
    assert 0 < p_above(np.full(30, 0.1)) < 1e-300
    assert p_above(np.full(30, -0.1)) == p_above(np.zeros(30)) == 1
    assert 0 < p_above(1 + 1e-9 * excess) < 1e-100


def test_the_plateau_test_keeps_its_level_on_the_margin():
    rng = np.random.default_rng(8)
    profile = np.r_[np.zeros(4), np.full(9, MARGIN)]
    rejected = 0
    for _ in range(400):
        effect = planted_effect(rng, profile / 0.3, n_scenes=50) * 0.3
        rejected += emerged(effect, rng, omnibus_p=0.001).plateau_p <= 0.05
    least, most = binom.ppf([0.001, 0.999], 400, 0.05)
    assert least <= rejected <= most
