"""Outcomes, properties and coverage of the emergence layer, with the estimates that must fail."""

from inspect import unwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from stats import Emergence, emergence_layer, half_plateau_crossing, sign_flip_max_t


def emerged(effect, *, seed=0, margin=0.05, n_resamples=199, **choices) -> Emergence:
    return emergence_layer(
        effect,
        rng=np.random.default_rng(seed),
        margin=margin,
        n_resamples=n_resamples,
        **choices,
    )


def noisy(profile, *, n_scenes: int, rng, correlation: float = 0.0):
    """Scenes around a profile, noise of spread 1 with the given correlation between neighbours."""
    noise = rng.standard_normal((n_scenes, len(profile)))
    for layer in range(1, len(profile)):
        fresh = np.sqrt(1 - correlation**2) * noise[:, layer]
        noise[:, layer] = correlation * noise[:, layer - 1] + fresh
    return np.asarray(profile) + noise


@pytest.mark.parametrize(
    ("profile", "outcome"),
    [
        ([0, 0, 0, 1, 1, 1, 1, 1], "emerged"),
        ([0, 0.2, 0.4, 0.6, 0.8, 1, 1, 1], "emerged"),
        ([0, 0, 0, 0, 0, 0, 0, 0], "not_emerged"),
        ([-1, -1, -1, -1, -1, -1, -1, -1], "not_emerged"),
        ([0, 0, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02], "not_emerged"),
        ([1, 1, 1, 1, 1, 1, 1, 1], "from_start"),
        ([0, 0, 1, 1, 1, 1, 0, 0], "died"),
        ([0, 0, 1, 1, 1, 1, 1, 0], "died"),
        ([1, 1, 1, 1, 0, 0, 0, 0], "died"),
    ],
)
@pytest.mark.parametrize("spread", [0.0, 0.2])
def test_outcomes(profile, outcome, spread):
    noise = np.random.default_rng(1).standard_normal((60, 8))
    found = emerged(profile + spread * (noise - noise.mean(axis=0)))
    assert found.outcome == outcome
    assert (found.lambda_half is not None) == (outcome == "emerged")
    assert (found.layer is not None) == (outcome == "emerged")
    assert found.declines == (outcome == "died")
    assert (found.lambda_first is None) == (outcome == "not_emerged")
    assert (found.lambda_sustained is None) == (outcome in ("not_emerged", "died"))
    assert (found.detectable_effect > 0).all() == (spread > 0)


def test_without_noise_everything_says_the_layer():
    found = emerged(np.tile([0, 0, 0, 1, 1, 1.0], (5, 1)))
    assert found.lambda_half is not None
    assert found.lambda_half.estimate == 2.5
    assert (found.lambda_half.low, found.lambda_half.high) == (2.5, 2.5)
    assert found.layer is not None
    assert (found.layer.estimate, found.layer.low, found.layer.high) == (3, 3, 3)
    assert found.monotone
    assert not found.declines
    assert (found.fb_half.low, found.fb_half.high) == (3, 3)
    assert (found.fb_delta.low, found.fb_delta.high, found.fb_delta.delta) == (3, 3, 0.05)
    assert (found.lambda_first, found.lambda_sustained) == (3, 3)
    assert found.omnibus_p == 1 / 32
    assert 0 < found.plateau_p < 1e-300


def test_first_and_sustained_differ_where_the_effect_dips():
    found = emerged(np.tile([0, 1, 0, 1, 1, 1.0], (6, 1)))
    assert (found.lambda_first, found.lambda_sustained) == (1, 3)


def test_nothing_beyond_the_horizon_matters():
    effect = noisy([0, 0, 1, 1, 1, 1, 0, 0], n_scenes=40, rng=np.random.default_rng(2))
    before = emerged(effect, horizon=5)
    assert before.outcome == "emerged"
    assert (before.horizon, before.plateau) == (5, (5, 5))
    assert repr(before) == repr(emerged(effect[:, :6]))


def test_a_test_made_elsewhere_is_the_gate():
    effect = np.tile([0, 0, 1, 1.0], (20, 1))
    assert emerged(effect, omnibus_p=0.2).outcome == "not_emerged"
    assert emerged(effect, omnibus_p=0.01).omnibus_p == 0.01
    assert emerged(effect, other_plateau_p=0.2).outcome == "not_emerged"
    both = emerged(effect, omnibus_p=0.01, other_plateau_p=0.04)
    assert both.outcome == "emerged"
    assert both.plateau_p == emerged(effect).plateau_p < 0.01


@settings(max_examples=20)
@given(st.permutations(range(30)), st.sampled_from([0.25, 8.0]))
def test_neither_order_of_scenes_nor_unit_matters(order, unit):
    profile = [0, 0, 0.5, 1, 1, 1]
    effect = noisy(profile, n_scenes=30, rng=np.random.default_rng(3))
    want, got = emerged(effect), emerged(effect[list(order)])
    assert repr(got) == repr(want)
    scaled = emerged(unit * effect, margin=unit * 0.05)
    assert scaled.lambda_half is not None
    assert want.lambda_half is not None
    assert scaled.outcome == want.outcome
    assert scaled.lambda_half.estimate == pytest.approx(want.lambda_half.estimate, abs=1e-9)
    assert scaled.lambda_half.low == pytest.approx(want.lambda_half.low, abs=1e-9)


def test_intervals_are_nested_in_level():
    effect = noisy([0, 0, 0.3, 0.6, 1, 1], n_scenes=80, rng=np.random.default_rng(4))
    narrow, wide = (emerged(effect, level=level).lambda_half for level in (0.8, 0.95))
    assert narrow is not None
    assert wide is not None
    assert wide.low <= narrow.low <= narrow.high <= wide.high


@pytest.mark.parametrize("correlation", [0.0, 0.9])
@pytest.mark.parametrize(("n_scenes", "amplitude"), [(50, 0.8), (200, 0.3)])
def test_coverage_given_that_it_emerged(n_scenes, amplitude, correlation):
    rng = np.random.default_rng(5)
    layers = np.arange(9)
    number = held = held_by_layer = held_by_set = 0
    for _ in range(150):
        onset = rng.uniform(2, 5)
        profile = amplitude * np.clip((layers - onset) / 2 + 0.5, 0, 1)
        truth = half_plateau_crossing(profile[None], slice(7, 9))[0]
        half = int(np.argmax(profile >= profile[-2:].mean() / 2))
        effect = noisy(profile, n_scenes=n_scenes, rng=rng, correlation=correlation)
        found = emerged(effect, seed=int(rng.integers(2**31)))
        fb = found.fb_half
        held_by_set += fb.low <= half and (fb.high is None or fb.high >= half)
        if found.lambda_half is not None and found.layer is not None:
            number += 1
            held += found.lambda_half.low <= truth <= found.lambda_half.high
            held_by_layer += found.layer.low <= half <= found.layer.high
    assert number > 100
    assert held >= binom.ppf(0.001, number, 0.94)
    assert held_by_layer >= binom.ppf(0.001, number, 0.94)
    assert held_by_set >= binom.ppf(0.001, 150, 0.95)


def test_ungated_and_first_significant_estimates_fail():
    rng = np.random.default_rng(6)
    ungated = gated = 0
    for _ in range(150):
        null = noisy(np.zeros(9), n_scenes=50, rng=rng)
        ungated += null[:, 7:].mean() > 0  # A plateau above 0 is all that the crossing asks for.
        gated += emerged(null, seed=int(rng.integers(2**31))).outcome != "not_emerged"
    assert gated <= binom.ppf(0.999, 150, 0.05)
    assert ungated > 0.35 * 150

    profile = np.clip((np.arange(9) - 1) / 6, 0, 1)
    first, half = [], []
    for amplitude in (0.3, 1.5):
        effects = [noisy(amplitude * profile, n_scenes=200, rng=rng) for _ in range(40)]
        tests = [sign_flip_max_t(effect, rng=rng, n_resamples=199).p <= 0.05 for effect in effects]
        first.append(np.mean([np.argmax(p) for p in tests if p.any()]))
        found = [half_plateau_crossing(e.mean(axis=0)[None], slice(7, 9))[0] for e in effects]
        half.append(np.nanmean(found))
    # Equal onsets: significance comes later for the weaker effect, half of the plateau does not.
    assert first[0] - first[1] > 1
    assert abs(half[0] - half[1]) < 0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"effect": np.zeros(4)},
            r"`effect` must have the axes \[scene, layer\], got shape \(4,\)",
        ),
        ({"effect": np.zeros((4, 3))}, r"need at least 5 scenes, got 4 .* for level 0.95"),
        ({"effect": np.zeros((0, 3))}, r"must not be empty"),
        (
            {"effect": np.where(np.eye(6)[:, :3] * [0, 0, 1] > 0, np.nan, 0.0)},
            r"`effect` must be finite, got nan at scene 2, layer 2: leave that scene out",
        ),
        ({"margin": -0.1}, r"`margin` must be a positive number, got -0.1"),
        ({"margin": np.nan}, r"`margin` must be a positive number, got nan"),
        ({"horizon": 3}, r"`horizon` must be a layer from 0 to 2, got 3"),
        ({"plateau": (1, 3)}, r"`plateau` must give its first and last layer within 0..2"),
        ({"n_resamples": 20}, r"`n_resamples` must be .* at least 39 for level 0.95, got 20"),
        ({"level": 95.0}, r"`level` must lie between 0 and 1, got 95"),
    ],
)
def test_says_what_is_wrong(change, message):
    given_arguments = {"effect": np.zeros((6, 3)), "margin": 0.05, **change}
    # Past the type checker of the tests: users run without it.
    with pytest.raises(ValueError, match=message):
        unwrap(emergence_layer)(rng=np.random.default_rng(0), **given_arguments)


def test_without_an_interval_nothing_else_changes():
    effect = noisy([0, 0, 0.2, 0.8, 1, 1], n_scenes=60, rng=np.random.default_rng(3))
    whole, alone = (emerged(effect, interval=each) for each in (True, False))
    assert whole.lambda_half is not None
    assert alone.lambda_half is not None
    assert alone.lambda_half.estimate == whole.lambda_half.estimate
    assert alone.lambda_half.low == alone.lambda_half.high == alone.lambda_half.estimate
    for name in ("outcome", "monotone", "declines", "fb_half", "fb_delta", "omnibus_p"):
        assert getattr(alone, name) == getattr(whole, name)
