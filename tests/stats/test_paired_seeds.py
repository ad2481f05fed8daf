"""Differences over seeds against what they are made of, in cases that can be worked out, and in
those without any spread."""

import numpy as np
import pytest
from scipy.stats import t, ttest_1samp

from stats.paired_seeds import each_difference, seed_difference
from stats.random_effects import random_effects


def rows(n_seeds: int, n_clusters: int = 50, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.5, 0.2, (n_seeds, n_clusters))


def test_within_a_seed_it_is_the_paired_t_interval():
    one, two = rows(3), rows(3, seed=1)
    found = each_difference(one, two, level=0.9)
    for place in range(3):
        ends = ttest_1samp(one[place] - two[place], 0).confidence_interval(0.9)
        assert (found.low[place], found.high[place]) == pytest.approx((ends.low, ends.high))


def test_over_seeds_it_is_the_random_effect_with_the_errors_of_the_same_clusters():
    one, two = rows(4), rows(4, seed=1)
    found = seed_difference(one, two)
    theirs = random_effects((one - two).mean(axis=1), np.cov(one - two) / 50)
    assert found.pooled == theirs.weighted
    assert found.p == max(theirs.weighted.p, theirs.unweighted.p)
    assert found.tau == theirs.tau2**0.5


def test_exchanging_the_two_turns_the_sign():
    one, two = rows(3), rows(3, seed=1)
    there, back = seed_difference(one, two), seed_difference(two, one)
    assert there.pooled.mean == pytest.approx(-back.pooled.mean)
    assert (there.p, there.p_equivalence) == pytest.approx((back.p, back.p_equivalence))


def test_models_that_never_differ_are_not_shown_to_be_the_same_by_few_clusters():
    same = np.full((2, 10), 0.5)
    found = seed_difference(same, same, margin=0.02)
    assert (found.pooled.mean, found.p, found.tau) == (0.0, 1.0, 0.0)
    assert found.pooled.low == pytest.approx(-t.ppf(0.975, 1) * 0.05 / 2**0.5)
    assert not found.equivalent
    many = np.full((3, 2000), 0.5)
    assert seed_difference(many, many, margin=0.02).equivalent


def test_equal_differences_are_judged_by_what_the_clusters_leave_open():
    one = np.tile([0.0, 1.0], (3, 20))
    found = seed_difference(one + 0.3, one)
    assert found.pooled.mean == pytest.approx(0.3)
    assert found.pooled.low < 0.3 < found.pooled.high
    assert 0 < found.p < 0.05


def test_equivalence_and_difference_may_both_be_shown():
    plain = rows(3, 400)
    noise = np.random.default_rng(2).normal(0.005, 0.002, (3, 400))
    found = seed_difference(plain + noise, plain, margin=0.02)
    assert found.equivalent
    assert found.p < 0.05


def test_one_seed_and_other_shapes_are_refused():
    with pytest.raises(ValueError, match="at least 2 seeds, got 1: train with more seeds"):
        seed_difference(rows(1), rows(1, seed=1))
    with pytest.raises(ValueError, match="must have the seeds and clusters"):
        each_difference(rows(2), rows(3))
    with pytest.raises(ValueError, match="margin"):
        seed_difference(rows(2), rows(2, seed=1), margin=0.0)
