"""Effect sizes, agreement and the mixed model: against pingouin, formulas and simulation."""

from inspect import unwrap

import numpy as np
import pingouin
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from stats import cluster_bootstrap, mixed_model, paired_hedges_g, readout_agreement
from stats.simulate import clustered_items


def sizes(real, control, **choices):
    rng = np.random.default_rng(0)
    return unwrap(paired_hedges_g)(real, control, rng=rng, n_resamples=199, **choices)


def agree(first, second, **choices):
    return unwrap(readout_agreement)(
        first, second, rng=np.random.default_rng(0), n_resamples=199, **choices
    )


def test_equals_pingouin_up_to_its_approximate_correction():
    rng = np.random.default_rng(1)
    real, control = 5 + rng.standard_normal((2, 30, 3))
    real += 0.5
    theirs = [
        np.asarray(pingouin.compute_effsize(a, b, paired=True, eftype="hedges")).item()
        for a, b in zip(real.T, control.T, strict=True)
    ]
    np.testing.assert_allclose(sizes(real, control).estimate, theirs, rtol=1e-4)


def test_by_differences_is_the_corrected_standardised_mean():
    effect = np.random.default_rng(2).standard_normal((12, 2)) + 1
    found = sizes(effect, np.zeros_like(effect), standardizer="difference")
    plain = effect.mean(axis=0) / effect.std(axis=0, ddof=1)
    np.testing.assert_allclose(found.estimate, plain * (1 - 3 / (4 * 11 - 1)), rtol=1e-3)


@given(st.floats(-5, 5), st.floats(0.1, 10))
def test_sizes_have_no_unit(shift, scale):
    real, control = np.random.default_rng(3).standard_normal((2, 20, 2))
    plain, moved = sizes(real, control), sizes(shift + scale * real, shift + scale * control)
    np.testing.assert_allclose(moved.estimate, plain.estimate, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(moved.low, plain.low, rtol=1e-5, atol=1e-5)


def test_without_spread_sizes_are_0_and_agreement_is_decided():
    same = np.full((6, 1), 0.3)
    found = sizes(same, same)
    assert (found.estimate, found.low, found.high) == (0, 0, 0)
    assert agree(same, same).concordance.estimate == 1
    assert agree(same, same + 1).concordance.estimate == 0


def test_size_interval_covers_and_the_correction_takes_out_the_bias():
    rng = np.random.default_rng(4)
    effect = 0.5 + rng.standard_normal((100, 1500))
    found = sizes(effect, np.zeros_like(effect), standardizer="difference")
    least, most = binom.ppf([0.001, 0.999], 1500, [0.93, 0.97])
    assert least <= ((found.low <= 0.5) & (found.high >= 0.5)).sum() <= most
    few = 0.5 + rng.standard_normal((6, 20_000))
    few_sizes = paired_hedges_g(
        few, np.zeros_like(few), rng=rng, standardizer="difference", n_resamples=39
    ).estimate
    plain = few.mean(axis=0) / few.std(axis=0, ddof=1)
    assert abs(few_sizes.mean() - 0.5) < 0.015 < abs(plain.mean() - 0.5)


def test_concordance_is_lins_and_falls_where_a_readout_is_shifted():
    rng = np.random.default_rng(5)
    a = rng.standard_normal((50, 1))
    b = 0.8 * a + 0.3 * rng.standard_normal((50, 1)) + 0.2
    covariance = np.cov(a[:, 0], b[:, 0], ddof=0)
    lin = 2 * covariance[0, 1] / (np.trace(covariance) + (a.mean() - b.mean()) ** 2)
    found = agree(a, b)
    np.testing.assert_allclose(found.concordance.estimate, lin)
    np.testing.assert_allclose(found.bias.estimate, a.mean() - b.mean())
    np.testing.assert_allclose(agree(b, a).concordance.estimate, lin)
    assert agree(a, b + 1).concordance.estimate < lin
    assert found.concordance.low < lin < found.concordance.high
    np.testing.assert_allclose(agree(a, a).concordance.estimate, 1)
    assert (found.limits[0] < found.bias.estimate).all()


@pytest.mark.parametrize("intraclass", [0.0, 0.4, 1.0])
def test_mixed_model_equals_the_balanced_formula_and_the_bootstrap(intraclass):
    values, scene = clustered_items(
        np.random.default_rng(6),
        n_scenes=80, n_questions=4, n_columns=1, intraclass=intraclass,
    )  # fmt: skip
    values = 0.7 + values
    found = mixed_model(values[:, 0], scene)
    assert found.estimate == pytest.approx(values.mean(), abs=1e-6)
    by_scene = cluster_bootstrap(values, scene, rng=np.random.default_rng(7), n_resamples=1999)
    width = by_scene.high - by_scene.low
    assert found.high - found.low == pytest.approx(width.item(), rel=0.1)
    assert found.intraclass == pytest.approx(intraclass, abs=0.12)


def test_mixed_model_takes_constants():
    found = mixed_model(np.full(6, 0.5), [0, 0, 1, 1, 2, 2])
    assert (found.estimate, found.low, found.high, found.intraclass) == (0.5, 0.5, 0.5, 0)


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda: sizes(np.zeros((3, 2)), np.zeros((4, 2))), r"`control` must have the shape"),
        (lambda: sizes(np.zeros((1, 2)), np.zeros((1, 2))), r"need at least 2 scenes"),
        (lambda: sizes(np.full((3, 1), np.inf), np.zeros((3, 1))), r"`real` must be finite"),
        (lambda: agree(np.zeros((3, 2)), np.zeros((3, 3))), r"`second` must have the shape"),
        (lambda: mixed_model(np.zeros(3), [0, 1, 2]), r"`scenes` must hold several items"),
        (lambda: mixed_model(np.zeros(3), [0, 0, 0]), r"need at least 2 scenes"),
    ],
)
def test_says_what_is_wrong(work, message):
    with pytest.raises(ValueError, match=message):
        work()
