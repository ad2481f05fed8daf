"""Differences of areas: identical columns, by scipy, coverage, and pairs taken for independent."""

import numpy as np
import pytest
from scipy.stats import binom, ttest_rel

from stats import adjusted_p, area_difference, clustered_area, equivalence
from stats.simulated_detection import simulated_detection


def rows_of(world):
    scores = np.column_stack([world.baseline, world.methods])
    rows = clustered_area(scores, world.present, world.clusters).rows
    return rows[:, 1:], rows[:, :1]


def test_it_is_the_paired_t_test_with_holm_and_equivalence():
    kinds = ("placebo", "gain", "shift")
    world = simulated_detection(np.random.default_rng(0), n_clusters=80, mitigations=kinds)
    methods, baseline = rows_of(world)
    found = area_difference(methods, baseline, margin=0.02, level=0.9)
    test = ttest_rel(methods, np.broadcast_to(baseline, methods.shape))
    np.testing.assert_allclose(found.p, test.pvalue, rtol=1e-9)
    ends = test.confidence_interval(0.9)
    np.testing.assert_allclose([found.low, found.high], ends, rtol=1e-9)
    np.testing.assert_allclose(found.adjusted_p, adjusted_p(found.p))
    same = equivalence(methods - baseline, margin=0.02, level=0.9)
    np.testing.assert_allclose(found.p_equivalence, same.p)
    each = area_difference(methods, np.repeat(baseline, 3, axis=1), margin=0.02, level=0.9)
    np.testing.assert_array_equal(each.p, found.p)


def test_a_pure_shift_differs_by_exactly_nothing():
    world = simulated_detection(np.random.default_rng(1), n_clusters=30)
    scores = np.column_stack([world.baseline, world.baseline - 2.5, 3 * world.baseline + 1])
    rows = clustered_area(scores, world.present, world.clusters).rows
    found = area_difference(rows[:, 1:], rows[:, :1])
    for name in ("estimate", "low", "high", "p_equivalence"):
        np.testing.assert_array_equal(getattr(found, name), [0, 0])
    assert found.p.tolist() == found.adjusted_p.tolist() == [1, 1]
    assert found.equivalent.all()


def test_a_difference_without_spread_has_an_honest_p():
    found = area_difference(np.ones((6, 1)), np.zeros((6, 1)))
    assert (found.estimate[0], found.p[0], found.equivalent[0]) == (1.0, 2.0**-5, False)


def test_p_is_never_0():
    rows = np.random.default_rng(0).normal(0.5, 1e-9, (5000, 1))
    assert area_difference(rows, np.zeros((5000, 1))).p[0] > 0


def test_differences_are_covered_and_pairs_taken_for_independent_are_far_too_wide():
    draw, n, held, wider = np.random.default_rng(2), 120, np.zeros(2), 0.0
    for _ in range(n):
        world = simulated_detection(draw, n_clusters=60, mitigations=("placebo", "gain"))
        methods, baseline = rows_of(world)
        found, truth = area_difference(methods, baseline), world.method_areas - 0.89
        held += (found.low <= truth) & (truth <= found.high)
        other = area_difference(draw.permutation(methods), baseline)
        wider += (other.high - other.low)[1] / (found.high - found.low)[1] / n
    assert (held >= binom.ppf(0.001, n, 0.94)).all()
    assert (held <= binom.ppf(0.999, n, 0.975)).all()
    assert wider > 2


def test_rows_of_other_items_are_refused():
    with pytest.raises(ValueError, match="take both from the same items"):
        area_difference(np.ones((5, 3)), np.ones((5, 2)))
    with pytest.raises(ValueError, match="margin"):
        area_difference(np.ones((5, 1)), np.ones((5, 1)), margin=0.0)
