"""Moves of residuals: what they change, what they leave, how long they are."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from data_prep.errors import UserError
from probes.interventions.directions import (
    class_coordinates,
    distance_from_natural,
    random_displacements,
    set_to_class,
)
from probes.linear_probe.probe import fit_probe


@given(st.integers(0, 10_000))
def test_the_probe_sees_the_target_and_nothing_else_moves(seed):
    rng = np.random.default_rng(seed)
    rows, weights, means = (torch.from_numpy(rng.normal(size=(n, 7))) for n in (5, 3, 3))
    weights -= weights.mean(0)  # as a softmax leaves them: of rank 2
    target = torch.from_numpy(rng.integers(0, 3, 5))
    coordinates = class_coordinates(weights, means)
    moved = set_to_class(rows, weights, coordinates, target)
    torch.testing.assert_close(moved @ weights.T, coordinates[target])
    # What is moved lies in the span of the weights: it is the shortest move there is.
    step = moved - rows
    span = torch.linalg.pinv(weights) @ weights
    torch.testing.assert_close(step @ span, step)
    one = set_to_class(rows, weights, coordinates, 1)
    torch.testing.assert_close(one[target == 1], moved[target == 1])


def test_a_fitted_probe_says_the_target():
    rng = np.random.default_rng(0)
    answer = np.arange(90) % 3
    rows = torch.from_numpy(rng.normal(size=(90, 1, 5)) + np.eye(5)[answer][:, None] * 3).float()
    answers, scenes = ["a", "b", "c"], [str(k) for k in range(90)]
    probe = fit_probe(rows, answer, scenes=scenes, answers=answers)
    weights = probe.directions[0]
    coordinates = class_coordinates(weights, probe.class_means[0])
    for target in range(3):
        moved = set_to_class(rows[:, 0], weights, coordinates, target)
        assert (probe.log_probs(moved[:, None], scenes=None)[:, 0].argmax(-1) == target).all()


def test_random_displacements_vary_as_natural_states_do():
    rng = np.random.default_rng(1)
    spread = torch.tensor([4.0, 2.0, 1.0, 0.0])
    natural = torch.from_numpy(rng.normal(size=(2000, 4))).float() * spread + 5
    norms = torch.tensor([1.0, 3.0])
    drawn = random_displacements(natural, norms, rng, 4000)
    assert drawn.shape == (4000, 2, 4)
    torch.testing.assert_close(drawn.norm(dim=-1), norms.expand(4000, 2))
    assert (drawn[..., 3] == 0).all()
    sizes = drawn[:, 0].square().mean(0).sqrt()
    assert sizes[0] / sizes[1] > 1.3
    assert sizes[1] / sizes[2] > 1.3
    assert drawn.mean(0).abs().max() < 0.15
    again = random_displacements(natural, norms, np.random.default_rng(7), 2)
    assert torch.equal(again, random_displacements(natural, norms, np.random.default_rng(7), 2))


def test_distance_from_natural_states():
    rng = np.random.default_rng(2)
    natural, more = (torch.from_numpy(rng.normal(size=(400, 3))) for _ in range(2))
    assert distance_from_natural(more, natural).median() == pytest.approx(1, abs=0.15)
    assert (distance_from_natural(natural, natural) == 0).all()
    assert distance_from_natural(more + 50, natural).min() > 50
    # The same passes run twice differ by rounding, and are no neighbours of each other.
    twice = torch.cat([natural, natural + 1e-7])
    torch.testing.assert_close(
        distance_from_natural(more, twice), distance_from_natural(more, natural),
        rtol=1e-3, atol=1e-3,
    )  # fmt: skip


def test_bad_input():
    rows, weights, coordinates = torch.ones(2, 4), torch.ones(3, 4), torch.ones(3, 3)
    with pytest.raises(UserError, match="must be a class from 0 to 2, got 3"):
        set_to_class(rows, weights, coordinates, 3)
    with pytest.raises(UserError, match="3 directions: take all from one layer"):
        set_to_class(rows, weights, coordinates[:, 1:], 0)
    rng = np.random.default_rng(0)
    with pytest.raises(UserError, match="at least 2 different states, got 2"):
        random_displacements(rows, torch.ones(1), rng, 1)
    with pytest.raises(UserError, match="at least 2 natural states that differ, got 2"):
        distance_from_natural(rows, rows)
    with pytest.raises(UserError, match="at least 2 natural states that differ, got 1"):
        distance_from_natural(rows, rows[:1])
