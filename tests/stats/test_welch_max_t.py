"""The one-sided Welch maximum: agreement with scipy, its level, and what must fail beside it."""

from typing import Any

import numpy as np
import pytest
from scipy import stats as scipy_stats
from scipy.stats import binom

from stats import sign_flip_max_t
from stats.simulate import noise
from stats.welch_max_t import mean_max_t, welch_max_t

WINDOW = (6, 8)


def groups(rng, n=(20, 60), spread=(3.0, 1.0)):
    return tuple(
        sd * noise(rng, (size, 9), correlation=0.7) for size, sd in zip(n, spread, strict=True)
    )


def test_t_is_scipys_and_p_of_many_scenes_is_that_of_t():
    rng = np.random.default_rng(0)
    first, second = groups(rng, n=(300, 500))
    first = first + 0.3
    found = welch_max_t(first, second, rng=rng, window=WINDOW, n_resamples=20_000)
    expected: Any = scipy_stats.ttest_ind(first, second, equal_var=False, alternative="greater")
    np.testing.assert_allclose(found.t, expected.statistic, rtol=1e-10)
    window: Any = scipy_stats.ttest_ind(
        first[:, 6:].mean(axis=1), second[:, 6:].mean(axis=1), equal_var=False,
        alternative="greater",
    )  # fmt: skip
    assert found.window_p == pytest.approx(window.pvalue, abs=0.01)
    one = welch_max_t(first[:, :1], second[:, :1], rng=rng, window=(0, 0), n_resamples=20_000)
    assert one.p[0] == pytest.approx(expected.pvalue[0], abs=0.01)
    assert one.p[0] == one.window_p
    assert (found.p >= expected.pvalue - 0.01).all()
    assert found.omnibus_p == found.p.min()


def test_against_a_number_it_is_the_one_sample_t():
    rng = np.random.default_rng(1)
    values = 0.1 + groups(rng, n=(300, 2))[0] / 3
    found = mean_max_t(values, rng=rng, window=WINDOW, n_resamples=20_000)
    expected: Any = scipy_stats.ttest_1samp(values, 0, alternative="greater")
    np.testing.assert_allclose(found.t, expected.statistic, rtol=1e-10)
    window: Any = scipy_stats.ttest_1samp(values[:, 6:].mean(axis=1), 0, alternative="greater")
    assert found.window_p == pytest.approx(window.pvalue, abs=0.01)


def test_it_is_one_sided_and_the_order_of_scenes_is_moot():
    rng = np.random.default_rng(2)
    first, second = groups(rng, spread=(1.0, 1.0))
    found = [
        welch_max_t(one + 2, other, rng=np.random.default_rng(3), window=WINDOW, n_resamples=499)
        for one, other in ((first, second), (first[::-1], second[::-1]))
    ]
    assert found[0].omnibus_p == found[0].window_p == 1 / 500
    np.testing.assert_array_equal(found[0].p, found[1].p)
    below = welch_max_t(first - 2, second, rng=rng, window=WINDOW, n_resamples=499)
    assert below.omnibus_p > 0.9
    assert below.window_p > 0.9


def test_columns_that_do_not_vary():
    rng = np.random.default_rng(4)
    first, second = groups(rng)
    first[:, :2], second[:, 0], second[:, 1] = 5.1, 5.1, 4.1
    found = welch_max_t(first, second, rng=rng, window=WINDOW, n_resamples=199)
    assert (found.t[0], found.t[1]) == (0, np.inf)
    assert (found.p[0] > 0.5, found.p[1]) == (True, 1 / 200)


def test_sign_flips_fail_for_skewed_scenes_and_the_bootstrap_t_does_not():
    """Scenes with a long lower tail, as log-probabilities have, whose mean is 0."""
    rng, n, ours, flips = np.random.default_rng(5), 200, 0, 0
    for _ in range(n):
        values = np.exp(0.35) - np.exp(-0.8366600265 * noise(rng, (20, 9), correlation=0.7))
        ours += mean_max_t(values, rng=rng, window=WINDOW, n_resamples=199).omnibus_p <= 0.05
        flips += sign_flip_max_t(values, rng=rng, n_resamples=199).omnibus_p <= 0.05
    assert ours <= binom.ppf(0.999, n, 0.1)
    assert flips > binom.ppf(0.999, n, 0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"first": np.zeros((1, 9))}, "need at least 2 scenes, got 1 in `first`"),
        ({"second": np.zeros((4, 8))}, r"must have the columns of `first` \(9\), got 8"),
        ({"first": np.full((3, 9), np.nan)}, "`first` must be finite"),
        ({"window": (7, 9)}, "`plateau` must give its first and last layer within 0..8"),
        ({"n_resamples": 0}, "at least 1"),
    ],
)
def test_bad_arguments_are_refused(change, message):
    given = {"first": np.eye(9), "second": np.eye(9), "window": WINDOW} | change
    with pytest.raises(ValueError, match=message):
        welch_max_t(rng=np.random.default_rng(0), **given)


def test_both_sides_are_the_smaller_of_each_by_what_the_other_adds():
    rng = np.random.default_rng(0)
    first, second = rng.normal(0, 3, (25, 5)), rng.normal(0.8, 1, (90, 5))
    options = {"window": (0, 4), "n_resamples": 4_999}

    def of(one, other, tail):
        found = welch_max_t(one, other, rng=np.random.default_rng(1), tail=tail, **options)
        return found.omnibus_p

    both = of(first, second, "two-sided")
    assert both == pytest.approx(of(second, first, "two-sided"), abs=0.02)
    higher, lower = of(first, second, "greater"), of(second, first, "greater")
    assert min(higher, lower) <= both <= 2 * min(higher, lower) + 0.02
    assert higher > 0.5 > lower
