"""SLED: against the paper's two phases written out, with a vector for every candidate truth."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from data_prep.errors import UserError
from probes.decoding import sled
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


def reference_sled(layers, final, rate, scale, temperature=1.0):
    out = np.full(final.shape, -math.inf)
    for item in range(len(final)):
        top = sorted(range(final.shape[1]), key=lambda token: -final[item, token])[:scale]
        there = [token for token in range(final.shape[1]) if final[item, token] > -math.inf]
        latents, sums = [], []
        for layer in layers[item]:
            p = np.array(softmax([each / temperature for each in layer]))[there]
            course = layer[there] - final[item][there]
            weights = []
            for token in top:
                gradient = p - np.array([float(each == token) for each in there])
                lengths = np.linalg.norm(course) * np.linalg.norm(gradient)
                weights.append(max(course @ gradient / lengths, 0.0) ** 2)
            sums.append(sum(weights))
            latents.append([each / sum(weights) if sum(weights) else 0.0 for each in weights])
        shares = [each / sum(sums) for each in sums]
        q = softmax([each / temperature for each in final[item]])
        for rank, token in enumerate(top):
            latent = sum(s * each[rank] for s, each in zip(shares, latents, strict=True))
            out[item, token] = final[item, token] - rate / temperature * (q[token] - latent)
    return out


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("temperature", [1.0, 2.5])
@pytest.mark.parametrize(("rate", "scale"), [(2.0, 5), (0.5, 6), (1.75, 1), (3.0, 3)])
def test_sled_is_the_formula(rate, scale, temperature, masked):
    layers = fixed(N_ITEMS, N_LAYERS, N_TOKENS, seed=5, masked=masked)
    final = fixed(N_ITEMS, N_TOKENS, seed=6, masked=masked)
    expected = reference_sled(layers.numpy(), final.numpy(), rate, scale, temperature)
    found = sled(layers, final, rate=rate, scale=scale, temperature=temperature)
    same(found, expected)


def test_sled_by_hand():
    final = torch.tensor([0.0, 0.0])
    layers = torch.tensor([[-math.log(3), 0.0]])
    # P_layer is (1/4, 3/4), the course (-log 3, 0). If token 0 were the truth the gradient would be
    # (-3/4, 3/4): a cosine of 1/sqrt 2. For token 1 it would be (1/4, -1/4): negative, so 0.
    # So the latent distribution is (1, 0), and 0 - 2 * (1/2 - 1) = 1, 0 - 2 * (1/2 - 0) = -1.
    found = sled(layers, final, rate=2.0, scale=2)
    torch.testing.assert_close(found, torch.tensor([1.0, -1.0]))
    # With a second layer the other way round, and longer, the cosines are the same: nothing moves.
    both = torch.stack([layers[0], 2 * layers[0].flip(0)])
    torch.testing.assert_close(sled(both, final, rate=2.0, scale=2), final)


@given(stacks, rows, st.integers(1, N_TOKENS))
def test_no_rate_gives_the_logits_bit_for_bit(layers, final, scale):
    found = sled(torch.from_numpy(layers), torch.from_numpy(final), rate=0.0, scale=scale)
    assert found.numpy().tobytes() == final.tobytes()


@given(stacks, rows, st.floats(0.1, 3), st.floats(-5, 5))
def test_a_constant_added_to_all_adds_a_constant(layers, final, rate, constant):
    one, two = torch.from_numpy(layers).double(), torch.from_numpy(final).double()
    plain = sled(one, two, rate=rate, scale=N_TOKENS)
    moved = sled(one + constant, two + constant, rate=rate, scale=N_TOKENS)
    torch.testing.assert_close(moved, plain + constant, rtol=0, atol=1e-6)


@given(stacks, rows, st.floats(0.1, 3))
def test_what_evolves_keeps_its_sum(layers, final, rate):
    """Over the whole vocabulary both distributions add up to 1, so the step adds up to 0."""
    one, two = torch.from_numpy(layers).double(), torch.from_numpy(final).double()
    found = sled(one, two, rate=rate, scale=N_TOKENS)
    torch.testing.assert_close(found.sum(-1), two.sum(-1), rtol=0, atol=1e-9)


def test_layers_that_do_not_move_leave_the_logits():
    final = fixed(N_ITEMS, N_TOKENS)
    found = sled(final[:, None].expand(-1, N_LAYERS, -1), final, rate=2.0, scale=N_TOKENS)
    assert torch.equal(found, final)


@pytest.mark.parametrize("sure", [10.0, 30.0, 60.0])
def test_a_layer_that_is_sure_is_compared_as_well_in_single_precision(sure):
    """1 - p of its token is far below what a difference of float32 can tell from 0."""
    layers, final = fixed(1, 2, N_TOKENS, seed=1), fixed(1, N_TOKENS, seed=2)
    layers[..., 3] += sure
    wide = sled(layers, final, rate=2.0, scale=5)
    narrow = sled(layers.float(), final.float(), rate=2.0, scale=5)
    torch.testing.assert_close(narrow.double(), wide, rtol=0, atol=1e-5)


def test_an_item_alone_and_within_a_batch_of_any_shape():
    layers, final = fixed(2, 3, N_LAYERS, N_TOKENS), fixed(2, 3, N_TOKENS, seed=4)
    found = sled(layers, final, rate=2.0, scale=3)
    torch.testing.assert_close(found[1, 2], sled(layers[1, 2], final[1, 2], rate=2.0, scale=3))


def test_nothing_given_is_changed():
    layers, final = fixed(2, N_LAYERS, N_TOKENS), fixed(2, N_TOKENS, seed=1)
    before = layers.clone(), final.clone()
    sled(layers, final, rate=2.0, scale=3)
    assert torch.equal(layers, before[0])
    assert torch.equal(final, before[1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rate": -1.0}, "rate of at least 0"),
        ({"scale": 0}, r"scale within 1\.\.2, the vocabulary, got 0"),
        ({"scale": 3}, "got 3"),
        ({"temperature": 0.0}, "temperature above 0"),
        ({"layers": torch.zeros(0, 2)}, "at least 1 layer"),
        ({"layers": torch.full((3, 2), math.nan)}, "layers without NaN"),
        ({"final": torch.tensor([math.nan, 0.0])}, "final without NaN"),
    ],
)
def test_bad_input_is_named(change, words):
    settings = {"rate": 2.0, "scale": 2}
    given_ = {"layers": torch.zeros(3, 2), "final": torch.zeros(2)} | settings | change
    with pytest.raises(UserError, match=words):
        sled(**given_)
