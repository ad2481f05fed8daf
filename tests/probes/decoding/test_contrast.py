"""Contrast and M3ID: against the formulas written out token by token, and what they must not do."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from data_prep.errors import UserError
from probes.decoding import contrast, m3id
from tests.probes.decoding.cases import N_ITEMS, N_TOKENS, fixed, rows, same, softmax

strengths = st.floats(0, 4)


def reference_contrast(logits, other, strength):
    out = np.full(logits.shape, -math.inf)
    for item in range(len(logits)):
        for token in range(logits.shape[1]):
            if logits[item, token] > -math.inf:
                out[item, token] = (1 + strength) * logits[item, token]
                out[item, token] -= strength * other[item, token]
    return out


def reference_m3id(logits, other, forgetting, step, confident):
    gamma = math.exp(-forgetting * step)
    out = np.array(logits)
    for item in range(len(logits)):
        if math.log(max(softmax(logits[item]))) < math.log(confident):
            for token in range(logits.shape[1]):
                if logits[item, token] > -math.inf:
                    gain = logits[item, token] - other[item, token]
                    out[item, token] = logits[item, token] + (1 - gamma) / gamma * gain
    return out


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("strength", [0.1, 0.5, 1.0, 3.0])
def test_contrast_is_the_formula(strength, masked):
    logits, other = (fixed(N_ITEMS, N_TOKENS, seed=seed, masked=masked) for seed in (1, 2))
    expected = reference_contrast(logits.numpy(), other.numpy(), strength)
    same(contrast(logits, other, strength=strength), expected)


def test_contrast_by_hand():
    # 1.5 * 2 - 0.5 * 1 = 2.5 and 1.5 * 0 - 0.5 * 3 = -1.5
    found = contrast(torch.tensor([2.0, 0.0]), torch.tensor([1.0, 3.0]), strength=0.5)
    assert found.tolist() == [2.5, -1.5]


@given(rows, rows)
def test_no_strength_gives_the_logits_bit_for_bit(logits, other):
    plain = torch.from_numpy(logits)
    found = contrast(plain, torch.from_numpy(other), strength=0.0)
    assert found.numpy().tobytes() == logits.tobytes()
    assert found.data_ptr() != plain.data_ptr()


@given(rows, rows, strengths, st.floats(-5, 5))
def test_a_constant_changes_no_probability(logits, other, strength, constant):
    one, two = (torch.from_numpy(each).double() for each in (logits, other))
    plain = contrast(one, two, strength=strength).softmax(-1)
    moved = contrast(one + constant, two - 2 * constant, strength=strength).softmax(-1)
    torch.testing.assert_close(moved, plain, rtol=1e-9, atol=1e-12)


def test_nothing_given_is_changed():
    logits, other = fixed(N_ITEMS, N_TOKENS), fixed(N_ITEMS, N_TOKENS, seed=1)
    before = logits.clone(), other.clone()
    contrast(logits, other, strength=1.0)
    m3id(logits, other, forgetting=0.02, step=9, confident=1.0)
    assert torch.equal(logits, before[0])
    assert torch.equal(other, before[1])


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("step", [0, 1, 40])
@pytest.mark.parametrize("confident", [0.3, 0.5, 0.9])
def test_m3id_is_the_formula(step, confident, masked):
    logits, other = (fixed(N_ITEMS, N_TOKENS, seed=seed, masked=masked) for seed in (3, 4))
    expected = reference_m3id(logits.numpy(), other.numpy(), 0.02, step, confident)
    same(m3id(logits, other, forgetting=0.02, step=step, confident=confident), expected)


def test_the_fixed_items_lie_on_both_sides_of_the_gate():
    largest = fixed(N_ITEMS, N_TOKENS, seed=3).softmax(-1).amax(-1)
    assert largest.min() < 0.5 < largest.max()


def test_m3id_by_hand():
    # g = exp(-log 2) = 1/2, so the weight is 1: 0.5 + (0.5 - 2) = -1
    logits, blind = torch.tensor([0.0, 0.5]), torch.tensor([0.0, 2.0])
    found = m3id(logits, blind, forgetting=math.log(2), step=1, confident=0.9)
    torch.testing.assert_close(found, torch.tensor([0.0, -1.0]))
    # The larger probability is e^0.5 / (1 + e^0.5) = 0.62: at a threshold of 0.6 it is sure.
    assert torch.equal(m3id(logits, blind, forgetting=1.0, step=1, confident=0.6), logits)


def test_m3id_on_log_probabilities_gives_the_same_probabilities():
    """The paper has log-probabilities, we have logits."""
    logits, other = fixed(N_ITEMS, N_TOKENS, seed=3), fixed(N_ITEMS, N_TOKENS, seed=4)
    settings = {"forgetting": 0.1, "step": 7, "confident": 0.9}
    found = m3id(logits, other, **settings).softmax(-1)
    ours = m3id(logits.log_softmax(-1), other.log_softmax(-1), **settings).softmax(-1)
    torch.testing.assert_close(found, ours)


@given(rows, rows, st.integers(0, 100), st.floats(0, 0.1))
def test_m3id_at_the_start_or_where_nothing_is_forgotten(logits, other, step, forgetting):
    one, two = torch.from_numpy(logits), torch.from_numpy(other)
    for settings in ((0.0, step), (forgetting, 0)):
        found = m3id(one, two, forgetting=settings[0], step=settings[1], confident=1.0)
        assert found.numpy().tobytes() == logits.tobytes()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"strength": -0.1}, "strength of at least 0, got -0.1"),
        ({"strength": math.nan}, "got nan"),
        ({"strength": math.inf}, "got inf"),
        ({"logits": torch.tensor([math.nan, 0.0])}, "logits without NaN .* got 1 rows"),
        ({"logits": torch.tensor([math.inf, 0.0])}, "without NaN and plus infinity"),
        ({"logits": torch.tensor([-math.inf, -math.inf])}, "token that is not masked"),
        ({"logits": torch.tensor([-math.inf, 0.0])}, "reference to be minus infinity at the same"),
        ({"logits": torch.zeros(2, dtype=torch.bfloat16)}, r"bfloat16: pass logits\.float"),
        ({"reference": torch.tensor([math.nan, 0.0])}, "reference without NaN"),
        ({"reference": torch.zeros(2, dtype=torch.float64)}, "reference in torch.float32"),
    ],
)
def test_bad_input_of_contrast_is_named(change, words):
    given_ = {"logits": torch.zeros(2), "reference": torch.zeros(2), "strength": 1.0} | change
    with pytest.raises(UserError, match=words):
        contrast(**given_)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"step": -1}, r"within 0\.\.50, got 0.02 \* -1"),
        ({"step": 10_000}, "forget more slowly"),
        ({"forgetting": -0.02}, "forgetting of at least 0"),
        ({"confident": 1.5}, r"confident within 0\.\.1, got 1.5"),
        ({"without_image": torch.tensor([math.nan, 0.0])}, "without NaN"),
    ],
)
def test_bad_input_of_m3id_is_named(change, words):
    settings = {"forgetting": 0.02, "step": 1, "confident": 0.3}
    given_ = {"logits": torch.zeros(2), "without_image": torch.zeros(2)} | settings | change
    with pytest.raises(UserError, match=words):
        m3id(**given_)
