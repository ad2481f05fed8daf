"""Depths of several models with the errors that scenes leave: exact cases and a simulation."""

from dataclasses import replace

import numpy as np
import pytest

from stats.crossing_errors import ModelCurves, crossing_errors


def model(
    rng: np.random.Generator,
    hard: np.ndarray,
    *,
    n_layers: int = 9,
    depths: tuple[float, ...] = (0.4,),
    data: str = "one",
) -> ModelCurves:
    where = np.linspace(0, 1, n_layers)
    rise = [np.clip((where - depth - 0.2 * hard[:, None]) / 0.7 + 0.5, 0, 1) for depth in depths]
    curves = np.stack(rise, axis=1)
    return ModelCurves(
        curves=curves + 0.1 * rng.standard_normal(curves.shape),
        scenes=tuple(f"s{place:03d}" for place in range(len(hard))),
        data=data,
    )


def test_scenes_that_are_hard_for_all_correlate_the_errors_of_models_that_share_them():
    rng = np.random.default_rng(0)
    hard = rng.standard_normal(80)
    same = [model(rng, hard), model(rng, hard, n_layers=17)]
    other = model(rng, rng.standard_normal(80), data="other")
    found = crossing_errors([*same, other], rng=rng, n_resamples=500)
    errors = np.sqrt(np.diag(found.covariance))
    correlation = found.covariance / np.outer(errors, errors)
    assert correlation[0, 1] > 0.7
    assert correlation[0, 2] == correlation[1, 2] == 0
    assert found.last_layers == (8, 16, 8)
    np.testing.assert_allclose(found.estimates, 0.4, atol=0.1)


def test_what_a_scene_adds_to_both_attributes_is_not_in_their_difference():
    rng = np.random.default_rng(1)
    hard = rng.standard_normal(80)
    both = model(rng, hard, depths=(0.35, 0.5))
    alone = replace(both, curves=both.curves[:, :1])
    found = crossing_errors([both], rng=rng, n_resamples=500)
    single = crossing_errors([alone], rng=rng, n_resamples=500)
    assert found.estimates[0] == pytest.approx(0.15, abs=0.03)
    assert found.covariance[0, 0] < 0.5 * single.covariance[0, 0]


def test_the_standard_error_is_the_spread_over_new_scenes():
    rng = np.random.default_rng(2)
    drawn = [
        crossing_errors([model(rng, rng.standard_normal(60))], rng=rng, n_resamples=200)
        for _ in range(150)
    ]
    spread = np.std([each.estimates[0] for each in drawn], ddof=1)
    stated = np.mean([each.covariance[0, 0] ** 0.5 for each in drawn])
    assert 0.8 < stated / spread < 1.25


def test_only_shared_scenes_correlate_and_rows_may_come_in_any_order():
    rng = np.random.default_rng(3)
    hard = rng.standard_normal(80)
    first, second = model(rng, hard), model(rng, hard)
    half = replace(second, curves=second.curves[:40], scenes=second.scenes[:40])
    order = rng.permutation(80)
    mixed = replace(
        first, curves=first.curves[order], scenes=tuple(first.scenes[place] for place in order)
    )
    plain, moved = (
        crossing_errors([each, half], rng=np.random.default_rng(4), n_resamples=400)
        for each in (first, mixed)
    )
    np.testing.assert_allclose(plain.covariance, moved.covariance)
    errors = np.sqrt(np.diag(plain.covariance))
    assert 0.35 < plain.covariance[0, 1] / errors.prod() < 0.5**0.5
    assert np.linalg.eigvalsh(plain.covariance).min() > 0


def test_absent_crossings_widen_the_error():
    rng = np.random.default_rng(5)
    flat = ModelCurves(
        curves=rng.standard_normal((40, 1, 9)) + 0.1, scenes=tuple(map(str, range(40))), data="one"
    )
    found = crossing_errors([flat], rng=rng, n_resamples=300)
    assert 0 < found.absent[0] < 1
    assert found.covariance[0, 0] ** 0.5 > 0.2


def test_too_few_resamples_and_unnamed_scenes_are_refused():
    rng = np.random.default_rng(6)
    one = model(rng, rng.standard_normal(10))
    with pytest.raises(ValueError, match="at least 200"):
        crossing_errors([one], rng=rng, n_resamples=20)
    with pytest.raises(ValueError, match="must name every row"):
        crossing_errors([replace(one, scenes=("a",))], rng=rng)
