"""Signal detection: by norm.ppf, exchanges, columns that always say yes, coverage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm

from stats import cluster_share, signal_detection
from stats.simulated_detection import NoiseShares, simulated_detection


def of(said_yes, present, clusters, **options):
    given = {"rng": np.random.default_rng(0), "n_resamples": 99, **options}
    return signal_detection(said_yes, present, clusters, **given)


def test_it_is_the_difference_of_normal_quantiles():
    present = np.tile([True, True, False, False], 10)
    said_yes = np.zeros((40, 1), dtype=bool)
    said_yes[np.flatnonzero(present)[:16]] = True
    said_yes[np.flatnonzero(~present)[:5]] = True
    found = of(said_yes, present, np.repeat(np.arange(10), 4))
    hits, false_alarms = norm.ppf(16.5 / 21), norm.ppf(5.5 / 21)
    assert found.d_prime.estimate[0] == pytest.approx(hits - false_alarms)
    assert found.criterion.estimate[0] == pytest.approx(-(hits + false_alarms) / 2)
    rates = [getattr(found, name).estimate[0] for name in
             ("hit_rate", "false_alarm_rate", "yes_share", "accuracy")]  # fmt: skip
    np.testing.assert_allclose(rates, [16 / 20, 5 / 20, 21 / 40, 31 / 40])


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_exchanged_answers_and_exchanged_labels_turn_signs(seed):
    draw = np.random.default_rng(seed)
    said_yes, present = draw.random((48, 3)) < 0.6, np.tile([True, False, True, False], 12)
    clusters, order = np.repeat(np.arange(12), 4), draw.permutation(48)
    found = of(said_yes, present, clusters)
    no, other = of(~said_yes, present, clusters), of(said_yes, ~present, clusters)
    np.testing.assert_allclose(no.d_prime.estimate, -found.d_prime.estimate, atol=1e-12)
    np.testing.assert_allclose(no.criterion.estimate, -found.criterion.estimate, atol=1e-12)
    np.testing.assert_allclose(other.d_prime.estimate, -found.d_prime.estimate, atol=1e-12)
    np.testing.assert_allclose(other.criterion.estimate, found.criterion.estimate, atol=1e-12)
    moved = of(said_yes[order], present[order], clusters[order])
    np.testing.assert_allclose(moved.d_prime.low, found.d_prime.low, atol=1e-9)


def test_always_yes_and_always_no_are_finite_and_tell_nothing():
    present = np.tile([True, False], 30)
    said_yes = np.repeat([[True, False]], 60, axis=0)
    found = of(said_yes, present, np.repeat(np.arange(30), 2))
    np.testing.assert_allclose(found.d_prime.estimate, 0, atol=1e-12)
    assert found.criterion.estimate[0] < -2
    assert found.criterion.estimate[1] > 2
    assert np.isfinite([found.criterion.low, found.criterion.high]).all()
    np.testing.assert_allclose(found.accuracy.estimate, 0.5)
    assert found.hit_rate.low[0] < 1


def test_rates_are_those_of_cluster_share_and_clusters_count_alike():
    draw = np.random.default_rng(1)
    clusters, present = np.repeat(np.arange(9), 4), np.tile([True, False, False, False], 9)
    said_yes = draw.random((36, 2)) < 0.5
    found = of(said_yes, present, clusters)
    alone = cluster_share(said_yes[~present] * 1.0, clusters[~present])
    np.testing.assert_allclose(found.false_alarm_rate.low, alone.low)


def test_d_prime_is_covered_and_not_by_items_taken_for_independent():
    draw, held, by_item, n = np.random.default_rng(2), np.zeros(2), 0, 80
    shares = NoiseShares(clarity=0.7, scene=0.1, text=0.1)
    hits, false_alarms = norm.ppf(0.89) / np.sqrt(2) + 0.4, -norm.ppf(0.89) / np.sqrt(2) + 0.4
    truth = np.array([hits - false_alarms, -(hits + false_alarms) / 2])
    for _ in range(n):
        world = simulated_detection(draw, n_clusters=60, area=0.89, shares=shares)
        # Each question in two wordings, answered alike, is no new question.
        said_yes, present, clusters = (
            np.repeat(each, 2) for each in (world.baseline > 0, world.present, world.clusters)
        )
        found, item = (
            of(said_yes[:, None], present, each, rng=draw, n_resamples=99)
            for each in (clusters, np.arange(len(clusters)))
        )
        for place, one in enumerate((found.d_prime, found.criterion)):
            held[place] += one.low[0] <= truth[place] <= one.high[0]
        by_item += item.d_prime.low[0] <= truth[0] <= item.d_prime.high[0]
    # Of 99 resamples the ends are those of .93 or so.
    assert (held >= binom.ppf(0.001, n, 0.92)).all()
    assert by_item < binom.ppf(0.001, n, 0.92)


def test_labels_of_one_kind_are_refused():
    with pytest.raises(ValueError, match="no absent one"):
        of(np.ones((4, 1), dtype=bool), np.ones(4, dtype=bool), [1, 1, 2, 2])
    with pytest.raises(ValueError, match="with a present item"):
        of(np.ones((4, 1), dtype=bool), np.array([True, False, False, False]), [1, 1, 2, 2])
