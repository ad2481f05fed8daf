"""The lens: one-pass summaries over the vocabulary, against the plain computation."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from probes import logit_lens
from probes.divergence import kl_bits
from probes.logit_lens import lens_summaries
from probes.unembedding import FinalNorm, Unembedding

N_VOCAB, D_MODEL = 37, 6


def draw(seed, *, n_items=3, n_layers=4, sharp=1.0):
    generator = torch.Generator().manual_seed(seed)
    residuals = torch.randn(n_items, n_layers, D_MODEL, generator=generator)
    norm = FinalNorm(kind="rms", weight=torch.ones(D_MODEL), bias=None, eps=1e-6)
    head = sharp * torch.randn(N_VOCAB, D_MODEL, generator=generator)
    bias = torch.randn(N_VOCAB, generator=generator)
    return residuals, Unembedding(norm=norm, head=head, bias=bias, scale=1.0, soft_cap=None)


draws = st.builds(draw, st.integers(0, 2**31), sharp=st.floats(0.05, 15))


@given(draws, st.integers(1, 50))
def test_summaries_are_those_of_the_full_distribution(case, chunk):
    residuals, unembedding = case
    log_p = unembedding.logits(residuals).double().log_softmax(-1)
    got = lens_summaries(residuals, unembedding, k=5, chunk=chunk)
    entropy = -(log_p.exp() * log_p).sum(-1) / math.log(2)
    missing = kl_bits(log_p[:, -1:].expand_as(log_p), log_p)
    np.testing.assert_allclose(got.entropy_bits, entropy, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(got.kl_to_final_bits, missing, rtol=1e-4, atol=1e-5)
    top = log_p.exp().topk(5)
    np.testing.assert_allclose(got.probabilities, top.values, rtol=1e-4, atol=1e-6)
    chosen = log_p.exp().gather(-1, torch.from_numpy(got.token_ids))
    np.testing.assert_allclose(chosen, top.values, rtol=1e-4, atol=1e-6)


@given(draws)
def test_kl_is_at_least_zero_and_zero_at_the_last_layer(case):
    got = lens_summaries(*case, k=1, chunk=8).kl_to_final_bits
    assert (got >= 0).all()
    assert (got[:, -1] == 0).all()


@given(draws, st.floats(-200, 200))
def test_a_shift_of_all_logits_changes_nothing(case, shift):
    residuals, unembedding = case
    shifted = replace(unembedding, bias=unembedding.bias + shift)

    def same(one, other):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=2e-3)

    one = lens_summaries(residuals, shifted, k=3, chunk=10)
    other = lens_summaries(residuals, unembedding, k=3, chunk=10)
    same(one.entropy_bits, other.entropy_bits)
    same(one.kl_to_final_bits, other.kl_to_final_bits)
    same(one.probabilities, other.probabilities)


def test_blocks_of_items_do_not_matter(monkeypatch):
    residuals, unembedding = draw(1, n_items=11)
    whole = lens_summaries(residuals, unembedding, k=3)
    monkeypatch.setattr(logit_lens, "_BLOCK_LOGITS", 2 * 4 * N_VOCAB)
    parts = lens_summaries(residuals, unembedding, k=3)
    np.testing.assert_array_equal(parts.token_ids, whole.token_ids)
    np.testing.assert_allclose(parts.kl_to_final_bits, whole.kl_to_final_bits, atol=1e-5)


def test_the_last_layer_of_a_model_is_its_own_answer(vlm, images, questions, residuals):
    own = vlm.answer_logits(images, questions).softmax(-1)
    summaries = lens_summaries(residuals, vlm.unembedding, k=3, chunk=100)
    np.testing.assert_array_equal(summaries.token_ids[:, -1], own.topk(3).indices)


@pytest.mark.parametrize(("k", "chunk"), [(0, 8), (N_VOCAB + 1, 8), (3, 0)])
def test_refuses_a_rank_or_chunk_out_of_range(k, chunk):
    with pytest.raises(ValueError, match=f"need 1 <= k <= {N_VOCAB} and chunk >= 1"):
        lens_summaries(*draw(0), k=k, chunk=chunk)
