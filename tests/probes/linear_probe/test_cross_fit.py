"""Signal at its layer and nowhere else; null labels at chance, which a leak by scene is not."""

import numpy as np
import pytest
from scipy.stats import binom

from data_prep.errors import UserError
from data_prep.splits import scene_folds
from probes.linear_probe.cross_fit import cross_fit
from probes.linear_probe.probe import fit_probe
from probes.scores import item_scores
from stats import shuffled_label_test
from tests.probes.linear_probe.made_up import ANSWERS, planted

GRID = (1e-4, 1e-2, 1.0)


def read(residuals, answer, scenes, **options) -> np.ndarray:
    found = cross_fit(
        residuals, answer, scenes=scenes, answers=ANSWERS, inverse_penalties=GRID, **options
    )
    return found.log_probs(residuals, scenes=scenes)


def test_a_planted_signal_is_found_at_its_layer_and_nowhere_else():
    residuals, answer, scenes = planted(at=[2, 3], n_scenes=250)
    correct = item_scores(read(residuals, answer, scenes), answer).correct
    low, high = binom.ppf([0.001, 0.999], 250, 1 / 3) / 250
    assert (correct[:, 2:].mean(0) > 0.8).all()
    assert ((low <= correct[:, :2].mean(0)) & (correct[:, :2].mean(0) <= high)).all()


def test_item_scores_enter_the_controls_of_any_readout():
    residuals, answer, scenes = planted(at=[1], n_scenes=150, n_layers=2)
    bits = np.swapaxes(read(residuals, answer, scenes), 1, 2)
    test = shuffled_label_test(
        bits.astype(float),
        answer,
        ["one text"] * len(answer),
        scenes=scenes,
        rng=np.random.default_rng(0),
        n_resamples=999,
    )
    assert test.p[1] == pytest.approx(0.001)
    assert test.p[0] > 0.05


def null_correct(*, by_scene: bool, seed: int) -> tuple[int, int]:
    """Correct answers among items, where answers are random per scene and items come in fours."""
    residuals, answer, scenes = planted(
        n_scenes=60, items_per_scene=4, n_layers=1, width=40, seed=seed
    )
    folds = scene_folds(scenes) if by_scene else np.arange(len(answer)) % 5
    total = 0
    for fold in range(5):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        probe = fit_probe(
            residuals[train],
            answer[train],
            scenes=[scenes[row] for row in train],
            answers=ANSWERS,
            inverse_penalties=(1e-2,),
        )
        guess = probe.log_probs(residuals[test], scenes=None).argmax(-1)[:, 0]
        total += int((guess == answer[test]).sum())
    return total, len(answer)


def test_null_labels_are_at_chance_by_scene_and_a_split_by_item_is_not():
    # Items of a scene go together: 4 seeds of 60 independent scenes.
    high = binom.ppf(0.999, 4 * 60, 1 / 3) / (4 * 60)
    for by_scene in (True, False):
        counts = [null_correct(by_scene=by_scene, seed=seed) for seed in range(4)]
        accuracy = sum(hit for hit, _ in counts) / sum(n for _, n in counts)
        assert (accuracy <= high) == by_scene


def test_null_bits_stay_near_those_of_the_frequencies():
    residuals, answer, scenes = planted(n_scenes=200, n_layers=3)
    bits = item_scores(read(residuals, answer, scenes), answer).bits
    assert -1.75 < bits.mean() < -np.log2(3) + 0.01


def test_refuses_a_split_by_item():
    residuals, answer, scenes = planted(n_scenes=60, items_per_scene=2, n_layers=1)
    with pytest.raises(UserError, match="split by scene, not by item"):
        read(residuals, answer, scenes, folds=np.arange(len(answer)) % 5)


def test_folds_follow_the_scene_and_nothing_else():
    names = [f"s{number}" for number in range(500)]
    folds = scene_folds(names)
    assert np.bincount(folds, minlength=5).min() > 60
    np.testing.assert_array_equal(scene_folds(names[::-1]), folds[::-1])
    np.testing.assert_array_equal(scene_folds(names[:10] * 2), np.tile(folds[:10], 2))


def test_an_item_is_read_by_a_probe_that_has_not_seen_its_scene():
    residuals, answer, scenes = planted(n_scenes=80, n_layers=1)
    found = cross_fit(residuals, answer, scenes=scenes, answers=ANSWERS, inverse_penalties=GRID)
    for scene, fold in found.fold_of_scene.items():
        assert scene not in found.probes[fold].training_scenes
    with pytest.raises(UserError, match="belongs to no fold"):
        found.log_probs(residuals[:1], scenes=["another"])


def test_says_which_answer_is_missing_on_a_training_side():
    residuals, answer, scenes = planted(n_scenes=60, n_layers=1)
    folds = np.where(answer == 2, 0, 1)
    with pytest.raises(UserError, match="'cylinder' does not in the training side of fold 0"):
        read(residuals, answer, scenes, folds=folds)


def test_refuses_empty_folds():
    residuals, answer, scenes = planted(n_scenes=60, n_layers=1)
    with pytest.raises(UserError, match="fold 0 holds out 0 of 60"):
        read(residuals, answer, scenes, folds=np.ones(60, dtype=int))
    with pytest.raises(UserError, match="at least 2 folds, got 1"):
        scene_folds(scenes, 1)
