"""Scores of items: exact values, and properties of proper scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.scores import item_scores, scores_by_answer


def log_probs(seed, n_answers=4):
    rng = np.random.default_rng(seed)
    return np.log2(rng.dirichlet(np.ones(n_answers), size=(5, 3)).astype(np.float32))


def test_exact_values():
    p = np.log2(np.array([[[0.5, 0.25, 0.25]]]))
    right, wrong = item_scores(p, np.array([0])), item_scores(p, np.array([2]))
    assert (right.bits.item(), right.correct.item()) == (-1, 1)
    assert right.brier.item() == pytest.approx(0.25 + 2 * 0.25**2)
    assert (wrong.bits.item(), wrong.correct.item()) == (-2, 0)
    assert wrong.brier.item() == pytest.approx(0.5**2 + 0.25**2 + 0.75**2)


@given(st.integers(0, 2**31))
def test_by_answer_holds_the_items_scores(seed):
    p = log_probs(seed)
    answer = np.random.default_rng(seed).integers(0, 4, 5)
    table, own = scores_by_answer(p), item_scores(p, answer)
    for item in range(5):
        for name in ("bits", "correct", "brier"):
            wanted = getattr(table, name)[item, answer[item]]
            np.testing.assert_array_equal(getattr(own, name)[item], wanted)


@given(st.integers(0, 2**31))
def test_one_answer_is_the_most_probable_and_ranges_hold(seed):
    table = scores_by_answer(log_probs(seed))
    np.testing.assert_array_equal(table.correct.sum(axis=1), 1)
    assert (table.bits <= 0).all()
    assert ((table.brier >= 0) & (table.brier <= 2)).all()


@given(st.integers(0, 2**31))
def test_brier_is_proper(seed):
    """Expected over answers drawn from p, no other distribution scores better than p."""
    p, q = log_probs(seed), log_probs(seed + 1)
    weight = np.exp2(p).swapaxes(1, 2)
    honest = (weight * scores_by_answer(p).brier).sum(axis=1)
    other = (weight * scores_by_answer(q).brier).sum(axis=1)
    assert (honest <= other + 1e-5).all()


@pytest.mark.parametrize("answer", [[0, 0, 0, 0, 4], [-1, 0, 0, 0, 0], [0, 0]])
def test_refuses_an_answer_out_of_range(answer):
    with pytest.raises(ValueError, match=r"one answer index in 0..3 for each of 5 items"):
        scores_by_answer(log_probs(0)).of(np.array(answer))
