"""Whether answers follow the image: exact levels, and what random models must not pass."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import binom, norm

from analysis.validate.causes import claims_of_random_models
from stats import follows
from stats.follows import turning_p


def rng(seed=0):
    return np.random.default_rng(seed)


def odds(right, wrong, still):
    """Log odds of so many scenes that turn right, turn wrong or do not turn."""
    base = np.repeat([-1.0, 1.0, 2.0], [right, wrong, still])
    source = np.repeat([2.0, -1.0, 3.0], [right, wrong, still])
    return base, source


@pytest.mark.parametrize(("right", "wrong"), [(9, 2), (3, 3), (0, 4)])
def test_without_a_margin_it_is_mcnemars_test_less_half_a_scene(right, wrong):
    z = (right - wrong - 0.5) / np.sqrt(right + wrong)
    assert turning_p(right, wrong, 50, margin=0.0) == pytest.approx(norm.sf(z))


@pytest.mark.parametrize(("right", "wrong"), [(9, 2), (3, 1), (20, 15)])
def test_its_variance_is_that_of_the_likeliest_share_at_the_margin(right, wrong):
    n, margin = 50, 0.1

    def against(share):
        logs = right * np.log(share + margin) + wrong * np.log(share)
        return -logs - (n - right - wrong) * np.log(1 - 2 * share - margin)

    share = minimize_scalar(against, bounds=(1e-9, 0.45 - 1e-9), options={"xatol": 1e-10}).x
    variance = n * (2 * share + margin - margin**2)
    z = (right - wrong - n * margin - 0.5) / np.sqrt(variance)
    assert turning_p(right, wrong, n, margin=margin) == pytest.approx(norm.sf(z), abs=1e-6)


@pytest.mark.parametrize("n", [20, 40, 60, 200])
def test_its_exact_level_at_the_margin(n):
    turning = np.arange(n + 1)
    rejects = np.array([
        [k <= m and turning_p(k, m - k, n, margin=0.05) <= 0.05 for k in range(n + 1)]
        for m in range(n + 1)
    ])  # fmt: skip
    for wrong in (0.0, 0.002, 0.01, 0.05, 0.1, 0.2, 0.45):
        total = 2 * wrong + 0.05
        given = binom.pmf(turning, turning[:, None], (wrong + 0.05) / total)
        level = binom.pmf(turning, n, total) @ (rejects * given).sum(axis=1)
        assert level <= 0.055


@pytest.mark.parametrize(
    ("right", "wrong", "still"), [(9, 2, 30), (0, 0, 20), (12, 0, 0), (0, 9, 1)]
)
def test_the_bound_is_the_margin_that_is_just_not_rejected(right, wrong, still):
    found = follows(*odds(right, wrong, still))
    n = right + wrong + still
    assert -1 <= found.low <= found.difference + 1e-9
    if -1 < found.low < 1:
        assert turning_p(right, wrong, n, margin=found.low) == pytest.approx(0.05, abs=1e-6)
    assert (found.low > found.margin) == (found.p < 0.05)


def test_the_other_direction_says_the_same():
    base, source = rng(1).normal(-0.5, 1, 60), rng(2).normal(0.5, 1, 60)
    one, other = follows(base, source), follows(-source, -base)
    assert (one.share_right, one.share_wrong, one.p) == (
        other.share_right, other.share_wrong, other.p,
    )  # fmt: skip
    assert one.total_p == pytest.approx(other.total_p)


def test_both_must_be_shown():
    turned = follows(*odds(20, 0, 20))
    assert turned.shown
    # Some scenes fall far in the other direction: the answers turn, but the mean total does not.
    base, source = odds(20, 0, 20)
    source[-5:] = -80.0
    base[-5:] = -1.0
    assert follows(base, source).p < 0.05 < follows(base, source).total_p
    assert not follows(base, source).shown


@pytest.mark.parametrize("n_answers", [2, 3, 8])
def test_random_models_are_not_said_to_follow_though_their_mean_effect_is_shown(n_answers):
    n = 300
    claimed, by_mean = claims_of_random_models(rng(n_answers), n_answers, n)
    assert n * claimed <= binom.ppf(0.999, n, 0.05)
    assert n * by_mean > binom.ppf(0.99, n, 0.05)


def test_a_random_model_without_a_preference_is_beyond_what_pairs_can_exclude():
    claimed, _ = claims_of_random_models(rng(9), 2, 300, offset_sd=0.5)
    assert claimed > 0.1


@pytest.mark.parametrize(
    ("base", "source", "margin", "message"),
    [
        (np.ones(3), np.ones(2), 0.05, "one value per scene"),
        (np.ones(1), np.ones(1), 0.05, "at least 2 scenes"),
        (np.ones(2), np.array([1.0, np.nan]), 0.05, "`source` must be finite"),
        (np.ones(2), np.ones(2), 1.0, "`margin` must be a difference of shares"),
    ],
)
def test_what_is_refused(base, source, margin, message):
    with pytest.raises(ValueError, match=message):
        follows(base, source, margin=margin)
