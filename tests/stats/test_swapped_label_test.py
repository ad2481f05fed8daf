"""Real images among their swaps: level where sign flips lose it, power, and exact small cases."""

from inspect import unwrap
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from stats import sign_flip_max_t, swapped_label_test
from stats.simulate import effect_profile


def swapped(real, others, *, seed=0, n_resamples=199, **choices):
    return swapped_label_test(
        real, others, rng=np.random.default_rng(seed), n_resamples=n_resamples, **choices
    )


def images(rng, *, n_scenes=30, n_swaps=4, n_layers=6, rare=0.0):
    """Scores under the real image and its swaps, alike; rarely one is 20 bits below the others."""
    scores = 0.5 * rng.standard_normal((1 + n_swaps, n_scenes, n_layers))
    scores -= 20.0 * (rng.random((1 + n_swaps, n_scenes, 1)) < rare)
    # What a scene is whatever the image, and what a layer is.
    return scores + 3 * rng.standard_normal((n_scenes, 1)) + np.arange(n_layers)


@pytest.mark.parametrize("n_swaps", [1, 2])
def test_p_is_the_share_of_all_relabellings_up_to_the_draws(n_swaps):
    rng = np.random.default_rng(1)
    table = images(rng, n_scenes=5, n_swaps=n_swaps, n_layers=3)
    table[0] += 0.5
    found = swapped(table[0], table[1:], n_resamples=20_000, windows=[(1, 2), (0, 0)])
    centred = table - table.mean(axis=0)
    sums = np.array(
        [
            centred[list(which), np.arange(5)].sum(axis=0)
            for which in product(range(1 + n_swaps), repeat=5)
        ]
    )
    z = sums / sums.std(axis=0)
    np.testing.assert_allclose(sums.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(found.z, z[0], atol=1e-10)
    windows = np.column_stack([z[:, 1:3].mean(axis=1), z[:, 0]])
    exact = np.r_[
        (z.max(axis=1)[:, None] >= z[0] - 1e-12).mean(axis=0),
        (windows >= windows[0] - 1e-12).mean(axis=0),
    ]
    ours = np.r_[found.p, found.window_p]
    assert (abs(ours - exact) < 5 * np.sqrt(exact * (1 - exact) / 20_000) + 1e-4).all()


@settings(max_examples=30)
@given(
    st.integers(0, 1000), st.lists(st.sampled_from([1e-6, 0.3, 7.0, 1e6]), min_size=6, max_size=6)
)
def test_neither_scale_of_a_layer_nor_what_a_scene_does_to_all_images_matters(seed, factor):
    rng = np.random.default_rng(seed)
    table = images(rng)
    plain = swapped(table[0], table[1:], windows=[(4, 5)])
    moved = (table + rng.standard_normal((30, 6))) * factor
    other = swapped(moved[0], moved[1:], windows=[(4, 5)])
    np.testing.assert_allclose(other.z, plain.z, rtol=0, atol=1e-9)
    np.testing.assert_allclose(other.p, plain.p, rtol=0, atol=1e-9)
    np.testing.assert_allclose(other.window_p, plain.window_p, rtol=0, atol=1e-9)
    # Nor which of the swaps is called the first.
    turned = swapped(table[0], table[:0:-1])
    np.testing.assert_allclose(turned.z, plain.z, rtol=0, atol=1e-9)


def test_level_where_a_few_scenes_carry_the_variance_and_sign_flips_lose_it():
    rng = np.random.default_rng(2)
    omnibus = window = flips = 0
    for _ in range(600):
        table = images(rng, rare=0.03)
        found = swapped(table[0], table[1:], seed=int(rng.integers(2**31)), windows=[(4, 5)])
        omnibus += found.omnibus_p <= 0.05
        window += found.window_p[0] <= 0.05
        effect = table[0] - table[1:].mean(axis=0)
        flips += sign_flip_max_t(effect, rng=rng, n_resamples=199).omnibus_p <= 0.05
    least, most = binom.ppf([0.001, 0.999], 600, [0.04, 0.06])
    assert least <= omnibus <= most
    assert least <= window <= most
    # Real minus the mean of several swaps is not symmetric about 0.
    assert flips > 2 * most


@pytest.mark.parametrize("n_swaps", [1, 4])
def test_finds_images_that_matter_and_names_the_layers(n_swaps):
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(40):
        table = images(rng, n_swaps=n_swaps)
        table[0] += effect_profile(6, onset=3.0, plateau=0.6, shape="step")
        test = swapped(table[0], table[1:], windows=[(0, 1), (4, 5)])
        found += test.omnibus_p <= 0.05
        assert test.p[3:].min() == test.omnibus_p
        assert test.window_p[1] <= test.window_p[0]
    assert found >= 38
    assert (test.n_scenes, test.n_swaps, test.n_resamples) == (30, n_swaps, 199)


def test_layers_without_spread_get_1_and_the_least_p_is_one_of_all_draws():
    table = np.zeros((3, 20, 2))
    table[0, :, 1] = 1.0
    found = swapped(table[0], table[1:], windows=[(0, 0), (1, 1)])
    assert found.z[0] == 0
    # At 0 the first layer is reached by every relabelling's maximum.
    assert found.p.tolist() == [1, 1 / 200]
    assert found.window_p.tolist() == [1, 1 / 200]
    same = swapped(np.ones((4, 3)), np.ones((2, 4, 3)))
    assert same.p.tolist() == [1, 1, 1]


def test_the_same_state_gives_the_same_bytes_and_the_order_of_scenes_changes_only_the_draws():
    rng = np.random.default_rng(4)
    table = images(rng)
    first, again = (swapped(table[0], table[1:], n_resamples=4000) for _ in range(2))
    assert first.p.tobytes() == again.p.tobytes()
    turned = swapped(table[0, ::-1], table[1:, ::-1], n_resamples=4000)
    np.testing.assert_allclose(turned.z, first.z, atol=1e-9)
    assert np.abs(turned.p - first.p).max() < 5 * np.sqrt(2 * 0.25 / 4000)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"real": np.zeros((1, 3)), "swapped": np.zeros((2, 1, 3))},
            r"need at least 2 scenes, got 1",
        ),
        (
            {"swapped": np.zeros((2, 4, 2))},
            r"`swapped` must be \[swap, scene, layer\] with the scenes and layers of `real` "
            r"\(4, 3\), got shape \(2, 4, 2\): pass the same scenes in the same order",
        ),
        (
            {"swapped": np.zeros((0, 4, 3))},
            r"`swapped` \[swap, scene, layer\] must not be empty, got shape",
        ),
        (
            {"real": np.full((4, 3), np.nan)},
            r"`real` must be finite, got nan at scene 0, layer 0: leave that scene out",
        ),
        (
            {"swapped": np.full((2, 4, 3), -np.inf)},
            r"`swapped` must be finite, got -inf at swap 0, scene 0, layer 0",
        ),
        (
            {"windows": [(1, 3)]},
            r"`windows` must give first and last layers within 0..2, got \(1, 3\): pass pairs",
        ),
        (
            {"windows": [(2, 1)]},
            r"`windows` must give first and last layers within 0..2, got \(2, 1\)",
        ),
        ({"n_resamples": 0}, r"`n_resamples` must be a whole number"),
    ],
)
def test_says_what_is_wrong(change, message):
    given_arguments = {"real": np.zeros((4, 3)), "swapped": np.zeros((2, 4, 3)), **change}
    # Past the type checker of the tests: users run without it.
    with pytest.raises(ValueError, match=message):
        unwrap(swapped_label_test)(rng=np.random.default_rng(0), **given_arguments)
