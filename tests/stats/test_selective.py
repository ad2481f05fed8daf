"""Risk and coverage: by hand, by a loop over answers, under ties, and how often intervals cover."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from stats import risk_coverage
from stats.ranked_items import RankedItems, marked_among
from stats.selective import _mean_risks
from stats.simulated_detection import simulated_detection


def mean_risk(confidence, wrong):
    """The mean, over the number of answers, of the share that is wrong; no ties."""
    ranked = wrong[np.argsort(-confidence)]
    return float(np.mean(np.cumsum(ranked) / np.arange(1, len(ranked) + 1)))


def of(confidence, wrong, clusters=None, **options):
    given = {"rng": np.random.default_rng(0), "n_resamples": 99, **options}
    clusters = np.arange(len(wrong)) if clusters is None else clusters
    return risk_coverage(confidence, wrong, clusters, **given)


def test_five_items_by_hand():
    wrong = np.array([False, True, False, False, True])
    found = of(np.array([0.9, 0.8, 0.7, 0.6, 0.5]), wrong, coverage=0.8)
    # Risks 0, 1/2, 1/3, 1/4, 2/5; the best order has 0, 0, 0, 1/4, 2/5.
    assert found.area.value == pytest.approx((1 / 2 + 1 / 3 + 1 / 4 + 2 / 5) / 5)
    assert found.best_area.value == pytest.approx((1 / 4 + 2 / 5) / 5)
    assert found.excess_area.value == pytest.approx((1 / 2 + 1 / 3) / 5)
    assert found.at.value == pytest.approx(1 / 4)
    np.testing.assert_allclose(found.risk[[3, 7, 11, 19]], [0, 1 / 2, 1 / 3, 2 / 5])
    # Half of five: one of the first two, and nothing of half the third.
    assert found.risk[9] == pytest.approx(1 / 2.5)


def test_ties_are_the_mean_over_all_orders():
    wrong = np.array([True, False, True, False, False])
    tied = of(np.array([2.0, 1.0, 1.0, 1.0, 0.0]), wrong)
    orders = [
        mean_risk(np.array([9, *order, 0.0]), wrong) for order in permutations([3.0, 4.0, 5.0])
    ]
    assert tied.area.value == pytest.approx(np.mean(orders))
    assert tied.risk[7] == pytest.approx((1 + 1 / 3) / 2)
    assert of(np.zeros(5), wrong).area.value == pytest.approx(0.4)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_order_of_rows_and_rising_transforms_make_no_difference(seed):
    draw = np.random.default_rng(seed)
    confidence, wrong = draw.integers(0, 20, 40).astype(float), draw.random(40) < 0.3
    clusters, order = np.repeat(np.arange(10), 4), draw.permutation(40)
    found = of(confidence, wrong, clusters)
    confidence[confidence == 19] = np.inf
    moved = of(np.exp(confidence / 9)[order], wrong[order], clusters[order])
    np.testing.assert_allclose(moved.risk, found.risk)
    np.testing.assert_allclose(moved.high, found.high)
    assert moved.area.value == pytest.approx(found.area.value)
    assert moved.area.low == pytest.approx(found.area.low)


def test_a_resample_is_measured_as_the_redrawn_items_themselves():
    draw = np.random.default_rng(3)
    confidence, wrong = draw.random(30), draw.random(30) < 0.4
    clusters, drawn = np.repeat(np.arange(10), 3), np.array([0, 0, 3, 5, 5, 5, 6, 7, 8, 9])
    weights = np.bincount(drawn, minlength=10)
    counts = RankedItems.of(confidence, wrong, clusters).counts(weights[None].astype(float))
    chosen = np.concatenate([np.flatnonzero(clusters == each) for each in drawn])
    # Copies of an item are alike, hence in no matter which order.
    expected = mean_risk(confidence[chosen], wrong[chosen])
    mean, least = _mean_risks(*counts)
    assert mean[0] == pytest.approx(expected)
    assert least[0] == pytest.approx(mean_risk(-1.0 * wrong[chosen], wrong[chosen]))
    assert marked_among(counts, np.array([[30.0]]))[0, 0] == wrong[chosen].sum()


def test_perfect_confidence_has_no_excess_and_no_risk_is_certain():
    wrong = np.arange(100) >= 90
    found = of(-np.arange(100.0), wrong)
    assert found.excess_area.value == found.excess_area.low == 0
    # No resample has any excess either; 100 clusters cannot exclude it.
    assert found.excess_area.high == pytest.approx(1 - 0.025 ** (1 / 100))
    assert found.at.value == 0
    # None wrong among 80 clusters.
    assert found.at.high == pytest.approx(1 - 0.025 ** (1 / 80))
    assert of(np.arange(100.0), np.ones(100, dtype=bool)).low.max() < 1


def test_intervals_cover_and_those_by_item_do_not():
    draw = np.random.default_rng(4)
    big = simulated_detection(draw, n_clusters=20_000)
    truth = of(np.abs(big.baseline), (big.baseline > 0) != big.present, big.clusters,
               n_resamples=39)  # fmt: skip
    names = ("area", "at", "best_area", "excess_area")
    held, by_item, n = np.zeros(4), 0, 70
    for _ in range(n):
        world = simulated_detection(draw, n_clusters=60)
        # The same item asked four times over is no new item.
        confidence, wrong, clusters = (
            np.repeat(each, 4)
            for each in (np.abs(world.baseline), (world.baseline > 0) != world.present,
                         world.clusters)
        )  # fmt: skip
        found = of(confidence, wrong, clusters, rng=draw, n_resamples=199)
        for place, name in enumerate(names):
            one = getattr(found, name)
            held[place] += one.low <= getattr(truth, name).value <= one.high
        item = of(confidence, wrong, rng=draw, n_resamples=99).area
        by_item += item.low <= truth.area.value <= item.high
    assert (held >= binom.ppf(0.001, n, 0.94)).all()
    assert by_item < binom.ppf(0.001, n, 0.9)


def test_what_cannot_be_used_is_refused():
    wrong = np.array([True, False])
    with pytest.raises(ValueError, match="missing"):
        of(np.array([np.nan, 1.0]), wrong)
    with pytest.raises(ValueError, match="coverage"):
        of(np.array([0.5, 1.0]), wrong, coverage=1.0)
    with pytest.raises(ValueError, match="at least 2 scenes"):
        of(np.array([0.5, 1.0]), wrong, ["a", "a"])


def test_a_value_of_0_is_not_certain_even_if_resamples_differ():
    confidence, wrong = np.array([0.9, 0.9, 0.8, 0.1]), np.array([False, False, False, True])
    found = of(np.repeat(confidence, 10), np.repeat(wrong, 10), n_resamples=999)
    assert found.excess_area.value == 0 < found.excess_area.high
    assert (found.high > found.risk).all()
