"""Loudness: its interval covers a known scale by scene, not by item; what may not move it."""

import sys
from inspect import unwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from stats import information, loudness
from stats.readers import MOST_SCALE
from stats.simulated_worlds import asked_again, simulated_answer_scores

EVEN, SKEWED = (1 / 3,) * 3, (0.4, 0.2, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05)
N_LAYERS = 10


def held(scale, n_scenes, *, shares=EVEN, questions=1, by_item=False, repetitions=40) -> int:
    """How many of 10 intervals a repetition hold the scale. Layers are independent."""
    rng = np.random.default_rng(1)
    count = 0
    for _ in range(repetitions):
        world = simulated_answer_scores(
            rng, np.full(N_LAYERS, scale), n_scenes=n_scenes, shares=shares, correlation=0.0,
            n_questions=questions,
        )  # fmt: skip
        world = asked_again(world, rng)
        # The prior is what the scores hold already: without it they say their own evidence.
        scores = world.scores - np.log(shares)[:, None]
        scenes = np.arange(len(world.answers)) if by_item else world.scenes
        found = loudness(scores, world.answers, scenes)
        count += int(((found.low <= scale) & (scale <= found.high)).sum())
    return count


@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize(
    ("n_scenes", "shares"), [(60, EVEN), (200, EVEN), (60, SKEWED)], ids=["60", "200", "60-skewed"]
)
def test_intervals_cover_a_known_scale(scale, n_scenes, shares):
    least, most = binom.ppf([0.001, 0.999], 400, [0.93, 0.97])
    ours = held(scale, n_scenes, shares=shares, questions=4)
    assert ours >= least
    # At 0, where the interval is cut, its lower end never errs.
    assert ours <= most or scale == 0


def test_intervals_by_item_are_too_narrow():
    for scale in (0.5, 1.0):
        ours = held(scale, 60, questions=4, by_item=True)
        assert ours < binom.ppf(0.001, 400, 0.9)


def test_a_stronger_penalty_would_call_well_read_scenes_over_confident(monkeypatch):
    ours = held(2.0, 60)
    # By name: `stats.loudness` is the function.
    monkeypatch.setattr(sys.modules["stats.loudness"], "_PENALTY", 1.0)
    penalised = held(2.0, 60)
    assert ours >= binom.ppf(0.001, 400, 0.93)
    assert penalised < binom.ppf(0.001, 400, 0.8)


@settings(max_examples=25)
@given(
    st.integers(0, 1000),
    st.lists(st.sampled_from([1e-6, 0.5, 12.0, 1e6]), min_size=3, max_size=3),
)
def test_scale_and_interval_are_in_the_unit_of_the_scores(seed, factor):
    rng = np.random.default_rng(seed)
    world = simulated_answer_scores(rng, np.array([0.0, 1.0, 2.0]), n_scenes=50, n_questions=2)
    shift = rng.standard_normal((100, 1, 3))
    plain = loudness(world.scores, world.answers, world.scenes)
    other = loudness((world.scores + shift) * factor, world.answers, world.scenes)
    for field in ("scale", "low", "high"):
        np.testing.assert_allclose(
            getattr(other, field) * factor, getattr(plain, field), rtol=1e-6, atol=1e-9
        )
    order = rng.permutation(100)
    turned = loudness(world.scores[order], world.answers[order], world.scenes[order])
    np.testing.assert_allclose(turned.low, plain.low, rtol=1e-6, atol=1e-9)
    assert (plain.low <= plain.scale + 1e-9).all()
    assert (plain.scale <= plain.high + 1e-9).all()


def test_intervals_are_nested_in_level_and_items_asked_again_add_nothing():
    rng = np.random.default_rng(2)
    world = simulated_answer_scores(rng, np.ones(3), n_scenes=60)
    narrow, wide = (
        loudness(world.scores, world.answers, world.scenes, level=level) for level in (0.8, 0.95)
    )
    assert (wide.low < narrow.low).all()
    assert (narrow.high < wide.high).all()
    twice = loudness(
        np.tile(world.scores, (2, 1, 1)), np.tile(world.answers, 2), np.tile(world.scenes, 2)
    )
    np.testing.assert_allclose(twice.high, wide.high, rtol=1e-9)


def test_extremes_have_the_documented_answer():
    answers = np.arange(60) % 3
    right = np.eye(3)[answers][:, :, None]
    found = loudness(np.concatenate([0 * right, right, -right], axis=2), answers, np.arange(60))
    assert (found.scale[0], found.low[0], found.high[0]) == (0, 0, 0)
    spread = np.sqrt(np.square(right - 1 / 3).mean())
    assert 0 < found.low[1] <= found.high[1] <= MOST_SCALE / spread
    assert found.scale[1] == pytest.approx(found.high[1])
    assert (found.scale[2], found.low[2]) == (0, 0)
    assert np.isfinite([found.low, found.high]).all()
    assert (found.level, found.n_scenes) == (0.95, 60)


def test_the_estimate_is_the_scale_of_information_but_for_the_penalty():
    rng = np.random.default_rng(3)
    world = simulated_answer_scores(rng, np.array([0.5, 1.0, 1.5]), n_scenes=2000)
    read = information(world.scores, world.answers, world.scenes, rng=rng)
    found = loudness(world.scores, world.answers, world.scenes)
    np.testing.assert_allclose(read.scale, found.scale, rtol=0.01)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"scores": np.full((4, 2, 1), np.inf)},
            r"`scores` must be finite, got inf at item 0, answer 0, layer 0: leave that item out",
        ),
        (
            {"answers": np.zeros(4, dtype=int)},
            r"`answers` must hold at least 2 different answers, got 0 only: there is nothing",
        ),
        ({"answers": np.array([0, 1, 0, 2])}, r"`answers` must lie in 0..1, got 2 at item 3"),
        ({"scenes": ["a"] * 4}, r"need at least 2 scenes, got 1 in `scores`"),
        ({"level": 1.0}, r"`level` must lie between 0 and 1, got 1"),
    ],
)
def test_says_what_is_wrong(change, message):
    given_arguments = {
        "scores": np.zeros((4, 2, 1)), "answers": np.array([0, 1, 0, 1]),
        "scenes": np.arange(4), **change,
    }  # fmt: skip
    # Past the type checker of the tests: users run without it.
    with pytest.raises(ValueError, match=message):
        unwrap(loudness)(**given_arguments)
