"""DeCo: against the paper's steps written out, and what no strength must leave."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from data_prep.errors import UserError
from probes.decoding import deco
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


def reference_deco(layers, final, strength, top_p, top_k):
    logits, chosen, largest = np.full(final.shape, -math.inf), [], []
    for item in range(len(final)):
        p = softmax(final[item])
        candidates, mass = [], 0.0
        for token in sorted(range(len(p)), key=lambda token: -p[token]):
            if mass < top_p and len(candidates) < (top_k or len(p)):
                candidates.append(token)
                mass += p[token]
        best = (-1.0, 0)
        for number, layer in enumerate(layers[item]):
            q = softmax(layer)
            for token in candidates:
                if q[token] > best[0]:
                    best = (q[token], number)
        largest.append(best[0])
        chosen.append(best[1])
        for token in candidates:
            anchor = layers[item][best[1]][token]
            logits[item, token] = final[item, token] + strength * best[0] * anchor
    return logits, chosen, largest


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("top_p", "top_k"), [(0.9, 20), (0.5, None), (0.99, 2), (0.1, 1)])
@pytest.mark.parametrize("strength", [0.2, 0.6, 2.0])
def test_deco_is_the_formula(strength, top_p, top_k, masked):
    layers = fixed(N_ITEMS, N_LAYERS, N_TOKENS, seed=2, masked=masked)
    final = fixed(N_ITEMS, N_TOKENS, seed=3, masked=masked)
    expected = reference_deco(layers.numpy(), final.numpy(), strength, top_p, top_k)
    found = deco(layers, final, strength=strength, top_p=top_p, top_k=top_k)
    same(found.logits, expected[0])
    assert found.layer.tolist() == expected[1]
    assert len(set(expected[1])) > 1  # items have layers of their own
    same(found.probability, expected[2])


def test_deco_by_hand():
    final = torch.tensor([0.5, 0.3, 0.2]).log()
    layers = torch.tensor([[0.1, 0.6, 0.3], [0.2, 0.1, 0.7]]).log()
    # 0.5 is below 0.7 and 0.8 reaches it, so the candidates are 0 and 1. Token 2, surest of all
    # with 0.7, is none; so layer 0 is the anchor, with 0.6 for token 1.
    found = deco(layers, final, strength=0.5, top_p=0.7)
    assert found.layer.item() == 0
    # log 0.5 + 0.5 * 0.6 * log 0.1 = -1.3839 and log 0.3 + 0.3 * log 0.6 = -1.3572
    expected = torch.tensor([-1.3839, -1.3572, -math.inf])
    torch.testing.assert_close(found.logits, expected, rtol=0, atol=5e-5)
    assert found.logits.argmax() == 1  # and greedy decoding would have said 0
    assert deco(layers, final, strength=0.5, top_p=0.7, top_k=1).layer.item() == 1


@given(stacks, rows, st.floats(0.01, 1))
def test_no_strength_gives_the_logits_bit_for_bit(layers, final, top_p):
    found = deco(torch.from_numpy(layers), torch.from_numpy(final), strength=0.0, top_p=top_p)
    assert found.logits.numpy().tobytes() == final.tobytes()


@given(stacks, rows, st.floats(0.1, 2), st.floats(-5, 5))
def test_constants_change_no_probability(layers, final, strength, constant):
    one, two = torch.from_numpy(layers).double(), torch.from_numpy(final).double()
    plain = deco(one, two, strength=strength, top_p=1.0, top_k=3)
    moved = deco(one + constant, two - constant, strength=strength, top_p=1.0, top_k=3)
    kept = (moved.layer == plain.layer) & (moved.logits.isfinite() == plain.logits.isfinite()).all(
        -1
    )  # equals may change places
    torch.testing.assert_close(
        moved.logits[kept].softmax(-1), plain.logits[kept].softmax(-1), rtol=0, atol=1e-9
    )


def test_a_top_p_of_one_keeps_all_but_the_masked():
    layers = fixed(N_ITEMS, N_LAYERS, N_TOKENS, masked=True).float()
    final = fixed(N_ITEMS, N_TOKENS, seed=1, masked=True).float()
    found = deco(layers, final, strength=0.6, top_p=1.0)
    assert torch.equal(found.logits.isfinite(), final.isfinite())


def test_an_item_alone_and_within_a_batch_of_any_shape():
    layers, final = fixed(2, 3, N_LAYERS, N_TOKENS), fixed(2, 3, N_TOKENS, seed=4)
    found = deco(layers, final, strength=0.6, top_p=0.9)
    alone = deco(layers[1, 2], final[1, 2], strength=0.6, top_p=0.9)
    torch.testing.assert_close(found.logits[1, 2], alone.logits)
    assert found.layer[1, 2] == alone.layer


def test_nothing_given_is_changed():
    layers, final = fixed(2, N_LAYERS, N_TOKENS), fixed(2, N_TOKENS, seed=1)
    before = layers.clone(), final.clone()
    deco(layers, final, strength=0.6, top_p=0.9)
    assert torch.equal(layers, before[0])
    assert torch.equal(final, before[1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"strength": -1.0}, "strength of at least 0"),
        ({"top_p": 0.0}, "top_p above 0"),
        ({"top_p": 1.01}, "top_p within"),
        ({"top_k": 0}, "top_k of at least 1"),
        ({"layers": torch.zeros(0, 2)}, "at least 1 layer"),
        ({"layers": torch.full((3, 2), math.nan)}, "layers without NaN"),
        ({"final": torch.tensor([math.nan, 0.0])}, "final without NaN"),
    ],
)
def test_bad_input_is_named(change, words):
    settings = {"strength": 0.6, "top_p": 0.9}
    given_ = {"layers": torch.zeros(3, 2), "final": torch.zeros(2)} | settings | change
    with pytest.raises(UserError, match=words):
        deco(**given_)
