"""BCa of functions of means: against scipy, range, coverage of few scenes, what must fail."""

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import binom, bootstrap

from analysis.validate.smooth_functions import concordances, shares_explained, sizes
from stats import interval_of_means, smooth_functions


def rng(seed=0):
    return np.random.default_rng(seed)


def ratio(means):
    return means[0] / means[1]


def test_with_normal_tails_it_is_scipys_bca(monkeypatch):
    n = 25
    parts = rng(1).exponential(size=(2, n, 1)) + [[[0.2]], [[0.5]]]

    class Normal:
        @staticmethod
        def ppf(share, degrees):
            return ndtri(share) * np.sqrt(degrees / (degrees + 1))

    monkeypatch.setattr(smooth_functions, "student", Normal)
    found = interval_of_means(ratio, parts, rng=rng(2), n_resamples=40_000, level=0.9)
    theirs = bootstrap(
        tuple(parts[:, :, 0]), lambda a, b, axis: a.mean(axis=axis) / b.mean(axis=axis),
        paired=True, vectorized=True, confidence_level=0.9, method="BCa", n_resamples=40_000,
        rng=rng(3),
    )  # fmt: skip
    ends = theirs.confidence_interval
    apart = 0.02 * (ends.high - ends.low)
    np.testing.assert_allclose([found.low[0], found.high[0]], [ends.low, ends.high], atol=apart)


def test_it_follows_a_rising_function_and_stays_in_range():
    parts = np.square(rng(4).standard_normal((2, 12, 5)))
    plain, logs = (
        interval_of_means(function, parts, rng=rng(5), n_resamples=999, level=0.95)
        for function in (ratio, lambda means: np.log(ratio(means)))
    )
    # Only the jackknife's acceleration depends a little on the scale.
    np.testing.assert_allclose(np.log(plain.estimate), logs.estimate)
    assert (plain.low > 0).all()
    assert (np.abs(np.log(plain.low) - logs.low) < 0.1 * (logs.high - logs.low)).all()


@pytest.mark.parametrize("n_scenes", [2, 20, 250])
def test_without_spread_the_interval_is_the_estimate(n_scenes):
    parts = np.full((2, n_scenes, 1), 0.5)
    found = interval_of_means(ratio, parts, rng=rng(), n_resamples=199, level=0.95)
    assert (found.low, found.estimate, found.high) == (1, 1, 1)


@pytest.mark.parametrize("n_scenes", [2, 3, 199, 200])
def test_ends_are_ordered_and_finite(n_scenes):
    parts = rng(6).standard_normal((2, n_scenes, 4)) + 9
    found = interval_of_means(ratio, parts, rng=rng(7), n_resamples=199, level=0.95)
    assert np.isfinite([found.low, found.high]).all()
    assert (found.low <= found.high).all()


@pytest.mark.parametrize(
    ("cell", "n_scenes", "truth"),
    [(sizes, 10, 0.8), (concordances, 10, 0.7), (shares_explained, 20, 0.5)],
)
def test_it_covers_with_few_scenes_and_percentiles_do_not(cell, n_scenes, truth):
    n = 500
    ours, before = cell(rng(8), n_scenes, n)
    covered, old = (int(((low <= truth) & (truth <= high)).sum()) for low, high in (ours, before))
    assert covered >= binom.ppf(0.001, n, 0.92)
    assert old < covered
    assert old < binom.ppf(0.02, n, 0.95)
