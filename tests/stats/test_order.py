"""Order of attributes: exact cases, properties, error rates, and the ways that must fail."""

from inspect import unwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from stats import depth_difference, emergence_order, first_max_t_layer
from stats.simulate import effect_profile, planted_effect

NAMES = ("color", "shape", "material")


def ordered(effects, *, seed=0, n_resamples=199, **choices):
    rng = np.random.default_rng(seed)
    return emergence_order(effects, rng=rng, n_resamples=n_resamples, **choices)


def three(rng, onsets=(2.0, 4.0, 6.0), n_scenes=80, n_layers=11, plateau=0.8):
    return {
        name: planted_effect(
            rng,
            effect_profile(n_layers, onset=onset, plateau=plateau, rise=2.0),
            n_scenes=n_scenes,
        )
        for name, onset in zip(NAMES, onsets, strict=True)
    }


def test_without_noise_the_order_is_certain():
    step = np.tile([0, 0, 1, 1, 1, 1, 1, 1.0], (6, 1))
    later = np.tile([0, 0, 0, 0, 1, 1, 1, 1.0], (6, 1))
    found = ordered({"color": step, "shape": later})
    link = found.differences["color", "shape"]
    assert found.estimates == {"color": 1.5, "shape": 3.5}
    assert (link.estimate, link.low, link.high) == (2, 2, 2)
    assert (found.chain_p, link.p, link.p_holm) == (1 / 200, 2 / 200, 2 / 200)
    assert found.chain_sets_apart
    assert found.order_probability == {("color", "shape"): 1.0, ("shape", "color"): 0.0}


def test_equal_curves_are_in_no_order():
    effect = three(np.random.default_rng(0))["color"]
    found = ordered({"color": effect, "shape": effect})
    link = found.differences["color", "shape"]
    assert (link.estimate, link.low, link.high, link.p) == (0, 0, 0, 1)
    assert sum(found.order_probability.values()) == 0
    assert not link.sets_apart


def test_an_attribute_without_plateau_allows_no_claim():
    effect = three(np.random.default_rng(1))["color"]
    found = ordered({"color": effect, "shape": -effect})
    link = found.differences["color", "shape"]
    assert np.isnan(link.estimate)
    assert (link.low, link.high, link.p, found.chain_p) == (-10, 10, 1, 1)


@settings(max_examples=10)
@given(st.permutations(range(80)), st.floats(0.1, 10))
def test_neither_order_of_scenes_nor_amplitude_matters(order, amplitude):
    effects = three(np.random.default_rng(2))
    want = ordered(effects)
    moved = ordered({name: effect[list(order)] for name, effect in effects.items()})
    assert repr(moved) == repr(want)
    scaled = ordered({**effects, "shape": amplitude * effects["shape"]})
    for pair, link in want.differences.items():
        assert scaled.differences[pair].estimate == pytest.approx(link.estimate, abs=1e-6)


def test_swapping_names_mirrors_the_difference():
    effects = three(np.random.default_rng(3))
    forth = ordered({"color": effects["color"], "shape": effects["shape"]})
    back = ordered({"shape": effects["shape"], "color": effects["color"]})
    assert forth.differences["color", "shape"].estimate == pytest.approx(
        -back.differences["shape", "color"].estimate
    )
    assert sum(forth.order_probability.values()) <= 1
    links = ordered(effects).differences.values()
    assert all(link.p <= link.p_holm <= 1 for link in links)
    assert all(link.low <= link.estimate <= link.high for link in links)


def false_orders(amplitudes, rises, repetitions=200):
    """Equal crossings: intervals without 0, and first significant layers that differ in order."""
    rng = np.random.default_rng(4)
    by_half = by_first = 0
    for _ in range(repetitions):
        onset = rng.uniform(4, 6)
        effects = {
            name: planted_effect(
                rng,
                effect_profile(13, onset=onset, plateau=plateau, shape="linear", rise=rise),
                n_scenes=200,
                correlation=0.5,
            )
            for name, plateau, rise in zip("ab", amplitudes, rises, strict=True)
        }
        link = ordered(effects, seed=int(rng.integers(2**31))).differences["a", "b"]
        by_half += link.low > 0 or link.high < 0
        if repetitions <= 60:
            first = [
                unwrap(first_max_t_layer)(effect, rng=rng, n_resamples=199)
                for effect in effects.values()
            ]
            by_first += None not in first and first[0] < first[1]
    return by_half, by_first


@pytest.mark.parametrize(
    ("amplitudes", "rises"),
    [((0.8, 0.3), (4.0, 4.0)), ((0.8, 0.3), (2.0, 6.0))],
)
def test_equal_onsets_are_not_ordered_by_amplitude_or_slope(amplitudes, rises):
    assert false_orders(amplitudes, rises)[0] <= binom.ppf(0.999, 200, 0.065)


def test_first_significant_layers_order_equal_onsets_by_amplitude():
    assert false_orders((0.8, 0.3), (4.0, 4.0), repetitions=60)[1] > 0.7 * 60


def test_a_gap_of_three_layers_is_found():
    rng = np.random.default_rng(5)
    found = [
        ordered(three(rng, (3.0, 6.0, 9.0), n_scenes=200, n_layers=17)).chain_p for _ in range(40)
    ]
    assert np.sum(np.array(found) <= 0.05) >= 38


@pytest.mark.parametrize("paired", [True, False])
def test_depth_of_two_models_covers_and_is_exact_without_noise(paired):
    shallow = np.tile([0, 0, 1, 1, 1.0], (20, 1))  # Crosses at 1.5 of 4.
    deep = np.tile([0, 0, 0, 1, 1, 1, 1, 1, 1.0], (20, 1))  # At 2.5 of 8.
    rng = np.random.default_rng(6)
    found = depth_difference(shallow, deep, rng=rng, paired=paired, n_resamples=99)
    assert (found.estimate, found.low, found.high) == (-0.0625, -0.0625, -0.0625)
    once = effect_profile(9, onset=4.0, plateau=1.0, rise=3.0)
    twice = effect_profile(17, onset=8.0, plateau=0.6, rise=6.0)
    held = 0
    for _ in range(100):
        one = planted_effect(rng, once, n_scenes=100)
        two = planted_effect(rng, twice, n_scenes=100)
        link = depth_difference(one, two, rng=rng, paired=paired, n_resamples=199)
        held += link.low <= 0 <= link.high
    assert held >= binom.ppf(0.001, 100, 0.94)


@pytest.mark.parametrize(
    ("effects", "choices", "message"),
    [
        ({"color": np.zeros((4, 3))}, {}, r"`effects` must hold 2 to 6 attributes, got 1"),
        (
            {"color": np.zeros((4, 3)), "shape": np.zeros((5, 3))},
            {},
            r"`effects\['shape'\]` must have the shape of .*keep the scenes that all",
        ),
        (
            {"color": np.zeros((4, 3)), "shape": np.full((4, 3), np.nan)},
            {},
            r"`effects\['shape'\]` must be finite, got nan at scene 0, layer 0",
        ),
        ({"a": np.zeros((1, 3)), "b": np.zeros((1, 3))}, {}, r"need at least 2 scenes, got 1"),
        ({"a": np.zeros((4, 3)), "b": np.zeros((4, 3))}, {"horizon": 3}, r"`horizon` must be"),
        ({"a": np.zeros((4, 3)), "b": np.zeros((4, 3))}, {"n_resamples": 9}, r"`n_resamples`"),
    ],
)
def test_says_what_is_wrong(effects, choices, message):
    with pytest.raises(ValueError, match=message):
        ordered(effects, **choices)


def test_paired_models_need_the_same_scenes():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"`second` must have the scenes of `first` \(4\)"):
        depth_difference(np.zeros((4, 3)), np.zeros((5, 3)), rng=rng, paired=True)
    with pytest.raises(ValueError, match=r"`second` must have at least 2 layers, got 1"):
        depth_difference(np.zeros((4, 3)), np.zeros((4, 1)), rng=rng, paired=False)
