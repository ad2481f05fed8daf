"""DoLa: against the paper's equations written out, and what it does with layers that agree."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from data_prep.errors import UserError
from probes.decoding import dola
from tests.probes.decoding.cases import (
    N_ITEMS,
    N_LAYERS,
    N_TOKENS,
    fixed,
    rows,
    same,
    softmax,
    stacks,
)


def divergence(p, q):
    """D(p || q) in bits."""
    return sum(a * math.log2(a / b) for a, b in zip(p, q, strict=True) if a > 0)


def reference_dola(layers, final, cutoff):
    logits, chosen, bits = np.full(final.shape, -math.inf), [], []
    for item in range(len(final)):
        q = softmax(final[item])
        found = []
        for layer in layers[item]:
            p = softmax(layer)
            mean = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
            found.append((divergence(q, mean) + divergence(p, mean)) / 2)
        chosen.append(max(range(len(found)), key=found.__getitem__))
        bits.append(max(found))
        premature = softmax(layers[item][chosen[-1]])
        for token in range(len(q)):
            if q[token] >= cutoff * max(q) and q[token] > 0:
                logits[item, token] = math.log(q[token] / premature[token])
    return logits, chosen, bits


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("cutoff", [0.0, 0.1, 0.5])
def test_dola_is_the_formula(cutoff, masked):
    layers = fixed(N_ITEMS, N_LAYERS, N_TOKENS, seed=2, masked=masked)
    final = fixed(N_ITEMS, N_TOKENS, seed=3, masked=masked)
    logits, chosen, bits = reference_dola(layers.numpy(), final.numpy(), cutoff)
    found = dola(layers, final, cutoff=cutoff)
    same(found.logits, logits)
    same(found.divergence_bits, bits)
    assert found.layer.tolist() == chosen
    assert len(set(chosen)) > 1  # items have layers of their own


def test_dola_by_hand():
    final = torch.tensor([1 / 2, 1 / 4, 1 / 4]).log()
    other = torch.tensor([1 / 4, 1 / 4, 1 / 2]).log()
    # The mean is (3/8, 1/4, 3/8): D = 1/2 log2 4/3 + 1/4 log2 2/3 = 0.0613 bits from either side.
    # The ratios of the probabilities are 2, 1 and 1/2.
    found = dola(torch.stack([final, other, final]), final, cutoff=0.1)
    assert found.layer.item() == 1
    assert found.divergence_bits.item() == pytest.approx(0.0613, abs=5e-5)
    torch.testing.assert_close(found.logits.exp(), torch.tensor([2.0, 1.0, 0.5]))
    # 1/4 is less than 0.6 * 1/2
    assert dola(other[None], final, cutoff=0.6).logits[1:].tolist() == [-math.inf, -math.inf]


@given(stacks, rows)
def test_layers_that_agree_leave_the_plausible_tokens_equal(layers, final):
    plain = torch.from_numpy(final)
    agreeing = plain[:, None].expand(-1, N_LAYERS, -1)
    found = dola(agreeing, plain, cutoff=0.1)
    assert found.layer.tolist() == [0, 0]
    assert set(found.logits.flatten().tolist()) <= {0.0, -math.inf}


@given(stacks, rows, st.floats(-5, 5))
def test_constants_change_nothing(layers, final, constant):
    one, two = torch.from_numpy(layers).double(), torch.from_numpy(final).double()
    plain = dola(one, two, cutoff=0.0)
    moved = dola(one + constant * torch.arange(N_LAYERS)[:, None], two - constant, cutoff=0.0)
    torch.testing.assert_close(moved.divergence_bits, plain.divergence_bits, rtol=0, atol=1e-9)
    same_layer = moved.layer == plain.layer  # equals may change places
    torch.testing.assert_close(
        moved.logits[same_layer], plain.logits[same_layer], rtol=0, atol=1e-9
    )


def test_an_item_alone_and_within_a_batch_of_any_shape():
    layers, final = fixed(2, 3, N_LAYERS, N_TOKENS), fixed(2, 3, N_TOKENS, seed=4)
    found, alone = dola(layers, final, cutoff=0.1), dola(layers[1, 2], final[1, 2], cutoff=0.1)
    assert torch.equal(found.logits[1, 2], alone.logits)
    assert found.layer[1, 2] == alone.layer


def test_nothing_given_is_changed():
    layers, final = fixed(2, N_LAYERS, N_TOKENS), fixed(2, N_TOKENS, seed=1)
    before = layers.clone(), final.clone()
    dola(layers, final, cutoff=0.1)
    assert torch.equal(layers, before[0])
    assert torch.equal(final, before[1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cutoff": 2.0}, "cutoff within"),
        ({"layers": torch.zeros(0, 2)}, "at least 1 layer"),
        ({"layers": torch.full((3, 2), math.nan)}, "layers without NaN .* got 3 rows"),
        ({"final": torch.tensor([math.nan, 0.0])}, "final without NaN"),
        ({"layers": torch.zeros(3, 2).double()}, "layers in torch.float32"),
    ],
)
def test_bad_input_is_named(change, words):
    given_ = {"layers": torch.zeros(3, 2), "final": torch.zeros(2), "cutoff": 0.1} | change
    with pytest.raises(UserError, match=words):
        dola(**given_)
