"""Readers against scipy's minimiser on the same penalised likelihood, and at their bounds."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime, minimize
from scipy.special import log_softmax

import stats.readers as readers_module
from stats.penalised_loss import PenalisedLoss
from stats.readers import (
    MOST_SCALE,
    Readers,
    Sample,
    fit_readers,
    held_at_bounds,
    standardised,
)


def sample(rng, *, n_items=80, n_answers=4, n_layers=3, strength=1.0, penalty=1.0, skew=0.5):
    """Noisy scores that know something, with unequal answers, items and layers."""
    prior = skew ** np.arange(n_answers)
    answers = rng.choice(n_answers, n_items, p=prior / prior.sum())
    scores = rng.standard_normal((n_layers, n_answers, n_items))
    scores += strength * np.eye(n_answers)[answers].T
    weight = rng.uniform(0.5, 1.5, n_items)
    weight /= weight.sum()
    frequency = np.bincount(answers, weight, minlength=n_answers)
    return Sample(
        scores=scores - scores.mean(axis=1, keepdims=True), answers=answers, weight=weight,
        log_prior=np.log(np.maximum(frequency, 1e-6)), n_scenes=n_items, penalty=penalty,
    )  # fmt: skip


def log_q(parameters, one: Sample, layer: int):
    """log-probability of each answer: the definition, one layer at a time."""
    fixed = parameters[1] * one.log_prior + parameters[2:]
    return log_softmax(parameters[0] * one.scores[layer] + fixed[:, None], axis=0)


def loss(parameters, one: Sample, layer: int) -> float:
    right = log_q(parameters, one, layer)[one.answers, np.arange(len(one.answers))]
    squares = np.square(parameters - np.eye(len(parameters))[1]).sum()
    return float(-right @ one.weight + one.penalty * squares / (2 * one.n_scenes))


def gradient(parameters, one: Sample, layer: int):
    q = np.exp(log_q(parameters, one, layer)) - np.eye(len(one.log_prior))[one.answers].T
    by_answer = q @ one.weight
    slope = np.r_[
        ((q * one.scores[layer]).sum(axis=0)) @ one.weight, by_answer @ one.log_prior, by_answer
    ]
    return slope + one.penalty * (parameters - np.eye(len(parameters))[1]) / one.n_scenes


def by_scipy(one: Sample, layer: int, *, offsets: bool):
    n_answers = len(one.log_prior)
    free = (None, None) if offsets else (0, 0)
    found = minimize(
        loss, np.r_[0.5, 0.5, np.zeros(n_answers)], args=(one, layer), jac=gradient,
        method="L-BFGS-B", bounds=[(0, MOST_SCALE), (0, None), *([free] * n_answers)],
        options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 5000, "maxfun": 50_000},
    )  # fmt: skip
    return found.x


def parameters_of(readers: Readers, layer: int):
    return np.r_[readers.scale[layer], readers.prior_exponent[layer], readers.offsets[layer]]


@pytest.mark.parametrize("offsets", [False, True])
@pytest.mark.parametrize("strength", [-1.0, 0.0, 1.0, 5.0])
@pytest.mark.parametrize("n_answers", [2, 8])
def test_readers_are_those_of_scipys_minimiser(offsets, strength, n_answers):
    one = sample(np.random.default_rng(0), n_answers=n_answers, strength=strength)
    readers = fit_readers(one, offsets=offsets)
    items = np.arange(len(one.answers))
    for layer in range(3):
        ours, theirs = parameters_of(readers, layer), by_scipy(one, layer, offsets=offsets)
        bits = [log_q(each, one, layer)[one.answers, items] / np.log(2) for each in (ours, theirs)]
        # A hundredth of what is asked for, in every item and not in the mean only.
        assert np.abs(bits[0] - bits[1]).max() < 2e-5
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
        assert loss(ours, one, layer) <= loss(theirs, one, layer) + 1e-13


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.booleans(), st.sampled_from([0.01, 1.0]))
def test_the_fit_is_stationary_but_for_what_a_bound_holds(seed, offsets, penalty):
    rng = np.random.default_rng(seed)
    one = sample(rng, strength=rng.uniform(-2, 6), n_items=40, penalty=penalty)
    readers = fit_readers(one, offsets=offsets)
    for layer in range(3):
        slope = gradient(parameters_of(readers, layer), one, layer)
        held = held_at_bounds(readers, np.tile(slope, (3, 1)))[layer]
        number = 2 + len(one.log_prior) * offsets
        assert np.abs(np.where(held, 0, slope)[:number]).max() < 1e-8


def test_derivatives_are_those_of_the_loss():
    one = sample(np.random.default_rng(1))
    rng = np.random.default_rng(2)
    readers = Readers(
        scale=rng.uniform(0.5, 2, 3), prior_exponent=rng.uniform(0.5, 2, 3),
        offsets=rng.standard_normal((3, 4)),
    )  # fmt: skip
    judged = PenalisedLoss(one)
    heights = judged.at(readers)
    slopes, curves = judged.derivatives(readers)
    for layer in range(3):
        at = parameters_of(readers, layer)
        np.testing.assert_allclose(heights[layer], loss(at, one, layer), rtol=1e-13)
        np.testing.assert_allclose(judged.probability[layer], np.exp(log_q(at, one, layer)))
        np.testing.assert_allclose(slopes[layer], gradient(at, one, layer), atol=1e-12)
        numeric: Any = approx_fprime(at, lambda x, layer=layer: gradient(x, one, layer), 1e-7)
        np.testing.assert_allclose(curves[layer], numeric, atol=1e-5)
        by_loss: Any = approx_fprime(at, loss, 1e-7, one, layer)
        np.testing.assert_allclose(slopes[layer], by_loss, atol=1e-5)


def test_scores_that_mislead_are_not_read_and_those_that_know_all_are_read_up_to_the_bound():
    one = sample(np.random.default_rng(3), strength=-3.0)
    assert fit_readers(one).scale.tolist() == [0, 0, 0]
    right = np.eye(4)[one.answers].T[None] - 0.25
    sure = Sample(
        scores=right, answers=one.answers, weight=one.weight, log_prior=one.log_prior,
        n_scenes=80, penalty=1e-12,
    )  # fmt: skip
    assert 20 < fit_readers(sure).scale[0] <= MOST_SCALE
    unpunished = Sample(
        scores=right, answers=one.answers, weight=one.weight, log_prior=one.log_prior,
        n_scenes=80, penalty=1e-40,
    )  # fmt: skip
    assert np.isfinite(fit_readers(unpunished).scale).all()


def test_scores_that_hold_more_than_the_prior_leave_it_at_its_bound():
    one = sample(np.random.default_rng(4), skew=0.3, n_items=400)
    # The likeliest exponent of the prior would be -2: an answer preferred thrice too much.
    excess = 3 * (one.log_prior - one.log_prior.mean())[None, :, None]
    preferring = Sample(
        scores=one.scores + excess, answers=one.answers, weight=one.weight,
        log_prior=one.log_prior, n_scenes=400,
    )  # fmt: skip
    found = fit_readers(preferring)
    assert found.prior_exponent.tolist() == [0, 0, 0]
    for layer in range(3):
        want = by_scipy(preferring, layer, offsets=False)
        np.testing.assert_allclose(parameters_of(found, layer), want, atol=1e-4)
    # Offsets need no bound: they take the preference off.
    freed = fit_readers(preferring, offsets=True)
    assert (freed.offsets[:, 0] < freed.offsets[:, -1]).all()
    assert (freed.scale > found.scale).all()


def test_where_it_starts_does_not_matter():
    one = sample(np.random.default_rng(5), strength=2.0)
    plain = fit_readers(one, offsets=True)
    far = Readers(
        scale=np.full(3, 40.0), prior_exponent=np.full(3, 9.0), offsets=np.full((3, 4), 5.0)
    )
    again = fit_readers(one, offsets=True, start=far)
    for layer in range(3):
        np.testing.assert_allclose(
            parameters_of(plain, layer), parameters_of(again, layer), atol=1e-9
        )


def test_many_scenes_with_even_answers_end_the_fit_too(monkeypatch):
    """Where the prior says nothing only the penalty holds its exponent: steps are rounding."""
    steps = []
    step = readers_module._newton_step
    monkeypatch.setattr(
        readers_module, "_newton_step", lambda *a, **k: steps.append(1) or step(*a, **k)
    )
    one = sample(np.random.default_rng(8), n_items=20_000, skew=1.0)
    fit_readers(one)
    assert len(steps) < 30


def test_layers_are_fitted_as_if_alone():
    one = sample(np.random.default_rng(6), n_layers=5)
    together = fit_readers(one)
    for layer in range(5):
        alone = Sample(
            scores=one.scores[layer : layer + 1], answers=one.answers, weight=one.weight,
            log_prior=one.log_prior, n_scenes=one.n_scenes, penalty=one.penalty,
        )  # fmt: skip
        # To the last bit: a layer cannot tell with which others it is fitted.
        assert fit_readers(alone).scale[0] == together.scale[layer]


@settings(max_examples=50)
@given(st.integers(0, 10_000), st.sampled_from([-1000, -700, 0, 900]))
def test_standard_scores_are_centred_and_of_spread_1_whatever_their_size(seed, power):
    rng = np.random.default_rng(seed)
    plain = rng.standard_normal((30, 3, 2)) * [1, 5]
    weight = np.full(30, 1 / 30)
    found = standardised(np.ldexp(plain, power), weight)
    assert np.abs(found.scores.mean(axis=1)).max() < 1e-14
    spread = np.sqrt(np.square(found.scores).mean(axis=1) @ weight)
    np.testing.assert_allclose(spread, 1, atol=1e-12)
    # A factor that is a power of two rounds nothing.
    want = standardised(plain, weight)
    np.testing.assert_array_equal(found.scores, want.scores)
    np.testing.assert_array_equal(found.spread, np.ldexp(want.spread, power))


def test_constant_scores_have_no_spread_and_stay_0():
    rng = np.random.default_rng(7)
    for constant in (0.0, 0.1, 1e300, 1e-300):
        table = np.full((30, 3, 1), constant)
        table = table + (rng.standard_normal((30, 1, 1)) if abs(constant) < 1 else 0)
        found = standardised(table, np.full(30, 1 / 30))
        assert found.spread.tolist() == [0]
        assert not found.scores.any()
