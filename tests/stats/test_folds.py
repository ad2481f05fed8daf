"""Scenes are dealt into folds as wholes, evenly, each answer spread, whatever the order of rows."""

from inspect import unwrap

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats.folds import scene_folds


def dealt(answers, scene, *, folds=5, seed=0):
    return unwrap(scene_folds)(
        np.asarray(answers), np.asarray(scene), rng=np.random.default_rng(seed), folds=folds
    )


def spread(fold, answers, scene, folds):
    """How many scenes of each answer each fold holds."""
    table = np.zeros((folds, answers.max() + 1), dtype=int)
    pairs = np.unique(np.column_stack([scene, answers]), axis=0)
    np.add.at(table, (fold[pairs[:, 0]], pairs[:, 1]), 1)
    return table


@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(2, 8))
def test_one_answer_a_scene_is_spread_as_evenly_as_can_be(seed, folds, n_answers):
    rng = np.random.default_rng(seed)
    counts = rng.integers(2, 20, n_answers)
    answers = rng.permutation(np.repeat(np.arange(n_answers), counts))
    scene = np.arange(len(answers))
    if len(scene) < folds:
        return
    fold = dealt(answers, scene, folds=folds, seed=seed)
    table = spread(fold, answers, scene, folds)
    assert (np.ptp(table, axis=0) <= 1).all()
    assert np.ptp(np.bincount(fold, minlength=folds)) <= n_answers
    # Each answer, also one of two scenes, is known wherever it is judged.
    assert ((table > 0).sum(axis=0) >= 2).all()


@given(st.integers(0, 10_000), st.integers(1, 4))
def test_several_items_a_scene_never_part(seed, questions):
    rng = np.random.default_rng(seed)
    scene = np.repeat(np.arange(40), questions)
    answers = rng.integers(0, 3, len(scene))
    fold = dealt(answers, scene, seed=seed)
    assert fold.shape == (40,)
    assert set(fold.tolist()) == set(range(5))
    assert np.ptp(np.bincount(fold)) <= 6
    table = spread(fold, answers, scene, 5)
    assert (table.max(axis=0) - table.min(axis=0) <= 5).all()


@given(st.permutations(range(30)))
def test_order_and_repetition_of_rows_are_moot(order):
    rng = np.random.default_rng(1)
    scene, answers = np.repeat(np.arange(15), 2), rng.integers(0, 2, 30)
    want = dealt(answers, scene)
    np.testing.assert_array_equal(dealt(answers[order], scene[order]), want)
    np.testing.assert_array_equal(dealt(np.tile(answers, 3), np.tile(scene, 3)), want)


def test_folds_are_drawn_at_random_and_the_same_state_gives_the_same():
    scene, answers = np.arange(60), np.arange(60) % 3
    draws = [dealt(answers, scene, seed=seed) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0] != draws[2]).any()
    # No scene has a fold of its own to prefer: over many draws, each is in each equally often.
    counts = np.zeros((60, 5))
    for seed in range(300):
        counts[scene, dealt(answers, scene, seed=seed)] += 1
    assert np.abs(counts / 300 - 0.2).max() < 5 * np.sqrt(0.16 / 300)


@pytest.mark.parametrize(
    ("answers", "scene", "folds", "message"),
    [
        ([0, 1, 0, 1], [0, 1, 2, 3], 1, r"`folds` must be a whole number of at least 2, got 1: 5"),
        ([0, 1, 0, 1], [0, 1, 2, 3], 2.5, r"`folds` must be a whole number .* got 2.5"),
        (
            [0, 1, 0, 1],
            [0, 1, 2, 3],
            5,
            r"`scenes` must hold at least as many scenes as folds \(5\), got 4: add scenes, or "
            r"lower `folds`",
        ),
        (
            [0, 0, 0, 1, 1],
            [0, 1, 2, 3, 3],
            2,
            r"`answers` must each occur in at least 2 folds, answer 1 occurs in 1 \(1 scenes\): "
            r"leave its items out, or add scenes with it",
        ),
    ],
)
def test_says_what_is_wrong(answers, scene, folds, message):
    with pytest.raises(ValueError, match=message):
        dealt(answers, scene, folds=folds)


@pytest.mark.parametrize("seed", range(10))
def test_a_scene_goes_where_its_answer_is_rarest_then_where_fewest_are_then_at_random(seed):
    rng = np.random.default_rng(seed)
    scene = np.repeat(np.arange(60), 2)
    answers = rng.permutation(np.repeat(np.arange(5), [50, 40, 15, 10, 5]))
    draws = np.random.default_rng(7)
    shuffled, tie = draws.permutation(60), draws.random((60, 5))
    fold, size, held = np.full(60, -1), np.zeros(5, int), np.zeros((5, 5), int)
    holds = np.zeros((60, 5), dtype=bool)
    holds[scene, answers] = True
    for answer in np.argsort(holds.sum(axis=0), kind="stable"):
        for one in shuffled[holds[shuffled, answer] & (fold[shuffled] < 0)]:
            fold[one] = np.lexsort((tie[one], size, held[answer]))[0]
            size[fold[one]] += 1
            held[holds[one], fold[one]] += 1
    np.testing.assert_array_equal(dealt(answers, scene, seed=7), fold)
