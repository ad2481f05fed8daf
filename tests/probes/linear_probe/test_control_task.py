"""Control labels belong to types; a probe that reads is selective, one that learns is not."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from data_prep.errors import UserError
from probes.linear_probe.control_task import control_labels, selectivity
from probes.linear_probe.cross_fit import cross_fit
from probes.scores import item_scores
from tests.probes.linear_probe.made_up import ANSWERS, planted

kinds = st.lists(st.sampled_from("abcdefgh"), min_size=8, max_size=60).filter(
    lambda drawn: len(set(drawn)) >= 3
)


def labels_of(types, seed: int = 0) -> np.ndarray:
    answer = np.arange(len(types)) % 3
    return control_labels(types, answer, n_answers=3, rng=np.random.default_rng(seed))


@given(kinds, st.integers(0, 100), st.randoms(use_true_random=False))
def test_one_label_a_type_all_labels_used_and_no_order(types, seed, random):
    labels = labels_of(types, seed)
    assert len(set(zip(types, labels.tolist(), strict=True))) == len(set(types))
    assert set(labels.tolist()) == {0, 1, 2}
    order = random.sample(range(len(types)), len(types))
    shuffled = control_labels(
        [types[row] for row in order],
        (np.arange(len(types)) % 3)[order],
        n_answers=3,
        rng=np.random.default_rng(seed),
    )
    np.testing.assert_array_equal(shuffled, labels[order])


def test_keeps_the_frequencies_of_the_task():
    types = [str(number) for number in range(3000)]
    answer = np.array([0] * 2000 + [1] * 900 + [2] * 100)
    labels = control_labels(types, answer, n_answers=3, rng=np.random.default_rng(0))
    np.testing.assert_allclose(np.bincount(labels), [2000, 900, 100], atol=1)


def test_few_types_of_unequal_size_come_near_the_frequencies():
    types = np.repeat([f"type {number}" for number in range(20)], np.arange(5, 45, 2))
    answer = np.arange(len(types)) % 3
    for seed in range(20):
        labels = control_labels(
            types.tolist(), answer, n_answers=3, rng=np.random.default_rng(seed)
        )
        share = np.bincount(labels) / len(types)
        assert np.abs(share - 1 / 3).max() < 0.06


def test_refuses_fewer_types_than_answers():
    with pytest.raises(UserError, match=r"as many types of input as answers \(3\), got 2"):
        labels_of(["a", "b"] * 5)


def correct(residuals, answer, scenes) -> np.ndarray:
    found = cross_fit(
        residuals, answer, scenes=scenes, answers=ANSWERS, inverse_penalties=(1e-3, 1e-1)
    )
    return item_scores(found.log_probs(residuals, scenes=scenes), answer).correct


def test_selectivity_is_near_zero_for_random_features_and_large_for_a_signal():
    residuals, answer, scenes = planted(at=[1], n_scenes=400, n_layers=2)
    types = [f"text {number % 7}, {kind}" for number, kind in enumerate(answer)]
    control = control_labels(types, answer, n_answers=3, rng=np.random.default_rng(1))
    gained = selectivity(correct(residuals, answer, scenes), correct(residuals, control, scenes))
    assert abs(gained[:, 0].mean()) < 3 * np.sqrt(2 * (2 / 9) / 400)
    assert gained[:, 1].mean() > 0.3


def test_selectivity_is_near_zero_where_the_type_itself_can_be_read():
    rng = np.random.default_rng(0)
    kind = rng.integers(9, size=400)
    residuals = torch.eye(9)[torch.from_numpy(kind)][:, None] + 0.1 * torch.randn(
        400, 1, 9, generator=torch.manual_seed(0)
    )
    answer = kind % 3
    control = control_labels([str(k) for k in kind], answer, n_answers=3, rng=rng)
    scenes = [str(number) for number in range(400)]
    gained = selectivity(correct(residuals, answer, scenes), correct(residuals, control, scenes))
    assert abs(gained.mean()) < 0.02
