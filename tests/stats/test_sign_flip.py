"""Sign flips with the maximum t: against brute force, against scipy, and under the null."""

from inspect import unwrap
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binom, permutation_test, ttest_1samp

from stats import sign_flip_max_t
from stats.sign_flip import Tail

tables = arrays(float, st.tuples(st.integers(2, 7), st.integers(1, 4)), elements=st.floats(-3, 3))


def flipped(effect, *, n_resamples=10_000, seed=0, **choices):
    return sign_flip_max_t(
        effect, rng=np.random.default_rng(seed), n_resamples=n_resamples, **choices
    )


def t_statistic(effect):
    return np.asarray(ttest_1samp(effect, 0, alternative="greater"))[0]


def uncorrected_p(effect):
    return np.asarray(ttest_1samp(effect, 0, alternative="greater"))[1]


def brute_force(effect, *, tail: Tail, step_down: bool):
    """Every flip, one t test each, counted as the definition says."""
    observed = t_statistic(effect)
    flips = [
        t_statistic(effect * np.array(signs)[:, None])
        for signs in product([1, -1], repeat=len(effect))
    ]
    null = np.array(flips)
    if tail == "two-sided":
        observed, null = abs(observed), abs(null)
    order = np.argsort(-observed)
    p = np.empty(len(observed))
    for place, layer in enumerate(order):
        rivals = order[place:] if step_down else order
        reached = null[:, rivals].max(axis=1) >= observed[layer] - 1e-12 * abs(observed[layer])
        p[layer] = max(reached.mean(), p[order[place - 1]] if step_down and place else 0)
    return p


@pytest.mark.parametrize("tail", ["greater", "two-sided"])
@pytest.mark.parametrize("step_down", [False, True])
@pytest.mark.parametrize("n_scenes", [4, 9])
def test_enumeration_equals_brute_force(tail, step_down, n_scenes):
    effect = np.random.default_rng(n_scenes).standard_normal((n_scenes, 5)) + np.linspace(0, 1, 5)
    found = flipped(effect, tail=tail, step_down=step_down)
    assert found.exact
    assert found.n_resamples == 2**n_scenes
    np.testing.assert_allclose(
        found.p, brute_force(effect, tail=tail, step_down=step_down), rtol=0, atol=1e-12
    )
    np.testing.assert_allclose(found.t, t_statistic(effect))


@pytest.mark.parametrize("n_scenes", [3, 8, 12])
@pytest.mark.parametrize("kind", ["normal", "zero_one"])
def test_enumeration_equals_scipy_at_one_layer(n_scenes, kind):
    rng = np.random.default_rng(n_scenes)
    effect = rng.standard_normal((n_scenes, 1)) + 0.5
    if kind == "zero_one":
        effect = rng.integers(-1, 2, size=(n_scenes, 1)).astype(float)
    for tail, statistic in (("greater", np.mean), ("two-sided", lambda x: abs(np.mean(x)))):
        theirs = permutation_test(
            (effect[:, 0],),
            statistic,
            permutation_type="samples",
            alternative="greater",
            n_resamples=2**n_scenes,
        )
        assert abs(flipped(effect, tail=tail).omnibus_p - theirs.pvalue) < 1e-12


@given(tables, st.sampled_from(["greater", "two-sided"]), st.randoms(use_true_random=False))
def test_order_of_scenes_and_unit_do_not_matter(table, tail, random):
    table = table.round(3)
    order = list(range(len(table)))
    random.shuffle(order)
    for n_resamples in (50, 1000):
        want = flipped(table, tail=tail, n_resamples=n_resamples)
        got = flipped(table[order], tail=tail, n_resamples=n_resamples)
        assert got.p.tobytes() == want.p.tobytes()
        np.testing.assert_array_equal(
            flipped(4 * table, tail=tail, n_resamples=n_resamples).p, want.p
        )


@given(tables)
def test_p_is_never_0_and_step_down_never_weaker(table):
    for n_resamples in (30, 1000):
        single, stepped = (
            flipped(table, n_resamples=n_resamples, step_down=step_down)
            for step_down in (False, True)
        )
        assert (stepped.p > 0).all()
        assert (stepped.p <= single.p).all()
        assert (single.p <= 1).all()
        assert single.omnibus_p == single.p.min() == stepped.omnibus_p


def test_layers_without_spread_have_the_documented_answer():
    effect = np.column_stack([np.zeros(6), np.full(6, 0.1), np.full(6, -0.1), np.arange(6) - 2.5])
    found = flipped(effect)
    # Two of the 64 flips reach it: none flipped, and all flipped at its mirror image.
    assert found.p[1] == 2 / 64
    assert found.p[[0, 2]].tolist() == [1, 1]
    assert found.t[:3].tolist() == [0, np.inf, -np.inf]


def test_further_axes_join_the_family():
    effect = np.random.default_rng(0).standard_normal((30, 2, 3))
    joint = flipped(effect)
    assert joint.p.shape == joint.t.shape == joint.mean.shape == (2, 3)
    np.testing.assert_array_equal(joint.p.ravel(), flipped(effect.reshape(30, 6)).p)


def false_positives(draw, n_scenes: int, *, corrected: bool, repetitions: int = 600) -> int:
    rng = np.random.default_rng(11)
    count = 0
    for _ in range(repetitions):
        effect = draw(rng, (n_scenes, 12))
        if corrected:
            count += (
                flipped(effect, n_resamples=199, seed=int(rng.integers(2**31))).omnibus_p <= 0.05
            )
        else:
            count += uncorrected_p(effect).min() <= 0.05
    return count


@pytest.mark.parametrize("n_scenes", [50, 200])
@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, shape: rng.standard_normal(shape),
        lambda rng, shape: rng.standard_t(3, shape),
        lambda rng, shape: rng.integers(0, 2, shape) - rng.integers(0, 2, shape).astype(float),
    ],
    ids=["normal", "t3", "zero_one"],
)
def test_one_sided_family_wise_error_is_neither_above_nor_below_its_level(draw, n_scenes):
    least, most = binom.ppf([0.001, 0.999], 600, [0.04, 0.06])
    assert least <= false_positives(draw, n_scenes, corrected=True) <= most


def test_uncorrected_tests_fail():
    def normal(rng, shape):
        return rng.standard_normal(shape)

    assert false_positives(normal, 50, corrected=False) > binom.ppf(0.999, 600, 0.06)


def test_flipping_items_instead_of_scenes_fails():
    rng = np.random.default_rng(12)
    by_item = by_scene = 0
    for _ in range(300):
        scene = rng.standard_normal((50, 1)) * np.sqrt(0.4)
        items = scene[:, None] + rng.standard_normal((50, 4, 1)) * np.sqrt(0.6)
        seed = int(rng.integers(2**31))
        by_item += flipped(items.reshape(200, 1), n_resamples=199, seed=seed).omnibus_p <= 0.05
        by_scene += flipped(items.mean(axis=1), n_resamples=199, seed=seed).omnibus_p <= 0.05
    assert by_scene <= binom.ppf(0.999, 300, 0.05) < by_item


@pytest.mark.parametrize(
    ("effect", "choices", "message"),
    [
        (np.zeros((1, 3)), {}, r"need at least 2 scenes, got 1 in `effect`"),
        (np.array([[0, 1], [np.nan, 1]]), {}, r"got nan at scene 1, column 0"),
        (np.zeros((4, 0)), {}, r"must not be empty"),
        (np.zeros((4, 2)), {"tail": "less"}, r"`tail` must be one of"),
        (np.zeros((4, 2)), {"n_resamples": 0}, r"`n_resamples` must be a whole number"),
    ],
)
def test_says_what_is_wrong(effect, choices, message):
    # Past the type checker of the tests: users run without it.
    with pytest.raises(ValueError, match=message):
        unwrap(sign_flip_max_t)(effect, rng=np.random.default_rng(0), **choices)


@pytest.mark.parametrize("tail", ["greater", "two-sided"])
@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_the_unit_is_moot_far_beyond_what_squares_bear(scale, tail):
    effect = np.random.default_rng(30).standard_normal((40, 4)) + [0.0, 0.3, 0.6, 0.0]
    plain, moved, mixed = (
        sign_flip_max_t(effect * by, rng=np.random.default_rng(31), n_resamples=499, tail=tail)
        for by in (1.0, scale, np.array([1.0, scale, scale, 1.0]))
    )
    np.testing.assert_array_equal(moved.p, plain.p)
    np.testing.assert_allclose(moved.t, plain.t, rtol=1e-12)
    np.testing.assert_allclose(moved.mean, plain.mean * scale, rtol=1e-12)
    # Layers of unlike units: which scene is drawn first may differ, not what is found.
    np.testing.assert_allclose(mixed.t, plain.t, rtol=1e-12)
    np.testing.assert_allclose(mixed.p, plain.p, atol=0.1)
