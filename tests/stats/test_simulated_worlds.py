"""Worlds of equal knowledge and unequal loudness: one layer for all; stated bits name others."""

from inspect import unwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax
from scipy.stats import binom

from stats import (
    Emergence,
    emergence_layer,
    half_plateau_crossing,
    information,
    shuffled_label_test,
)
from stats.scenes import scene_means
from stats.simulate import effect_profile
from stats.simulated_worlds import (
    SimulatedAnswers,
    loudness_profile,
    simulated_answer_scores,
)

N_LAYERS = 13
EVIDENCE = effect_profile(N_LAYERS, onset=5.3, plateau=3.0)
SKEWED = (0.4, 0.2, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05)
ENTROPY = float(-np.array(SKEWED) @ np.log2(SKEWED))
WINDOW = slice(10, 13)


def world_of(seed, *, n_scenes=60, n_questions=5, loudness=None) -> SimulatedAnswers:
    return simulated_answer_scores(
        np.random.default_rng(seed), EVIDENCE, n_scenes=n_scenes, shares=SKEWED,
        n_questions=n_questions, never_known=0.2, loudness=loudness,
    )  # fmt: skip


def emerged(effect) -> Emergence:
    return emergence_layer(effect, rng=np.random.default_rng(2), margin=0.05, n_resamples=199)


def known(world: SimulatedAnswers):
    """Real minus blank, each with readers of its own and the same folds, as a share of H."""
    real, blank = (
        information(scores, world.answers, world.scenes, rng=np.random.default_rng(0)).bits
        for scores in (world.scores, world.blank)
    )
    return scene_means(real - blank, world.scenes) / ENTROPY


def stated(world: SimulatedAnswers):
    """The predecessor: stated bits, real minus the mean over other scenes' images."""
    bits = log_softmax(world.scores, axis=1) / np.log(2)
    found = shuffled_label_test(
        bits, world.answers, world.questions, scenes=world.scenes,
        rng=np.random.default_rng(1), n_resamples=1,
    )  # fmt: skip
    return found.scene_effect / ENTROPY


def all_numbers(world: SimulatedAnswers):
    """Whatever a reading reports: crossing, layer, sets, p-values of every gate."""
    found = emerged(known(world))
    shuffled = shuffled_label_test(
        world.scores, world.answers, world.questions, scenes=world.scenes,
        rng=np.random.default_rng(1), windows=[(10, 12)], n_resamples=199,
    )  # fmt: skip
    half, layer = found.lambda_half, found.layer
    assert half is not None
    assert layer is not None
    sets = [found.fb_half.low, found.fb_half.high, found.fb_delta.low, found.fb_delta.high]
    return np.array(
        [
            half.estimate, half.low, half.high, layer.estimate, layer.low, layer.high, *sets,
            found.lambda_first, found.lambda_sustained, found.omnibus_p, found.plateau_p,
            *found.mean, *shuffled.p, *shuffled.window_p,
        ],
        dtype=float,
    )  # fmt: skip


def test_twenty_three_profiles_of_loudness_have_one_layer_and_every_other_number_too():
    rng = np.random.default_rng(3)
    profiles = [loudness_profile(N_LAYERS, voice) for voice in ("constant", "growing", "late")]
    profiles += [np.exp(rng.uniform(-7, 7, N_LAYERS)) for _ in range(20)]
    found = [all_numbers(world_of(4, loudness=profile)) for profile in profiles]
    np.testing.assert_allclose(found, np.tile(found[0], (23, 1)), rtol=0, atol=1e-9)


def test_stated_bits_name_another_layer_in_each_of_the_three_worlds():
    layers, before = [], []
    for voice in ("constant", "growing", "late"):
        world = world_of(4, n_scenes=200, loudness=loudness_profile(N_LAYERS, voice))
        for effect, into in ((known(world), layers), (stated(world), before)):
            found = emerged(effect).lambda_half
            assert found is not None
            into.append(found.estimate)
    print(f"layers of three worlds: information {layers}, stated bits {before}")
    assert np.ptp(layers) < 1e-9
    assert layers[0] == pytest.approx(5.46, abs=0.4)
    assert before[1] - before[0] > 0.5
    assert before[2] - before[1] > 0.5


def test_intervals_and_sets_cover_the_crossing_of_the_population():
    truth = half_plateau_crossing(
        known(world_of(5, n_scenes=6000, n_questions=1)).mean(axis=0)[None], WINDOW
    )[0]
    assert truth == pytest.approx(5.46, abs=0.08)
    held = held_by_set = before = 0
    for seed in range(40):
        world = world_of(100 + seed, n_questions=3, loudness=loudness_profile(N_LAYERS, "growing"))
        found, stated_found = emerged(known(world)), emerged(stated(world)).lambda_half
        assert found.lambda_half is not None
        held += found.lambda_half.low <= truth <= found.lambda_half.high
        held_by_set += found.fb_half.low <= 6 <= (found.fb_half.high or N_LAYERS)
        before += stated_found is not None and stated_found.low <= truth <= stated_found.high
    assert held >= binom.ppf(0.001, 40, 0.94)
    assert held_by_set >= binom.ppf(0.001, 40, 0.95)
    assert before < 10


@settings(max_examples=10)
@given(st.integers(0, 1000))
def test_a_question_alone_and_a_scene_that_is_never_known_tell_nothing(seed):
    world = simulated_answer_scores(
        np.random.default_rng(seed), EVIDENCE, n_scenes=200, n_questions=3, never_known=1.0
    )
    for scores in (world.scores, world.blank):
        found = information(scores, world.answers, world.scenes, rng=np.random.default_rng(0))
        assert np.abs(found.bits.mean(axis=0)).max() < 0.05
    assert not world.known.any()
    # The same blank image for all who are asked the same.
    for question in range(3):
        assert (world.blank[world.questions == question] == world.blank[question]).all()


def test_the_likeliest_reader_is_the_one_that_was_planted():
    factor = loudness_profile(5, "late")
    world = simulated_answer_scores(
        np.random.default_rng(6), np.full(5, 0.6), n_scenes=20_000, shares=(0.6, 0.3, 0.1),
        loudness=factor,
    )  # fmt: skip
    found = information(world.scores, world.answers, world.scenes, rng=np.random.default_rng(0))
    np.testing.assert_allclose(found.scale, 0.6 / factor, rtol=0.05)
    np.testing.assert_allclose(found.prior_exponent, 0.4, atol=0.06)


def test_profiles_of_loudness():
    assert loudness_profile(6, "constant").tolist() == [1] * 6
    growing = loudness_profile(6, "growing")
    assert (growing[0], growing[-1]) == (1, pytest.approx(12))
    np.testing.assert_allclose(growing[1:] / growing[:-1], 12 ** (1 / 5))
    np.testing.assert_array_equal(loudness_profile(6, "falling"), growing[::-1])
    np.testing.assert_allclose(loudness_profile(6, "late"), [1, 1, 1, 14 / 3, 25 / 3, 12])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda rng: unwrap(loudness_profile)(8, "shouting"),
            r"`voice` must be one of \['constant', 'growing', 'late', 'falling'\], got 'shouting'",
        ),
        (
            lambda rng: loudness_profile(3, "late"),
            r"`n_layers` must be at least 4, got 3: add layers",
        ),
        (
            lambda rng: simulated_answer_scores(rng, EVIDENCE, n_scenes=5, shares=(0.5, 0.4)),
            r"`shares` must be positive and sum to 1, got \[0.5, 0.4\]: scale them",
        ),
        (
            lambda rng: simulated_answer_scores(rng, EVIDENCE, n_scenes=0),
            r"need at least 1 scene",
        ),
    ],
)
def test_says_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.random.default_rng(0))
