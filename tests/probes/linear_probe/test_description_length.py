"""Exact small cases of the online code, and what it must be able to tell apart."""

import numpy as np
import pytest
import torch

from data_prep.errors import UserError
from probes.linear_probe.description_length import _mixture_bits, online_code
from tests.probes.linear_probe.made_up import ANSWERS, planted


def coded(residuals, answer, scenes, **options):
    options = {"answers": ANSWERS, "rng": np.random.default_rng(0), "n_orders": 1, **options}
    return online_code(residuals, answer, scenes=scenes, **options)


@pytest.fixture
def in_order(monkeypatch):
    """Scenes are sent in the order of their names."""

    class InOrder(np.random.Generator):
        def permutation(self, x, axis=0):
            return np.arange(x)

    return InOrder(np.random.PCG64(0))


def test_without_features_it_is_the_code_of_running_frequencies(in_order):
    # Sent in the order of names: 0 1 | 0 1 | 0 0 0 1, blocks doubling from two scenes on.
    answer = np.array([0, 1, 0, 1, 0, 0, 0, 1])
    names = [f"s{number}" for number in range(8)]
    found = coded(torch.ones(8, 2, 3), answer, names, answers=("yes", "no"), rng=in_order)
    assert found.ends == ((2, 4, 8),)
    # The first two by the uniform code, then halves known from two and from four items.
    np.testing.assert_allclose(found.bits, 2 + 2 + 4, rtol=1e-6)
    assert found.uniform_bits == 8
    np.testing.assert_allclose(found.compression, 1, rtol=1e-6)


def test_uneven_frequencies_are_learned_from_what_was_sent(in_order):
    answer = np.array([0, 0, 0, 1, 0, 0, 0, 1])
    names = [f"s{number}" for number in range(8)]
    found = coded(torch.zeros(8, 1, 2), answer, names, answers=("yes", "no"), rng=in_order)
    # Uniform until both have been seen; then 3/4 and 1/4.
    assert found.ends == ((4, 8),)
    np.testing.assert_allclose(found.bits, 4 - 3 * np.log2(0.75) + 2, rtol=1e-6)


def test_the_mixture_of_penalties_is_that_of_their_codes():
    parted = _mixture_bits(np.array([[[4.0, 6.0], [7.0, 5.0]]]))
    np.testing.assert_allclose(parted.sum(axis=-1), [10 - np.log2(0.625)])
    # Weights 0.8 and 0.2: what the items cost under them differs by 1.2 bits.
    np.testing.assert_allclose(parted[0, 1] - parted[0, 0], 0.8 * 2 - 0.2 * 2)
    huge = _mixture_bits(np.array([[1e5, 2e5, 3e5, 4e5]])[..., None])
    np.testing.assert_allclose(huge, [[1e5 + 2]])


def test_scenes_are_sent_whole():
    residuals, answer, scenes = planted(n_scenes=40, items_per_scene=3, n_layers=1)
    ends = coded(residuals, answer, scenes, n_orders=4).ends
    assert len(ends) == 4
    assert all(end % 3 == 0 for each in ends for end in each)


def test_the_length_is_the_mean_over_orders_of_those_of_each():
    residuals, answer, scenes = planted(at=[0], n_scenes=60, n_layers=1)
    together = coded(residuals, answer, scenes, n_orders=3, rng=np.random.default_rng(4))
    rng = np.random.default_rng(4)
    alone = [coded(residuals, answer, scenes, rng=rng) for _ in range(3)]
    np.testing.assert_array_equal(
        together.item_bits, np.concatenate([each.item_bits for each in alone])
    )
    np.testing.assert_allclose(together.bits, np.mean([each.bits for each in alone], axis=0))
    assert np.ptp([each.bits for each in alone]) > 0.5


def test_compresses_a_signal_and_nothing_else():
    residuals, answer, scenes = planted(at=[1], n_scenes=250, n_layers=2)
    found = coded(residuals, answer, scenes)
    assert found.compression[1] > 1.5
    # Noise costs: the code must not be shorter than the uniform one by more than luck.
    assert 0.85 < found.compression[0] < 1.03


def test_a_signal_that_is_harder_to_learn_takes_more_bits():
    strong, answer, scenes = planted(at=[0], n_scenes=250, n_layers=1, strength=4)
    weak, _, _ = planted(at=[0], n_scenes=250, n_layers=1, strength=1)
    assert coded(strong, answer, scenes).bits < coded(weak, answer, scenes).bits


def test_refuses_an_answer_that_never_occurs():
    residuals, answer, scenes = planted(n_scenes=40, n_layers=1)
    with pytest.raises(UserError, match="every one of the 3 answers must occur, only 2 do"):
        coded(residuals, answer % 2, scenes)
