"""Methods against a mere shift: by hand, exact zeros, ties, resamples, level and coverage."""

import numpy as np
import pytest
from scipy.stats import binom, ttest_rel

from stats import adjusted_p, against_constant_shift
from stats.cluster_sums import cluster_sums
from stats.constant_shift import _gained
from stats.ranked_items import RankedItems
from stats.simulated_detection import simulated_detection


def of(world, scores=None, **options):
    given = {"rng": np.random.default_rng(0), "n_resamples": 199, **options}
    scores = world.methods if scores is None else scores
    return against_constant_shift(
        scores, scores > 0, world.baseline, world.present, world.clusters, **given
    )


def test_by_hand_with_ties_at_the_threshold():
    baseline = np.array([3.0, 1.0, 1.0, 1.0, 0.0, 0.0])
    present = np.array([True, True, False, False, True, False])
    said_yes = np.array([[True, True, False, False, False, False],
                         [True, True, True, True, False, False]]).T  # fmt: skip
    scores = np.column_stack([baseline + 1, baseline + 2])
    found = against_constant_shift(
        scores, said_yes, baseline, present, range(6), rng=np.random.default_rng(0), n_resamples=99
    )
    # The placebo's second yes is one of three tied items, of which one is right: 1 1/3 hits.
    np.testing.assert_allclose(found.yes_share, [2 / 6, 4 / 6])
    np.testing.assert_allclose(found.accuracy, [5 / 6, 3 / 6])
    np.testing.assert_allclose(found.placebo_accuracy, [5 / 6 - 2 * (2 - 4 / 3) / 6, 3 / 6])
    assert found.difference[1] == 0
    np.testing.assert_allclose(found.shift, [1, 2])
    np.testing.assert_allclose(found.spread, 0)
    np.testing.assert_allclose(found.adjusted_p, adjusted_p(found.p))


def test_a_mere_shift_adds_exactly_nothing():
    world = simulated_detection(np.random.default_rng(0), n_clusters=50)
    shifted = world.baseline[:, None] + np.array([-1.0, 0.0, 2.0])
    found = of(world, shifted)
    for name in ("difference", "low", "high"):
        np.testing.assert_array_equal(getattr(found, name), 0)
    assert (found.p == 1).all()
    assert found.accuracy[0] != found.accuracy[2]


def test_infinite_scores_are_ranks_and_no_shift():
    world = simulated_detection(np.random.default_rng(1), n_clusters=20)
    scores = np.where(world.baseline > 0, np.inf, -np.inf)[:, None]
    found = of(world, scores)
    assert found.difference[0] == 0
    assert np.isnan(found.shift[0])


def test_a_resample_is_measured_as_the_redrawn_items_themselves():
    world = simulated_detection(np.random.default_rng(2), n_clusters=15)
    drawn = np.random.default_rng(0).integers(15, size=15)
    yes = world.methods > 0.2
    items = RankedItems.of(world.baseline, world.present, world.clusters)
    answers = (
        cluster_sums(yes * 1.0, world.clusters),
        cluster_sums((yes & world.present[:, None]) * 1.0, world.clusters),
    )
    weights = np.bincount(drawn, minlength=15)[None].astype(float)
    ours = _gained(items, answers, weights)[0, 0]
    chosen = np.concatenate([np.flatnonzero(world.clusters == each) for each in drawn])
    again = against_constant_shift(
        world.methods[chosen], yes[chosen], world.baseline[chosen], world.present[chosen],
        np.repeat(np.arange(15), 4), rng=np.random.default_rng(0), n_resamples=39,
    )  # fmt: skip
    assert ours == pytest.approx(again.difference[0])


def test_no_more_than_a_shift_is_seldom_called_a_gain_and_a_gain_is_often():
    draw, n = np.random.default_rng(3), 100
    kinds = ("shift", "placebo", "gain")
    gained, plain, held = np.zeros(3), 0, 0
    for _ in range(n):
        world = simulated_detection(draw, n_clusters=150, mitigations=kinds, bias=1.0)
        found = of(world, rng=draw)
        gained += (found.p <= 0.05) & (found.difference > 0)
        held += found.low[1] <= 0 <= found.high[1]
        # Accuracy alone takes saying yes less often for a gain.
        said = np.column_stack([world.methods[:, 0], world.baseline]) > 0
        right = (said == world.present[:, None]).reshape(-1, 4, 2).mean(axis=1)
        plain += ttest_rel(*right.T, alternative="greater").pvalue <= 0.05
    assert (gained[:2] <= binom.ppf(0.999, n, 0.03)).all()
    assert gained[2] / n > 0.25
    assert held >= binom.ppf(0.001, n, 0.94)
    assert plain / n > 0.9


def test_other_items_are_refused():
    world = simulated_detection(np.random.default_rng(4), n_clusters=5)
    with pytest.raises(ValueError, match="missing"):
        of(world, np.full_like(world.methods, np.nan))
