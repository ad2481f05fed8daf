"""Shares of scenes: the exact interval, Wilson's by hand, limits, coverage, what must fail."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, t

from stats import cluster_bootstrap, cluster_share


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("n_scenes", [10, 300])
def test_one_yes_or_no_a_scene_has_the_exact_interval(n_scenes):
    counts = [0, 1, n_scenes // 2, n_scenes]
    values = (np.arange(n_scenes)[:, None] < counts).astype(float)
    found = cluster_share(values, np.arange(n_scenes))
    for column, successes in enumerate(counts):
        exact = binomtest(successes, n_scenes).proportion_ci(0.95)
        assert found.low[column] == pytest.approx(exact.low)
        assert found.high[column] == pytest.approx(exact.high)
    assert (found.effective_n == n_scenes).all()


def test_several_items_a_scene_have_wilsons_with_the_effective_number():
    """By hand: 20 scenes of 2 questions, 8 all right, 6 all wrong, 6 half."""
    by_scene = [[1, 1]] * 8 + [[0, 0]] * 6 + [[1, 0]] * 6
    found = cluster_share(np.ravel(by_scene).astype(float), np.repeat(np.arange(20), 2))
    share = 22 / 40
    variance = (8 * (1 - share) ** 2 + 6 * share**2 + 6 * (0.5 - share) ** 2) / 19
    effective = share * (1 - share) / (variance / 20)
    assert 20 < effective < 40
    z2 = t.ppf(0.975, 19) ** 2
    # Wilson's ends are where (p - share)^2 = z^2 p (1 - p) / n.
    plus = float(z2 / effective)
    ends = np.roots([1 + plus, -2 * share - plus, share**2])
    np.testing.assert_allclose([found.low, found.high], sorted(ends))
    assert found.effective_n == pytest.approx(effective)


def test_a_scene_asked_twice_the_same_counts_once():
    values = (rng(1).random((30, 3)) < [0.2, 0.5, 0.97]).astype(float)
    found = cluster_share(np.repeat(values, 4, axis=0), np.repeat(np.arange(30), 4))
    one = cluster_share(values, np.arange(30))
    np.testing.assert_allclose(found.estimate, one.estimate)
    # (n - 1) / n, of the variance's estimate.
    share = found.estimate
    inside = (share > 0) & (share < 1)
    np.testing.assert_allclose(found.effective_n[inside], 29)


def test_all_right_but_one_is_not_more_sure_than_all_right():
    values, scenes = np.ones(200), np.repeat(np.arange(50), 4)
    every = cluster_share(values, scenes)
    values[7] = 0
    assert cluster_share(values, scenes).low <= every.low == pytest.approx(0.025 ** (1 / 50))


@settings(deadline=None, max_examples=60)
@given(
    n_scenes=st.integers(2, 30),
    each=st.integers(1, 4),
    share=st.floats(0, 1),
    whole=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_ends_lie_in_the_scale_around_the_share_and_never_meet(n_scenes, each, share, whole, seed):
    draws = rng(seed).random((n_scenes * each, 2))
    values = (draws < share).astype(float) if whole else share * draws
    scenes = np.repeat(np.arange(n_scenes), each)
    found = cluster_share(values, scenes)
    assert (found.low >= 0).all()
    assert (found.high <= 1).all()
    assert (found.low <= found.estimate).all()
    assert (found.estimate <= found.high).all()
    assert (found.low < found.high).all()
    order = rng(seed).permutation(len(values))
    again = cluster_share(values[order], scenes[order])
    np.testing.assert_allclose([again.low, again.high], [found.low, found.high], atol=1e-12)


def test_it_covers_near_the_end_of_the_scale_and_the_bootstrap_does_not():
    n, share = 400, 0.98
    values = (rng(3).random((50, n)) < share).astype(float)
    found = cluster_share(values, np.arange(50))
    redrawn = cluster_bootstrap(values, np.arange(50), rng=rng(4), n_resamples=499)
    covered, before = (
        int(((each.low <= share) & (each.high >= share)).sum()) for each in (found, redrawn)
    )
    assert covered >= binom.ppf(0.001, n, 0.95)
    assert before < binom.ppf(0.001, n, 0.95)
    assert redrawn.high.max() > 1
    assert found.high.max() <= 1


def test_it_covers_with_several_questions_a_scene_and_by_question_does_not():
    n, share = 400, 0.9
    own = rng(5).beta(share * 1.5, (1 - share) * 1.5, (50, n))  # a correlation of .4 within scenes
    values = (rng(6).random((200, n)) < np.repeat(own, 4, axis=0)).astype(float)
    covered, before = (
        int(((found.low <= share) & (found.high >= share)).sum())
        for found in (
            cluster_share(values, np.repeat(np.arange(50), 4)),
            cluster_share(values, np.arange(200)),
        )
    )
    assert covered >= binom.ppf(0.001, n, 0.93)
    assert before < binom.ppf(0.001, n, 0.93)


def test_what_is_no_share_is_refused():
    with pytest.raises(ValueError, match="must lie in"):
        cluster_share(np.array([0.0, 1.5]), [0, 1])
    with pytest.raises(ValueError, match="need at least 2 scenes"):
        cluster_share(np.array([0.0, 1.0]), [0, 0])
