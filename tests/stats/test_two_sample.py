"""Two samples of scenes: agreement with scipy, error rates, and the test that must fail."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from scipy.stats import binom

from stats import (
    at_depths,
    cluster_bootstrap,
    common_depths,
    mean_difference,
    two_sample,
    two_sample_max_t,
)
from stats.simulate import noise


def welchs_t(first, second):
    return scipy_stats.ttest_ind(first, second, equal_var=False)[0]


def test_t_is_welchs_and_p_is_the_permutation_tests():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(7, 3)), rng.normal(0.8, 2, size=(5, 3))
    found = two_sample_max_t(first, second, rng=rng, n_resamples=20_000)
    np.testing.assert_allclose(found.t, welchs_t(second, first), rtol=1e-12)
    for column in range(3):
        one = two_sample_max_t(first[:, [column]], second[:, [column]], rng=rng, n_resamples=20_000)
        exact = scipy_stats.permutation_test(
            (second[:, column], first[:, column]),
            lambda x, y: abs(welchs_t(x, y)),
            vectorized=False, n_resamples=10_000, alternative="greater",
        )  # fmt: skip
        assert one.p[0] == pytest.approx(exact.pvalue, abs=0.015)
        assert found.p[column] >= one.p[0] - 0.015


def rejections(test, repetitions=300, **sizes):
    rng = np.random.default_rng(1)
    return sum(test(rng, *samples(rng, **sizes)) <= 0.05 for _ in range(repetitions))


def samples(rng, *, n=(30, 30), spread=(1.0, 1.0), n_columns=9, items=1):
    """Equal means. With several items a scene, rows are items whose scenes correlate them."""
    for size, sd in zip(n, spread, strict=True):
        scene = noise(rng, (size, 1, n_columns), correlation=0.7)
        item = noise(rng, (size, items, n_columns), correlation=0.7)
        own = scene if items == 1 else np.sqrt(0.5) * (scene + item)
        yield sd * own.reshape(-1, n_columns)


def welch(rng, first, second):
    return two_sample_max_t(first, second, rng=rng, n_resamples=199).omnibus_p


def plain(rng, first, second):
    """The largest difference of means, permuted: the test that is not used."""
    pool = np.vstack([first, second])
    own = np.abs(second.mean(axis=0) - first.mean(axis=0)).max()
    drawn = []
    for _ in range(199):
        mixed = rng.permutation(pool)
        means = mixed[: len(first)].mean(axis=0), mixed[len(first) :].mean(axis=0)
        drawn.append(np.abs(means[1] - means[0]).max())
    return (1 + np.sum(np.array(drawn) >= own)) / 200


def test_the_level_holds_for_equal_samples():
    least, most = binom.ppf([0.001, 0.999], 300, [0.04, 0.06])
    assert least <= rejections(welch) <= most


def test_the_level_holds_where_size_and_spread_differ_and_a_plain_difference_fails():
    unequal = {"n": (40, 160), "spread": (3.0, 1.0)}
    assert rejections(welch, **unequal) <= binom.ppf(0.999, 300, 0.07)
    assert rejections(plain, **unequal) > 0.15 * 300


def test_items_taken_for_scenes_reject_too_often():
    """What must fail: the unit is the scene."""
    assert rejections(welch, items=4) > 0.12 * 300


def test_a_difference_is_found_where_it_is():
    rng = np.random.default_rng(2)
    first, second = samples(rng, n=(80, 60))
    second = second + np.array([0, 0, 0, 0, 0, 0, 1, 1, 1.0])
    found = two_sample_max_t(first, second, rng=rng, n_resamples=999)
    assert found.p[6:].max() <= 0.002
    assert found.omnibus_p == found.p.min() == 1 / 1000


def test_columns_without_spread_have_the_documented_answer():
    first, second = np.tile([0.0, 0.1, 2.0], (5, 1)), np.tile([0.0, 0.1, 1.0], (6, 1))
    found = two_sample_max_t(first, second, rng=np.random.default_rng(0), n_resamples=99)
    assert found.t[:2].tolist() == [0, 0]
    assert found.t[2] == -np.inf
    assert found.p[:2].tolist() == [1, 1]
    assert 0 < found.p[2] <= 0.05


@given(st.permutations(range(12)), st.floats(0.1, 10), st.floats(-5, 5))
def test_order_of_scenes_scale_and_shift_do_not_matter(order, scale, shift):
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=(12, 2)), rng.normal(size=(9, 2))
    want = two_sample_max_t(first, second, rng=np.random.default_rng(0), n_resamples=99)
    moved = two_sample_max_t(
        first[list(order)], second, rng=np.random.default_rng(0), n_resamples=99
    )
    np.testing.assert_array_equal(moved.p, want.p)
    other = two_sample_max_t(
        scale * first + shift, scale * second + shift, rng=np.random.default_rng(0), n_resamples=99
    )
    np.testing.assert_allclose(other.t, want.t, rtol=1e-6, atol=1e-9)


def test_paired_differences_are_those_of_the_scene_bootstrap():
    rng = np.random.default_rng(4)
    first, second = rng.normal(size=(2, 40, 3))
    found = mean_difference(
        first, second, rng=np.random.default_rng(5), paired=True, n_resamples=199
    )
    interval = cluster_bootstrap(
        second - first, np.arange(40), rng=np.random.default_rng(5), n_resamples=199
    )
    np.testing.assert_array_equal([found.low, found.high], [interval.low, interval.high])
    assert (found.paired, found.n_scenes) == (True, (40, 40))
    assert (found.low <= found.estimate).all()
    assert (found.estimate <= found.high).all()


@pytest.mark.parametrize("sizes", [(40, 90), (200, 300)])
def test_intervals_of_independent_samples_cover(sizes):
    rng = np.random.default_rng(6)
    held = 0
    for _ in range(200):
        first, second = samples(rng, n=sizes, spread=(1.0, 2.0), n_columns=1)
        found = mean_difference(first, second, rng=rng, paired=False, n_resamples=199)
        held += found.low[0] <= 0 <= found.high[0]
    assert held >= binom.ppf(0.001, 200, 0.94)


@given(st.integers(2, 40), st.integers(2, 40))
def test_interpolation_leaves_layers_and_straight_lines_alone(n_first, n_second):
    depths = common_depths(n_first, n_second)
    least = min(n_first, n_second)
    table = np.random.default_rng(0).normal(size=(3, least))
    np.testing.assert_array_equal(at_depths(table, depths), table)
    line = np.linspace(1, 3, max(n_first, n_second))[None]
    np.testing.assert_allclose(at_depths(line, depths)[0], 1 + 2 * depths)


def test_between_layers_lies_the_straight_line():
    found = at_depths(np.array([[0.0, 4.0, 5.0]]), np.array([0.25, 0.5, 0.75, 1.0]))
    np.testing.assert_allclose(found, [[2, 4, 4.5, 5]])


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda rng: two_sample_max_t(np.zeros((1, 2)), np.zeros((3, 2)), rng=rng),
         r"need at least 2 scenes, got 1 in `first`"),
        (lambda rng: two_sample_max_t(np.zeros((3, 2)), np.zeros((3, 4)), rng=rng),
         r"`second` must have the columns of `first` \(2\), got 4"),
        (lambda rng: mean_difference(np.zeros((3, 2)), np.zeros((4, 2)), rng=rng, paired=True),
         r"keep the shared scenes, or pass paired=False"),
        (lambda rng: at_depths(np.zeros((2, 3)), np.array([1.5])), r"`depths` must lie in 0..1"),
        (lambda rng: at_depths(np.zeros((2, 1)), np.array([0.5])), r"at least 2 layers, got 1"),
        (lambda rng: common_depths(1, 9), r"need at least 2 layers, got 1"),
    ],
)  # fmt: skip
def test_says_what_is_wrong(work, message):
    with pytest.raises(ValueError, match=message):
        work(np.random.default_rng(0))


@pytest.mark.parametrize("n", [(7, 9), (60, 211)])
def test_no_order_of_summation_changes_a_bit(n, monkeypatch):
    """What a BLAS kernel, a number of threads or a block size may do to sums, done to them."""
    rng = np.random.default_rng(3)
    first, second = (rng.standard_t(2, (size, 5)) * [1e-9, 1, 3, 1e7, 1e12] for size in n)
    wanted = two_sample_max_t(first, second, rng=np.random.default_rng(4), n_resamples=199)
    plain = two_sample._welch_t
    order = rng.permutation(sum(n))

    def reordered(labels, moments):
        return plain(np.asfortranarray(labels[:, order]), moments[:, order])

    def in_chunks(labels, moments):
        each = [plain(np.ascontiguousarray(row[None]), moments) for row in labels]
        return np.concatenate(each)

    for other in (reordered, in_chunks):
        monkeypatch.setattr(two_sample, "_welch_t", other)
        found = two_sample_max_t(first, second, rng=np.random.default_rng(4), n_resamples=199)
        np.testing.assert_array_equal(found.p, wanted.p)
        assert found.t.tobytes() == wanted.t.tobytes()
    # Plain sums fail this: that they are exact is no matter of luck.
    pool = np.vstack([first, second])
    assert (pool[order].sum(axis=0) != pool.sum(axis=0)).any()


@pytest.mark.parametrize("exponent", [-1000, -530, 530, 1000])
def test_the_unit_is_moot_far_beyond_what_squares_bear(exponent):
    rng = np.random.default_rng(5)
    first, second = rng.standard_normal((12, 3)), 0.8 + 2 * rng.standard_normal((9, 3))
    found, moved = (
        two_sample_max_t(
            np.ldexp(first, by), np.ldexp(second, by), rng=np.random.default_rng(6), n_resamples=99
        )
        for by in (0, exponent)
    )
    np.testing.assert_array_equal(found.p, moved.p)
    assert found.t.tobytes() == moved.t.tobytes()
