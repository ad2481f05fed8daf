"""The shuffled-image control and its permutation test, against loops, enumeration and the null."""

from inspect import unwrap
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from stats import shuffled_label_test
from stats.shuffled_labels import _exchangeable_scenes, _standardised


def relabelled(scores, answers, strata, *, scenes=None, n_resamples=199, seed=0, windows=()):
    return shuffled_label_test(
        scores,
        np.asarray(answers),
        strata,
        rng=np.random.default_rng(seed),
        scenes=scenes,
        windows=windows,
        n_resamples=n_resamples,
    )


@given(st.integers(0, 1000))
def test_control_is_the_mean_over_the_strata_s_other_scenes(seed):
    rng = np.random.default_rng(seed)
    scores = rng.standard_normal((24, 3, 2))
    answers = rng.integers(0, 3, 24)
    scenes, strata = np.repeat(np.arange(12), 2), np.tile(["what", "which"], 12)
    found = relabelled(scores, answers, strata, scenes=scenes)
    for item in range(24):
        others = [
            scores[other, answers[item]]
            for other in range(24)
            if strata[other] == strata[item] and scenes[other] != scenes[item]
        ]
        np.testing.assert_allclose(found.control[item], np.mean(others, axis=0), atol=1e-12)
        np.testing.assert_allclose(found.real[item], scores[item, answers[item]])
    by_hand = found.real - found.control
    np.testing.assert_allclose(found.effect, by_hand.mean(axis=0), atol=1e-12)


def test_moments_are_those_of_all_relabellings():
    rng = np.random.default_rng(1)
    scores = rng.standard_normal((10, 3, 2))
    labels = rng.integers(0, 3, 10)
    scene, stratum = np.repeat(np.arange(5), 2), np.tile([0, 1], 5)
    groups = _exchangeable_scenes(scene, stratum, scene)
    standard, rows = _standardised(scores, labels, groups)
    by_scene = labels[rows].reshape(5, 2)
    sums = np.array(
        [
            standard[np.arange(10), by_scene[list(order)].ravel()].sum(axis=0)
            for order in permutations(range(5))
        ]
    )
    np.testing.assert_allclose(sums.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(sums.var(axis=0), 1, atol=1e-12)


def test_p_is_the_share_of_all_relabellings_up_to_the_draws():
    rng = np.random.default_rng(2)
    scores, labels = rng.standard_normal((6, 6, 3)), np.arange(6)
    scores[np.arange(6), labels] += 0.7
    found = relabelled(scores, labels, ["one"] * 6, n_resamples=20_000)
    groups = [np.arange(6)[:, None]]
    standard, _ = _standardised(scores, labels, groups)
    sums = np.array(
        [standard[np.arange(6), list(order)].sum(axis=0) for order in permutations(range(6))]
    )
    exact = (sums.max(axis=1)[:, None] >= sums[0] - 1e-12).mean(axis=0)
    assert (abs(found.p - exact) < 5 * np.sqrt(exact * (1 - exact) / 20_000) + 1e-4).all()
    np.testing.assert_allclose(found.z, sums[0], atol=1e-10)


def test_what_a_scene_does_to_all_its_scores_alike_changes_nothing():
    rng = np.random.default_rng(3)
    scores, labels = rng.standard_normal((40, 4, 3)), rng.integers(0, 4, 40)
    strata = np.repeat(["a", "b"], 20)
    shifted = scores + 8 * rng.standard_normal((40, 1, 3))
    plain, moved = (relabelled(table, labels, strata) for table in (scores, shifted))
    np.testing.assert_allclose(plain.z, moved.z, atol=1e-9)
    np.testing.assert_array_equal(plain.p, moved.p)


def test_finds_images_that_matter_and_degenerate_layers_get_1():
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 4, 60)
    scores = rng.standard_normal((60, 4, 3))
    scores[:, :, 0] = -2.0
    scores[np.arange(60), labels, 2] += 2
    found = relabelled(scores, labels, np.repeat(["a", "b", "c"], 20))
    assert found.p[2] == found.omnibus_p == 1 / 200
    assert found.z[0] == found.effect[0] == 0
    assert found.p[0] > 0.05
    constant = relabelled(np.zeros((6, 2, 3)), [0, 1] * 3, ["a"] * 6)
    assert constant.p.tolist() == [1, 1, 1]


def rejections(*, main_effect: float, repetitions: int = 600) -> int:
    """Null data: neither scores nor labels know of each other; labels are unbalanced."""
    rng = np.random.default_rng(5)
    count = 0
    strata = np.repeat(["a", "b", "c"], [30, 20, 10])
    for _ in range(repetitions):
        scores = rng.standard_normal((60, 4, 5)) * [1, 1, 3, 1, 0.1]
        scores += main_effect * rng.standard_normal((60, 1, 1)) + rng.standard_normal((1, 4, 1))
        labels = rng.choice(4, 60, p=[0.5, 0.3, 0.1, 0.1])
        count += relabelled(scores, labels, strata, seed=int(rng.integers(2**31))).omnibus_p <= 0.05
    return count


@pytest.mark.parametrize("main_effect", [0.0, 1.0])
def test_type_one_error_with_and_without_image_main_effects(main_effect):
    least, most = binom.ppf([0.001, 0.999], 600, [0.04, 0.06])
    assert least <= rejections(main_effect=main_effect) <= most


def test_window_p_is_that_of_the_mean_statistic_of_all_relabellings():
    rng = np.random.default_rng(8)
    scores, labels = rng.standard_normal((6, 6, 4)), np.arange(6)
    scores[np.arange(6), labels, 2:] += 0.6
    windows = [(2, 3), (0, 3), (1, 1)]
    found = relabelled(scores, labels, ["one"] * 6, n_resamples=20_000, windows=windows)
    standard, _ = _standardised(scores, labels, [np.arange(6)[:, None]])
    sums = np.array(
        [standard[np.arange(6), list(order)].sum(axis=0) for order in permutations(range(6))]
    )
    means = np.column_stack([sums[:, first : last + 1].mean(axis=1) for first, last in windows])
    exact = (means >= means[0] - 1e-12).mean(axis=0)
    assert (abs(found.window_p - exact) < 5 * np.sqrt(exact * (1 - exact) / 20_000) + 1e-4).all()
    # The windows change nothing about the rest, and there need be none.
    plain = relabelled(scores, labels, ["one"] * 6, n_resamples=20_000)
    assert plain.window_p.tolist() == []
    np.testing.assert_allclose(found.p, plain.p, atol=0.02)


@given(
    st.integers(0, 1000), st.lists(st.sampled_from([1e-6, 0.3, 9.0, 1e6]), min_size=5, max_size=5)
)
def test_the_loudness_of_a_layer_changes_neither_p(seed, factor):
    rng = np.random.default_rng(seed)
    scores, labels = rng.standard_normal((30, 3, 5)), rng.integers(0, 3, 30)
    scores[np.arange(30), labels, 2:] += 0.4
    moved = (scores + rng.standard_normal((30, 1, 5))) * factor
    plain, other = (
        relabelled(table, labels, ["a"] * 30, windows=[(3, 4), (0, 4)]) for table in (scores, moved)
    )
    np.testing.assert_allclose(other.z, plain.z, rtol=0, atol=1e-9)
    np.testing.assert_allclose(other.p, plain.p, rtol=0, atol=1e-9)
    np.testing.assert_allclose(other.window_p, plain.window_p, rtol=0, atol=1e-9)


def test_window_p_keeps_its_level_and_finds_what_is_on_the_plateau_only():
    rng = np.random.default_rng(9)
    null = plateau = elsewhere = 0
    for _ in range(300):
        labels = rng.choice(4, 60, p=[0.5, 0.3, 0.1, 0.1])
        scores = rng.standard_normal((60, 4, 9)) * np.r_[np.ones(6), 5, 0.2, 1]
        scores += rng.standard_normal((60, 1, 1)) + rng.standard_normal((1, 4, 1))
        seed, strata = int(rng.integers(2**31)), np.repeat(["a", "b", "c"], 20)
        found = relabelled(scores, labels, strata, seed=seed, windows=[(7, 8)])
        null += found.window_p[0] <= 0.05
        right = np.arange(60), labels
        scores[right] += 0.8 * np.r_[0, 0, 0, 0, 0, 0, 0, 0.2, 1]
        found = relabelled(scores, labels, strata, seed=seed, windows=[(7, 8), (0, 5)])
        plateau += found.window_p[0] <= 0.05
        elsewhere += found.window_p[1] <= 0.05
    least, most = binom.ppf([0.001, 0.999], 300, [0.04, 0.06])
    assert least <= null <= most
    assert least <= elsewhere <= most
    assert plateau > 270


def clustered_rejections(*, by_scene: bool, repetitions: int = 250) -> int:
    """Null data with three questions a scene, whose answers and whose scores go together."""
    rng = np.random.default_rng(6)
    count = 0
    scenes, strata = np.repeat(np.arange(30), 3), np.tile(["a", "b", "c"], 30)
    for _ in range(repetitions):
        noise = rng.standard_normal((30, 1, 2, 3)) + 0.5 * rng.standard_normal((30, 3, 2, 3))
        labels = np.repeat(rng.integers(0, 2, 30), 3)
        found = relabelled(
            noise.reshape(90, 2, 3),
            labels,
            strata,
            scenes=scenes if by_scene else None,
            seed=int(rng.integers(2**31)),
        )
        count += found.omnibus_p <= 0.05
    return count


def test_several_items_a_scene_are_permuted_together_and_must_be():
    least, most = binom.ppf([0.001, 0.999], 250, [0.04, 0.06])
    assert least <= clustered_rejections(by_scene=True) <= most
    assert clustered_rejections(by_scene=False) > 2 * most


def test_same_generator_same_bytes():
    rng = np.random.default_rng(7)
    scores, labels = rng.standard_normal((50, 3, 4)), rng.integers(0, 3, 50)
    found = [relabelled(scores, labels, ["a"] * 50, n_resamples=n) for n in (500, 500)]
    assert found[0].p.tobytes() == found[1].p.tobytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"strata": ["a", "a", "a", "a", "a", "b"]},
            r"at least 5 scenes each, got 1 in .*b.*swapped images",
        ),
        ({"strata": ["a"] * 2 + ["b"] * 4}, r"at least 5 scenes each, got 2 in .*a"),
        (
            {"scenes": [1, 1, 2, 3, 4, 5]},
            r"`scenes` must each share .* scene .*1.* one item per scene",
        ),
        ({"scenes": [1, 1, 2, 3, 4, 4]}, r"at least 5 scenes each, got 4"),
        ({"answers": [0, 1, 2, 0, 1, 1]}, r"`answers` must lie in 0..1, got 2 at item 2"),
        ({"answers": [0, 1]}, r"`answers` must hold one whole number per item \(6\)"),
        ({"answers": [0.0, 1.0] * 3}, r"`answers` must hold one whole number"),
        ({"scores": np.full((6, 2, 3), -np.inf)}, r"got -inf at item 0, answer 0, layer 0"),
        ({"n_resamples": 0}, r"`n_resamples` must be a whole number"),
        (
            {"windows": [(0, 3)]},
            r"`windows` must give first and last layers within 0..2, got \(0, 3\): pass pairs",
        ),
    ],
)
def test_says_what_is_wrong(change, message):
    given_arguments = {
        "scores": np.zeros((6, 2, 3)),
        "answers": [0, 1] * 3,
        "strata": ["a"] * 6,
        **change,
    }
    given_arguments["answers"] = np.array(given_arguments["answers"])
    # Past the type checker of the tests: users run without it.

    with pytest.raises(ValueError, match=message):
        unwrap(shuffled_label_test)(rng=np.random.default_rng(0), **given_arguments)


def test_it_says_where_the_number_of_items_gives_the_answer_away():
    """Scenes of answer 1 are asked twice: however large the effect, no relabelling tells."""
    scenes = np.r_[np.arange(10), np.repeat(np.arange(10, 20), 2)]
    answers = (scenes >= 10).astype(int)
    scores = 9.0 * np.eye(2)[answers][:, :, None] + np.zeros((30, 2, 3))
    told = relabelled(scores, answers, ["a"] * 30, scenes=scenes)
    assert told.n_fixed == told.n_items == 30
    assert told.omnibus_p == 1
    # Once a scene, the same effect is found; and one answer for all is no give-away.
    once = relabelled(scores[:20], answers[:20], ["a"] * 20)
    assert once.n_fixed == 0
    assert once.omnibus_p == 1 / 200
    assert relabelled(scores, np.zeros(30, dtype=int), ["a"] * 30, scenes=scenes).n_fixed == 0
