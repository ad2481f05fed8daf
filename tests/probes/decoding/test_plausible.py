"""The plausibility cut: against probabilities written out, and which largest it takes."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from data_prep.errors import UserError
from probes.decoding import contrast, cut_implausible, plausible
from tests.probes.decoding.cases import N_ITEMS, N_TOKENS, fixed, rows, same, softmax


def reference_cut(scores, logits, cutoff, among):
    out = np.array(scores)
    for item in range(len(logits)):
        p = softmax(logits[item])
        largest = max(p[token] for token in among)
        for token in range(len(p)):
            if p[token] < cutoff * largest:
                out[item, token] = -math.inf
    return out


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("among", [None, [0, 3], [5]])
@pytest.mark.parametrize("cutoff", [0.0, 0.01, 0.1, 0.5, 0.99])
def test_the_cut_is_the_formula(cutoff, among, masked):
    logits = fixed(N_ITEMS, N_TOKENS, seed=5, masked=masked)
    scores = contrast(logits, fixed(N_ITEMS, N_TOKENS, seed=6, masked=masked), strength=1.0)
    tokens = None if among is None else torch.tensor(among)
    found = cut_implausible(scores, logits, cutoff=cutoff, among=tokens)
    same(found, reference_cut(scores.numpy(), logits.numpy(), cutoff, among or range(N_TOKENS)))


def test_the_cut_by_hand():
    logits = torch.tensor([0.5, 0.3, 0.2]).log()
    # 0.5 * 0.5 = 0.25: a probability of 0.2 is too small, however high the score.
    found = cut_implausible(torch.tensor([0.0, 1.0, 9.0]), logits, cutoff=0.5)
    assert found.tolist() == [0.0, 1.0, -math.inf]
    # Among the last two the largest is 0.3, and 0.5 * 0.3 = 0.15: all stay.
    among = torch.tensor([1, 2])
    assert plausible(logits, cutoff=0.5, among=among).tolist() == [True, True, True]


@given(rows, st.floats(0, 1), st.floats(-5, 5))
def test_the_largest_is_always_plausible_and_a_constant_changes_nothing(logits, cutoff, constant):
    plain = torch.from_numpy(logits).double()
    keep = plausible(plain, cutoff=cutoff)
    assert keep.gather(-1, plain.argmax(-1, keepdim=True)).all()
    # Tokens at the very edge aside, which rounding may move.
    edge = (plain - plain.amax(-1, keepdim=True)).exp() - cutoff
    assert ((keep == plausible(plain + constant, cutoff=cutoff)) | (edge.abs() < 1e-9)).all()


def test_the_ends_of_the_cut():
    logits = fixed(N_ITEMS, N_TOKENS, masked=True)
    assert plausible(logits, cutoff=0.0).sum(-1).tolist() == [N_TOKENS - 1] * N_ITEMS
    assert plausible(logits, cutoff=1.0).sum(-1).tolist() == [1] * N_ITEMS


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cutoff": -0.1}, r"cutoff within 0\.\.1, got -0.1"),
        ({"cutoff": 1.1}, "got 1.1"),
        ({"cutoff": math.nan}, "got nan"),
        ({"among": torch.tensor([], dtype=torch.int64)}, "at least 1 token"),
        ({"among": torch.tensor([0, 2])}, r"within 0\.\.1, got 0\.\.2"),
        ({"among": torch.tensor([-1])}, r"got -1\.\.-1"),
        ({"logits": torch.tensor([0.0, -math.inf]), "among": torch.tensor([1])}, "the chosen"),
        ({"logits": torch.tensor([math.nan, 0.0])}, "without NaN"),
    ],
)
def test_bad_input_is_named(change, words):
    with pytest.raises(UserError, match=words):
        plausible(**({"logits": torch.zeros(2), "cutoff": 0.1} | change))


def test_scores_that_are_not_of_the_logits():
    with pytest.raises(UserError, match=r"scores in torch\.float32"):
        cut_implausible(torch.zeros(2, dtype=torch.float64), torch.zeros(2), cutoff=0.1)
