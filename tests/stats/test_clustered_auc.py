"""Areas of clustered items: by loops over pairs, invariances, coverage, and what must fail."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from stats import area_under_curve, clustered_area, sign_flip_max_t, swap_contrasts
from stats.simulated_detection import NoiseShares, simulated_detection


def obuchowski(scores, positive, clusters):
    """Area and variance as in Obuchowski (1997), pair by pair and cluster by cluster."""
    ones = [k for k, one in enumerate(positive) if one]
    zeros = [k for k, one in enumerate(positive) if not one]
    wins = {(i, j): float(scores[i] > scores[j]) + 0.5 * (scores[i] == scores[j])
            for i in ones for j in zeros}  # fmt: skip
    m, n = len(ones), len(zeros)
    area = sum(wins.values()) / (m * n)
    v10 = {i: sum(wins[i, j] for j in zeros) / n for i in ones}
    v01 = {j: sum(wins[i, j] for i in ones) / m for j in zeros}
    s10 = s01 = s11 = 0.0
    names = sorted(set(clusters))
    for name in names:
        own = [k for k in range(len(scores)) if clusters[k] == name]
        first = sum(v10[k] - area for k in own if k in v10)
        second = sum(v01[k] - area for k in own if k in v01)
        s10, s01, s11 = s10 + first**2, s01 + second**2, s11 + first * second
    k10, k01 = (len({clusters[k] for k in kind}) for kind in (ones, zeros))
    k = len(names)
    s10, s01 = s10 * k10 / ((k10 - 1) * m), s01 * k01 / ((k01 - 1) * n)
    return area, s10 / m + s01 / n + 2 * s11 * k / (k - 1) / (m * n)


def world(seed, n_clusters=12, columns=3):
    """Clusters of 2 to 5 items, each of both kinds, with ties among the scores."""
    draw = np.random.default_rng(seed)
    sizes = draw.integers(2, 6, n_clusters)
    clusters = np.repeat(np.arange(n_clusters), sizes)
    positive = np.concatenate([np.arange(size) % 2 == 0 for size in sizes])
    scores = draw.integers(0, 7, (len(clusters), columns)) + positive[:, None] * 2.0
    return scores, positive, clusters


@pytest.mark.parametrize("seed", range(5))
def test_it_is_obuchowskis_area_and_variance(seed):
    scores, positive, clusters = world(seed)
    found = clustered_area(scores, positive, clusters)
    for column in range(3):
        area, variance = obuchowski(scores[:, column], positive, clusters)
        rows = found.rows[:, column]
        assert found.estimate[column] == pytest.approx(area, rel=1e-12)
        assert rows.mean() == pytest.approx(area, rel=1e-12)
        assert rows.var(ddof=1) / len(rows) == pytest.approx(variance, rel=1e-10)


def test_clusters_of_one_kind_hardly_differ_from_obuchowski():
    scores, positive, clusters = world(3, n_clusters=20)
    positive[clusters < 5] = True
    found = clustered_area(scores, positive, clusters)
    _, variance = obuchowski(scores[:, 0], positive, clusters)
    assert found.rows[:, 0].var(ddof=1) / 20 == pytest.approx(variance, rel=0.03)


def test_one_item_in_each_cluster_gives_delong():
    draw = np.random.default_rng(0)
    first, second = draw.standard_normal((12, 4)) + 1, draw.standard_normal((9, 4))
    plain = area_under_curve(first, second, level=0.9)
    positive = np.arange(21) < 12
    found = clustered_area(np.concatenate([first, second]), positive, np.arange(21), level=0.9)
    for name in ("estimate", "low", "high"):
        np.testing.assert_allclose(getattr(found, name), getattr(plain, name), rtol=1e-10)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_order_of_rows_names_and_monotone_transforms_make_no_difference(seed):
    scores, positive, clusters = world(seed)
    found = clustered_area(scores, positive, clusters)
    order = np.random.default_rng(seed).permutation(len(scores))
    steep = np.sign(scores - 4) * np.abs(scores - 4) ** 3
    steep[scores == scores.max()] = np.inf
    moved = clustered_area(steep[order], positive[order], clusters[order] * 7 - 3)
    for name in ("estimate", "low", "high", "rows"):
        np.testing.assert_allclose(getattr(moved, name), getattr(found, name), atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_exchanged_labels_or_signs_give_one_minus_the_area(seed):
    scores, positive, clusters = world(seed)
    found = clustered_area(scores, positive, clusters)
    for other in (clustered_area(scores, ~positive, clusters),
                  clustered_area(-scores, positive, clusters)):  # fmt: skip
        np.testing.assert_allclose(other.estimate, 1 - found.estimate, atol=1e-12)
        np.testing.assert_allclose(other.rows, 1 - found.rows, atol=1e-12)
        np.testing.assert_allclose(other.low, 1 - found.high, atol=1e-12)


def test_perfect_separation_is_not_beyond_doubt():
    positive = np.tile([True, True, False, False], 20)
    found = clustered_area(positive[:, None] * 1.0, positive, np.repeat(np.arange(20), 4))
    assert (found.estimate[0], found.high[0]) == (1.0, 1.0)
    assert found.low[0] == pytest.approx(0.025 ** (1 / 20))
    assert (found.rows == 1).all()


def test_it_covers_where_items_of_a_cluster_go_together_and_delong_by_item_does_not():
    draw, held, by_item, n = np.random.default_rng(1), 0, 0, 150
    shares = NoiseShares(clarity=0.6, scene=0.2, text=0.2)
    for _ in range(n):
        world = simulated_detection(draw, n_clusters=60, area=0.89, shares=shares)
        found = clustered_area(world.baseline[:, None], world.present, world.clusters)
        held += found.low[0] <= 0.89 <= found.high[0]
        kinds = world.baseline[world.present, None], world.baseline[~world.present, None]
        item = area_under_curve(*kinds, level=0.95)
        by_item += item.low[0] <= 0.89 <= item.high[0]
    assert held >= binom.ppf(0.001, n, 0.94)
    assert by_item < binom.ppf(0.001, n, 0.94)


def test_contrasts_by_hand_and_clusters_of_one_kind_are_left_out():
    scores = np.array([[1.0], [5.0], [1.0], [0.0], [9.0]])
    positive = np.array([True, True, False, False, True])
    # Midranks 2.5, 4, 2.5, 1, 5; cluster c holds a positive item only.
    found = swap_contrasts(scores, positive, ["a", "a", "a", "b", "c"])
    np.testing.assert_allclose(found, [[3.25 - 2.5]])
    with pytest.raises(ValueError, match="in some cluster"):
        swap_contrasts(scores, positive, ["a", "a", "b", "b", "a"])


def test_exchanging_the_labels_of_a_cluster_turns_its_contrast_and_no_other():
    world = simulated_detection(np.random.default_rng(2), n_clusters=10)
    scores = np.column_stack([world.baseline, world.methods])
    plain = swap_contrasts(scores, world.present, world.clusters)
    turned = swap_contrasts(scores, world.present ^ (world.clusters == 3), world.clusters)
    np.testing.assert_allclose(turned[3], -plain[3])
    np.testing.assert_allclose(np.delete(turned, 3, axis=0), np.delete(plain, 3, axis=0))
    assert sign_flip_max_t(plain, rng=np.random.default_rng(0)).omnibus_p <= 0.01


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s, p, c: (np.where(s == s.max(), np.nan, s), p, c), "must not be missing"),
        (lambda s, p, c: (s, np.ones_like(p), c), "no negative one"),
        (lambda s, p, c: (s, p, np.where(p, 0, c)), "with a positive item"),
    ],
)
def test_input_that_cannot_be_used_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        clustered_area(*change(*world(0)))
