"""Draws of the control task, fitted together, are what they would be one by one, and steadier."""

import numpy as np
import pytest
import torch

from data_prep.errors import UserError
from data_prep.splits import scene_folds
from probes.linear_probe.batch_fit import read_labellings
from probes.linear_probe.control_draws import control_draws
from probes.linear_probe.cross_fit import cross_fit
from probes.linear_probe.solver import fit_path
from tests.probes.linear_probe.made_up import ANSWERS, planted

GRID = (1e-3, 1e-1)


def typed(*, n_types: int = 9, n_items: int = 150, seed: int = 0):
    """Residuals that tell the type of each item in part; some types are alike."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(n_types, size=n_items)
    places = rng.standard_normal((n_types, 3))
    residuals = torch.tensor(
        places[kind][:, None] + 0.5 * rng.standard_normal((n_items, 1, 3)), dtype=torch.float32
    )
    scenes = [f"s{number}" for number in range(n_items)]
    return residuals, kind % 3, [str(each) for each in kind], scenes


def drawn(residuals, answer, types, scenes, *, seed: int = 0, **options):
    options = {"inverse_penalties": GRID, **options}
    probe = cross_fit(residuals, answer, scenes=scenes, answers=ANSWERS, inverse_penalties=GRID)
    return control_draws(
        residuals,
        answer,
        types,
        task=probe.log_probs(residuals, scenes=scenes),
        scenes=scenes,
        answers=ANSWERS,
        rng=np.random.default_rng(seed),
        **options,
    )


def accuracy(found) -> np.ndarray:
    return (found.control.argmax(-1) == found.labels[..., None]).mean(axis=(1, 2))


def test_labellings_fitted_together_are_those_fitted_alone():
    residuals, answer, scenes = planted(at=[1], n_scenes=90, n_layers=2)
    other = np.random.default_rng(0).permutation(answer)
    read = read_labellings(
        residuals, np.stack([answer, other]), scene_folds(scenes),
        scenes=scenes, answers=ANSWERS, inverse_penalties=GRID,
    )  # fmt: skip
    for labels, found in zip((answer, other), read, strict=True):
        alone = cross_fit(
            residuals, labels, scenes=scenes, answers=ANSWERS, inverse_penalties=GRID
        ).log_probs(residuals, scenes=scenes)
        np.testing.assert_allclose(found, alone, atol=0.01)


def test_the_solver_takes_a_row_of_labels_per_column():
    generator = torch.manual_seed(0)
    features = torch.randn(2, 60, 5, generator=generator)
    labels = torch.randint(3, (2, 60), generator=generator)
    grid = torch.tensor([[0.1, 1.0]]).expand(2, 2)
    together = fit_path(features, labels, n_answers=3, inverse_penalties=grid)
    for column in range(2):
        alone = fit_path(features, labels[column], n_answers=3, inverse_penalties=grid)
        torch.testing.assert_close(
            together.weight[:, column], alone.weight[:, column], atol=1e-4, rtol=1e-3
        )
        torch.testing.assert_close(
            together.losses(features, labels)[:, column],
            alone.losses(features, labels[column])[:, column],
            atol=1e-4, rtol=1e-3,
        )  # fmt: skip
    with pytest.raises(ValueError, match=r"answers must be in 0\.\.1, got 0 to 2"):
        fit_path(features, labels, n_answers=2, inverse_penalties=grid)


def test_draws_go_through_the_partitions_in_turn_and_the_first_is_the_usual_one():
    residuals, answer, types, scenes = typed()
    found = drawn(residuals, answer, types, scenes, n_draws=7)
    assert found.partition.tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert found.task.shape == (3, 150, 1, 3)
    usual = cross_fit(
        residuals, found.labels[3], scenes=scenes, answers=ANSWERS, inverse_penalties=GRID
    ).log_probs(residuals, scenes=scenes)
    np.testing.assert_allclose(found.control[3], usual, atol=0.01)
    for labels in found.labels:
        assert len(set(zip(types, labels.tolist(), strict=True))) == len(set(types))
    assert len({tuple(labels) for labels in found.labels.tolist()}) > 1
    assert np.abs(found.task[0] - found.task[1]).max() > 0.01


def test_the_same_generator_gives_the_same_draws():
    residuals, answer, types, scenes = typed()
    first, again, other = (
        drawn(residuals, answer, types, scenes, n_draws=3, seed=seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.labels, again.labels)
    np.testing.assert_array_equal(first.control, again.control)
    assert (first.labels != other.labels).any()


def test_the_mean_over_draws_is_steadier_than_a_draw():
    residuals, answer, types, scenes = typed()
    runs = [accuracy(drawn(residuals, answer, types, scenes, seed=seed)) for seed in range(5)]
    one = np.std(np.concatenate(runs), ddof=1)
    # More than the interval over 150 scenes is wide on one side of a middling share: 0.08.
    assert one > 0.08
    assert np.std([run.mean() for run in runs], ddof=1) < one / 2


def test_says_where_no_labels_can_be_fitted():
    residuals, answer, scenes = planted(n_scenes=40, n_layers=1)
    # One type of three occurs once: wherever it is held out, its label is missing.
    types = ["rare", *(["a", "b"] * 20)][:40]
    with pytest.raises(UserError, match="no control labels were found of which every one occurs"):
        drawn(residuals, answer, types, scenes)
