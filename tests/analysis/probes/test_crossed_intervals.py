"""Intervals over scenes and draws cover; those that know of one draw, or of scenes only, do not."""

import numpy as np
import pytest

from analysis.probes.crossed_intervals import crossed_interval, with_draws_error
from stats import cluster_bootstrap, sign_flip_max_t

N_DRAWS, N_PARTITIONS, N_SCENES = 10, 3, 300
SCENES = np.array([f"s{number}" for number in range(N_SCENES)])


def null_gains(*, deviation: float, n_columns: int, seed: int) -> np.ndarray:
    """Task minus control, right or wrong, where the task is as easy as control labels on average.

    Draws differ by `deviation`; the task is read once per partition, which its draws share.
    """
    rng = np.random.default_rng(seed)
    ease = 0.5 + deviation * rng.standard_normal((N_DRAWS, 1, n_columns))
    control = rng.random((N_DRAWS, N_SCENES, n_columns)) < ease
    # A scene is hard or easy for all partitions; what differs among them is chance.
    hard = rng.uniform(0.1, 0.9, (N_SCENES, n_columns))
    task = rng.random((N_PARTITIONS, N_SCENES, n_columns)) < hard
    return task[np.arange(N_DRAWS) % N_PARTITIONS].astype(float) - control


def scenes_only(values: np.ndarray, level: float = 0.95):
    rng = np.random.default_rng(7)
    return cluster_bootstrap(values, SCENES, rng=rng, n_resamples=1000, level=level)


def covers(interval) -> float:
    return float(((interval.low <= 0) & (interval.high >= 0)).mean())


@pytest.mark.parametrize("deviation", [0, 0.06, 0.12])
def test_covers_0_at_its_level_where_the_task_is_like_its_controls(deviation):
    gains = null_gains(deviation=deviation, n_columns=1000, seed=1)
    found = crossed_interval(gains, SCENES, alone=scenes_only(gains.mean(axis=0)))
    assert 0.93 < covers(found) < 0.985


def test_one_draw_does_not_nor_do_scenes_alone():
    gains = null_gains(deviation=0.12, n_columns=1000, seed=1)
    assert covers(scenes_only(gains[0])) < 0.75
    assert covers(scenes_only(gains.mean(axis=0))) < 0.88


def rejected(*, draws_error: bool) -> float:
    p = []
    for gains in np.moveaxis(null_gains(deviation=0.12, n_columns=300, seed=2), -1, 0):
        mean = gains.mean(axis=0)[:, None]
        found = crossed_interval(gains[..., None], SCENES, alone=scenes_only(mean))
        rows = with_draws_error(mean, found) if draws_error else mean
        rng = np.random.default_rng(3)
        p.append(sign_flip_max_t(rows, rng=rng, n_resamples=199).p[0])
    return float((np.array(p) <= 0.05).mean())


def test_the_test_keeps_its_level_which_that_of_scenes_alone_does_not():
    assert rejected(draws_error=True) < 0.085
    assert rejected(draws_error=False) > 0.10


def test_a_case_by_hand():
    # Draws at 0 and 2 for both scenes, scenes 1 apart: A = 2, no interaction.
    values = np.array([[[0.0], [1.0]], [[2.0], [3.0]]])
    alone = scenes_only_of_two()
    found = crossed_interval(values, np.array(["a", "b"]), alone=alone)
    np.testing.assert_allclose(found.draw_deviation, np.sqrt(2))
    half = 12.706204736 * np.sqrt(2 / 2)
    np.testing.assert_allclose(found.high - 1.5, np.hypot(alone.high - 1.5, half))
    np.testing.assert_allclose(1.5 - found.low, np.hypot(1.5 - alone.low, half))
    np.testing.assert_allclose(found.scenes_part, (1.5 - alone.low) / (1.5 - found.low))


def scenes_only_of_two():
    return cluster_bootstrap(
        np.array([[1.0], [2.0]]), ["a", "b"], rng=np.random.default_rng(0), n_resamples=1000
    )


def test_equal_draws_add_nothing_and_equal_scenes_leave_the_draws():
    rng = np.random.default_rng(0)
    scenes = rng.standard_normal((N_SCENES, 2))
    alone = scenes_only(scenes)
    same = crossed_interval(np.stack([scenes] * 3), SCENES, alone=alone)
    np.testing.assert_allclose(same.low, alone.low)
    np.testing.assert_allclose(same.scenes_part, 1)
    draws = np.broadcast_to(np.arange(3.0)[:, None, None], (3, N_SCENES, 1))
    other = crossed_interval(draws, SCENES, alone=scenes_only(draws.mean(axis=0)))
    # Student's t of 2 degrees of freedom, and the standard error of 0, 1, 2.
    np.testing.assert_allclose(other.high, 1 + 4.30265273 / np.sqrt(3))


def test_refuses_a_single_draw():
    values = np.zeros((1, N_SCENES, 1))
    with pytest.raises(ValueError, match="at least 2 draws to tell their spread, got 1"):
        crossed_interval(values, SCENES, alone=scenes_only(values[0]))
