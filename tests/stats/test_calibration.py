"""Calibration: by hand, ties, the bias of the estimate, coverage, and the bootstrap that fails."""

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import binom

from stats import calibration, resampled_means


def of(said, right, clusters=None, **options):
    given = {"rng": np.random.default_rng(0), "n_resamples": 99, **options}
    clusters = np.arange(len(right)) if clusters is None else clusters
    return calibration(said, right, clusters, **given)


def world(draw, n_clusters, slope):
    """Probabilities whose log odds are stated too large by 1 / slope; 4 items to a cluster."""
    centre = np.repeat(draw.standard_normal(n_clusters), 4)
    said = expit(1.5 + 0.7 * centre + draw.standard_normal(4 * n_clusters))
    true = expit(slope * logit(said))
    return said, draw.random(len(said)) < true, true, np.repeat(np.arange(n_clusters), 4)


def test_by_hand():
    said = np.array([0.2, 0.4, 0.6, 1.0])
    found = of(said, np.array([False, True, True, True]), n_bins=2)
    # Bins say .3 and .8; right are 1/2 and 1.
    assert found.ece.value == pytest.approx((0.2 + 0.2) / 2)
    assert found.brier.value == pytest.approx((0.04 + 0.36 + 0.16) / 4)
    np.testing.assert_allclose(found.bin_probability, [0.3, 0.8])
    np.testing.assert_allclose(found.bin_right, [0.5, 1.0])
    # Drawn labels: all sixteen, by their probability.
    expected = 0.0
    for code in range(16):
        right = np.array([code >> k & 1 for k in range(4)])
        chance = np.prod(np.where(right, said, 1 - said))
        gaps = [abs((said - right)[:2].sum()), abs((said - right)[2:].sum())]
        expected += chance * sum(gaps) / 4
    many = of(said, right > 0, n_bins=2, n_resamples=20_000)
    assert many.ece_if_calibrated == pytest.approx(expected, abs=0.005)


def test_equal_probabilities_share_a_bin_and_rows_have_no_order():
    draw = np.random.default_rng(0)
    said, right = np.round(draw.random(60), 1), draw.random(60) < 0.5
    order = draw.permutation(60)
    one, two = of(said, right), of(said[order], right[order], np.arange(60)[order])
    assert one.ece.value == pytest.approx(two.ece.value)
    assert one.ece.high == pytest.approx(two.ece.high)
    assert one.bin_items.sum() == 60
    assert len(of(np.full(60, 0.5), right).bin_items) == 1


def test_the_estimate_without_error_is_what_calibrated_labels_give():
    draw = np.random.default_rng(1)
    found = []
    for _ in range(100):
        said, right, _, clusters = world(draw, 100, 1.0)
        found.append(of(said, right, clusters, rng=draw))
    mean = np.mean([each.ece.value for each in found])
    assert mean == pytest.approx(np.mean([each.ece_if_calibrated for each in found]), rel=0.05)
    assert mean > 0.03
    # Percentiles lie above the truth, 0, by construction; the interval begins there.
    assert np.mean([each.ece.low == 0 for each in found]) >= binom.ppf(0.001, 100, 0.95) / 100


@pytest.mark.parametrize("slope", [0.9, 0.5])
def test_the_interval_covers_an_error_and_percentiles_do_not(slope):
    draw = np.random.default_rng(2)
    said, _, true, _ = world(draw, 100_000, slope)
    bins = np.argsort(np.argsort(said)) * 15 // len(said)
    truth = np.abs(np.bincount(bins, said - true)).sum() / len(said)
    held, brier, plain, n = 0, 0, 0, 120
    score = float(np.mean(said**2 - 2 * said * true + true))
    for _ in range(n):
        said, right, _, clusters = world(draw, 60, slope)
        found = of(said, right, clusters, rng=draw, n_resamples=199)
        held += found.ece.low <= truth <= found.ece.high
        brier += found.brier.low <= score <= found.brier.high
        own = np.argsort(np.argsort(said)) * 15 // len(said)
        gaps = np.zeros((60, 15))
        np.add.at(gaps, (clusters, own), said - right)
        drawn = np.abs(resampled_means(gaps, rng=draw, n_resamples=199)).sum(axis=1) / 4
        low, high = np.quantile(drawn, [0.025, 0.975])
        plain += low <= truth <= high
    assert min(held, brier) >= binom.ppf(0.001, n, 0.94)
    assert plain < binom.ppf(0.001, n, 0.94)


def test_what_is_no_probability_is_refused():
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
        of(np.array([0.5, 1.2]), np.array([True, False]))
    with pytest.raises(ValueError, match="n_bins"):
        of(np.array([0.5, 0.2]), np.array([True, False]), n_bins=0)
