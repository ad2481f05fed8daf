"""The weights engine: exact sums, keyed chunks, and one set of resamples for every statistic."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stats import resampled_means, resampled_statistic, resampled_t, weight_chunks
from stats.exact_sums import grid_unit, on_exact_grid

tables = arrays(float, st.tuples(st.integers(2, 40), st.integers(1, 4)), elements=st.floats(-9, 9))


@given(tables, st.randoms(use_true_random=False))
def test_sums_on_the_grid_do_not_depend_on_the_order(table, random):
    weights = np.array([random.randint(0, 3) for _ in table])
    exact = on_exact_grid(table, total_weight=int(weights.sum()) + 1)
    order = list(range(len(table)))
    random.shuffle(order)
    forward = sum((weights[i] * exact[i] for i in range(len(table))), np.zeros(table.shape[1]))
    shuffled = sum((weights[i] * exact[i] for i in order), np.zeros(table.shape[1]))
    assert forward.tobytes() == shuffled.tobytes()


def test_plain_sums_do_depend_on_the_order():
    values = np.random.default_rng(0).standard_normal((1000, 1))
    assert values.cumsum()[-1] != values[::-1].cumsum()[-1]
    exact = on_exact_grid(values, total_weight=1000)
    assert exact.cumsum()[-1] == exact[::-1].cumsum()[-1]


@given(tables)
def test_rounding_to_the_grid_is_bounded(table):
    n_scenes = len(table)
    moved = np.abs(on_exact_grid(table, total_weight=n_scenes) - table)
    assert (moved <= grid_unit(table, total_weight=n_scenes) / 2).all()
    assert (moved <= n_scenes * 2.0**-51 * np.abs(table).max(axis=0)).all()


@pytest.mark.parametrize("n_scenes", [2, 50, 8192, 8193, 70_000])
def test_weights_redraw_all_scenes_and_stay_the_same_when_more_are_asked_for(n_scenes):
    few, many = (
        np.concatenate(list(weight_chunks(n_scenes, n, rng=np.random.default_rng(1))))
        for n in (70, 300)
    )
    assert few.shape == (70, n_scenes)
    assert (many.sum(axis=1) == n_scenes).all()
    assert (many[:70] == few).all()


def test_weights_by_block_are_multinomial(monkeypatch):
    monkeypatch.setattr("stats.resampling._SCENES_PER_BLOCK", 4)
    test_weights_are_multinomial()


def test_weights_are_multinomial():
    weights = np.concatenate(list(weight_chunks(10, 20_000, rng=np.random.default_rng(2))))
    assert abs(weights.mean(axis=0) - 1).max() < 5 * np.sqrt(0.9 / 20_000)
    covariance = np.cov(weights.T)
    assert abs(covariance - (np.eye(10) - 0.1)).max() < 0.05


def test_any_statistic_sees_the_resamples_of_the_fast_path():
    scenes = np.random.default_rng(3).standard_normal((30, 4))
    fast = resampled_means(scenes, rng=np.random.default_rng(4), n_resamples=400)
    slow = resampled_statistic(
        lambda rows: rows.mean(axis=0), scenes, rng=np.random.default_rng(4), n_resamples=400
    )
    np.testing.assert_allclose(fast, slow, atol=1e-13)


def test_t_is_that_of_the_redrawn_scenes():
    scenes = np.random.default_rng(5).exponential(size=(25, 3))

    def t_of(rows):
        error = rows.std(axis=0, ddof=1) / np.sqrt(len(rows))
        return (rows.mean(axis=0) - scenes.mean(axis=0)) / error

    fast = resampled_t(scenes, rng=np.random.default_rng(6), n_resamples=300)
    slow = resampled_statistic(t_of, scenes, rng=np.random.default_rng(6), n_resamples=300)
    np.testing.assert_allclose(fast, slow, rtol=1e-9, atol=1e-12)


@given(tables)
def test_t_is_finite_whatever_the_data(table):
    assert np.isfinite(resampled_t(table, rng=np.random.default_rng(7), n_resamples=50)).all()
