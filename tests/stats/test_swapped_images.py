"""The scene rows of the swapped-image effect: exact, of the right spread; naive ones fail."""

from inspect import unwrap

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from stats import (
    cluster_bootstrap,
    emergence_layer,
    half_plateau_crossing,
    shuffled_label_test,
)
from stats.swapped_images import scene_pseudo_values, swapped_scores

ANSWERS = np.array([0.4, 0.3, 0.2, 0.1])
# Checked at the calls that are not repeated thousands of times.
rows_of, swapped_of = unwrap(scene_pseudo_values), unwrap(swapped_scores)


def effect_by_loop(scores, labels, stratum, scene):
    """The definition: every item against every other scene's image, scenes weigh alike."""
    by_scene: dict[int, list] = {}
    for item, own in enumerate(scene):
        others = [
            np.mean(scores[(scene == other) & (stratum == stratum[item]), labels[item]], axis=0)
            for other in np.unique(scene[stratum == stratum[item]])
            if other != own
        ]
        by_scene.setdefault(own, []).append(scores[item, labels[item]] - np.mean(others, axis=0))
    return np.mean([np.mean(effects, axis=0) for effects in by_scene.values()], axis=0)


@given(st.integers(0, 10_000), st.integers(1, 3))
def test_rows_are_the_delete_one_jackknife_and_their_mean_the_effect(seed, questions):
    rng = np.random.default_rng(seed)
    scene = np.concatenate([np.repeat(np.arange(12), questions), [0, 5]])
    stratum = np.concatenate([(np.arange(12 * questions) % questions), [0, 0]])
    stratum += questions * (scene % 2)
    scores = rng.standard_normal((len(scene), 3, 2))
    labels = rng.integers(0, 3, len(scene))
    rows = scene_pseudo_values(scores, labels, stratum, scene)
    whole = effect_by_loop(scores, labels, stratum, scene)
    np.testing.assert_allclose(rows.mean(axis=0), whole, atol=1e-12)
    without = np.array(
        [
            effect_by_loop(*(part[scene != left] for part in (scores, labels, stratum, scene)))
            for left in range(12)
        ]
    )
    np.testing.assert_allclose(rows, 12 * whole - 11 * without, atol=1e-10)


@pytest.mark.parametrize("size", [2, 3, 30])
def test_main_effects_of_images_and_answers_cancel_in_every_row(size):
    rng = np.random.default_rng(0)
    image, answer = 8 * rng.standard_normal((60, 1, 3)), rng.standard_normal((1, 4, 3))
    labels, stratum, scene = rng.integers(0, 4, 60), np.arange(60) // size, np.arange(60)
    rows = scene_pseudo_values(image + answer + np.zeros((60, 4, 3)), labels, stratum, scene)
    assert np.abs(rows.mean(axis=0)).max() < 1e-12
    if size > 2:
        assert np.abs(rows).max() < 1e-12


def test_the_test_hands_these_rows_on():
    rng = np.random.default_rng(1)
    scores, labels = rng.standard_normal((40, 3, 2)), rng.integers(0, 3, 40)
    strata = np.repeat(["a", "b"], 20)
    found = shuffled_label_test(scores, labels, strata, rng=rng, n_resamples=99)
    want = scene_pseudo_values(scores, labels, np.repeat([0, 1], 20), np.arange(40))
    np.testing.assert_array_equal(found.scene_effect, want)
    np.testing.assert_allclose(found.effect, (found.real - found.control).mean(axis=0), atol=1e-12)


def sample(rng, n_scenes, profile, *, image=0.0, answer=0.0, confidence=0.0):
    """Scores whose population effect is `profile`; scenes fall into five strata at random."""
    labels = rng.choice(4, n_scenes, p=ANSWERS)
    stratum = rng.integers(5, size=n_scenes)
    scores = rng.standard_normal((n_scenes, 4, len(profile)))
    scores += image * rng.standard_normal((n_scenes, 1, 1)) + answer * np.arange(4)[:, None]
    # A confident scene's log-probability of the right answer is near 0, of others far below.
    known = np.eye(4)[labels] - 1
    known /= np.sum(ANSWERS * (1 - ANSWERS))
    certainty = 1 + confidence * rng.exponential(size=n_scenes) - confidence
    scores += (certainty[:, None] * known)[:, :, None] * profile
    return scores, labels, stratum


CASES = {
    "plain": {},
    "images": {"image": 4.0},
    "answers": {"answer": 3.0},
    "both": {"image": 4.0, "answer": 3.0},
    "confidence": {"confidence": 1.0},
}


def covered(n_scenes: int, case: str, *, effect: float = 2.0, repetitions: int = 800):
    """Intervals at .95 from these rows, and from real minus control, that hold the effect."""
    rng = np.random.default_rng(2)
    scene, items = np.arange(n_scenes), np.arange(n_scenes)
    rows, naive = np.empty((2, n_scenes, repetitions))
    for repetition in range(repetitions):
        scores, labels, stratum = sample(rng, n_scenes, np.array([effect]), **CASES[case])
        rows[:, repetition] = rows_of(scores, labels, stratum, scene)[:, 0]
        swapped = swapped_of(scores, stratum, scene, stratum)
        naive[:, repetition] = (scores - swapped)[items, labels, 0]
    np.testing.assert_allclose(rows.mean(axis=0), naive.mean(axis=0), atol=1e-9)
    counts = []
    for values in (rows, naive):
        found = cluster_bootstrap(values, scene, rng=np.random.default_rng(3), n_resamples=499)
        counts.append(int(((found.low <= effect) & (effect <= found.high)).sum()))
    return counts


@pytest.mark.parametrize("n_scenes", [100, 200])
@pytest.mark.parametrize("case", CASES)
def test_intervals_cover_the_effect_on_other_scenes_and_naive_ones_fail(n_scenes, case):
    least, most = binom.ppf([0.001, 0.999], 800, [0.93, 0.97])
    ours, naive = covered(n_scenes, case)
    assert least <= ours <= most
    if case in ("images", "both"):
        assert naive > most  # Too wide: image main effects cancel in the effect.
    if case == "confidence":
        assert naive < least  # Too narrow: what a scene knows, it also withholds from others.


def test_no_effect_at_all_leaves_the_projection_with_spread_and_coverage():
    # First-order degenerate only where scores are image plus answer; then the effect is 0 exactly.
    least, most = binom.ppf([0.001, 0.999], 800, [0.93, 0.97])
    assert least <= covered(100, "both", effect=0.0)[0] <= most


def test_emergence_on_these_rows_covers_the_layer():
    rng = np.random.default_rng(4)
    profile = 1.5 * np.clip((np.arange(9) - 2.6) / 2 + 0.5, 0, 1)
    truth = half_plateau_crossing(profile[None], slice(7, 9))[0]
    half = int(np.ceil(truth))
    held = held_by_layer = held_by_set = number = 0
    for _ in range(120):
        scores, labels, stratum = sample(rng, 150, profile, image=3.0, confidence=0.5)
        rows = rows_of(scores, labels, stratum, np.arange(150))
        found = emergence_layer(rows, rng=rng, margin=0.05, n_resamples=199)
        held_by_set += found.fb_half.low <= half <= (found.fb_half.high or 0)
        if found.lambda_half is not None and found.layer is not None:
            number += 1
            held += found.lambda_half.low <= truth <= found.lambda_half.high
            held_by_layer += found.layer.low <= half <= found.layer.high
    assert number >= 115
    assert held >= binom.ppf(0.001, number, 0.95)
    assert held_by_layer >= binom.ppf(0.001, number, 0.95)
    assert held_by_set >= binom.ppf(0.001, 120, 0.95)
