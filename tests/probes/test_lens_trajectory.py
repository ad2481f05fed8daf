"""The lens from layer to layer in two passes over chunks, against the plain computation."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from probes import kept_logits
from probes.divergence import kl_bits
from probes.lens_trajectory import lens_trajectory
from probes.logit_lens import lens_summaries
from probes.unembedding import FinalNorm, Unembedding

D_MODEL = 6


def draw(seed, *, n_items=3, n_layers=4, n_vocab=150, sharp=1.0):
    generator = torch.Generator().manual_seed(seed)
    residuals = torch.randn(n_items, n_layers, D_MODEL, generator=generator)
    norm = FinalNorm(kind="rms", weight=torch.ones(D_MODEL), bias=None, eps=1e-6)
    head = sharp * torch.randn(n_vocab, D_MODEL, generator=generator)
    bias = torch.randn(n_vocab, generator=generator)
    return residuals, Unembedding(norm=norm, head=head, bias=bias, scale=1.0, soft_cap=None)


cases = st.builds(
    draw,
    st.integers(0, 2**31),
    n_items=st.integers(1, 4),
    n_layers=st.integers(2, 5),
    n_vocab=st.integers(5, 400),
    sharp=st.floats(0.05, 15),
)


def jsd(p, q):
    """scipy's, of distributions along the last axis; it is a square root."""
    one, other = (np.moveaxis(np.asarray(each), -1, 0) for each in (p, q))
    with np.errstate(invalid="ignore"):  # of equal ones rounding makes it the root of less than 0
        squared = jensenshannon(one, other, base=2) ** 2
    return np.nan_to_num(squared)


@given(cases, st.integers(1, 500), st.integers(1, 5))
def test_all_is_as_by_the_plain_computation(case, chunk, k):
    residuals, unembedding = case
    log_p = unembedding.logits(residuals).double().log_softmax(-1)
    p = log_p.exp()
    got = lens_trajectory(residuals, unembedding, k=k, means=True, chunk=chunk)
    entropy = -(p * log_p).sum(-1) / math.log(2)
    np.testing.assert_allclose(got.entropy_bits, entropy, rtol=1e-5, atol=1e-5)
    missing = kl_bits(log_p[:, -1:].expand_as(log_p), log_p)
    np.testing.assert_allclose(got.kl_to_final_bits, missing, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(got.jsd_adjacent_bits, jsd(p[:, :-1], p[:, 1:]), atol=1e-5)
    final = jsd(p, p[:, -1:].expand_as(p))
    np.testing.assert_allclose(got.jsd_final_bits, final, atol=1e-5)
    np.testing.assert_allclose(got.probabilities, p.topk(k).values, rtol=1e-4, atol=1e-6)
    chosen = p.gather(-1, torch.from_numpy(got.token_ids))
    np.testing.assert_allclose(chosen, p.topk(k).values, rtol=1e-4, atol=1e-6)
    assert got.mean_probability is not None
    np.testing.assert_allclose(got.mean_probability, p.mean(0), rtol=1e-4, atol=1e-7)
    normaliser = unembedding.logits(residuals).double().logsumexp(-1)
    np.testing.assert_allclose(got.log_normaliser, normaliser, rtol=1e-5, atol=1e-5)


@given(cases)
def test_divergences_keep_their_bounds_and_are_zero_at_the_last_layer(case):
    got = lens_trajectory(*case, k=1)
    for found in (got.jsd_adjacent_bits, got.jsd_final_bits):
        assert (found >= 0).all()
        assert (found <= 1).all()
    assert (got.kl_to_final_bits >= 0).all()
    assert (got.entropy_bits >= 0).all()
    assert (got.jsd_final_bits[:, -1] == 0).all()
    assert (got.kl_to_final_bits[:, -1] == 0).all()
    # The last step is a step to the final layer.
    np.testing.assert_allclose(got.jsd_adjacent_bits[:, -1], got.jsd_final_bits[:, -2], atol=1e-6)


@given(cases)
def test_the_divergence_is_symmetric_and_zero_only_if_equal(case):
    residuals, unembedding = case
    there = lens_trajectory(residuals, unembedding, k=1).jsd_adjacent_bits
    back = lens_trajectory(residuals.flip(1), unembedding, k=1).jsd_adjacent_bits
    np.testing.assert_allclose(back[:, ::-1], there, atol=1e-6)
    # Twice the residual is the same after the norm.
    doubled = torch.stack([residuals[:, 0], 2 * residuals[:, 0], residuals[:, 1]], dim=1)
    equal, other = lens_trajectory(doubled, unembedding, k=1).jsd_adjacent_bits.T
    np.testing.assert_allclose(equal, 0, atol=1e-6)
    p = unembedding.logits(doubled).double().softmax(-1)
    differ = jsd(p[:, 1], p[:, 2]) > 1e-5
    assert (other[differ] > 0).all()


def test_distributions_without_a_common_token_are_one_bit_apart():
    residuals = torch.eye(2)[None]
    norm = FinalNorm(kind="rms", weight=torch.ones(2), bias=None, eps=1e-6)
    head = torch.zeros(200, 2)
    head[7, 0] = head[190, 1] = 1000
    unembedding = Unembedding(norm=norm, head=head, bias=None, scale=1.0, soft_cap=None)
    got = lens_trajectory(residuals, unembedding, k=2)
    np.testing.assert_array_equal(got.jsd_adjacent_bits, 1)
    np.testing.assert_array_equal(got.token_ids[0, :, 0], [7, 190])
    np.testing.assert_allclose(got.entropy_bits, 0, atol=1e-6)
    assert got.kl_to_final_bits[0, 0] == pytest.approx(1000 * math.sqrt(2) / math.log(2), rel=1e-4)


@given(cases, st.floats(-200, 200))
def test_a_shift_of_all_logits_changes_nothing(case, shift):
    residuals, unembedding = case
    assert unembedding.bias is not None
    one = lens_trajectory(residuals, unembedding, k=1)
    other = lens_trajectory(residuals, replace(unembedding, bias=unembedding.bias + shift), k=1)
    np.testing.assert_allclose(other.entropy_bits, one.entropy_bits, rtol=1e-3, atol=2e-3)
    np.testing.assert_allclose(other.jsd_adjacent_bits, one.jsd_adjacent_bits, atol=2e-3)


@pytest.mark.parametrize("cap", [None, 5.0])
def test_scale_cap_and_half_precision_are_those_of_the_unembedding(cap):
    residuals, unembedding = draw(3)
    half = replace(unembedding, head=unembedding.head.bfloat16(), scale=0.3, soft_cap=cap)
    setting: Any = torch.backends.mkldnn
    before = setting.matmul.fp32_precision
    got = lens_trajectory(residuals.bfloat16(), half, k=4)
    wanted = lens_summaries(residuals.bfloat16(), half, k=4)
    np.testing.assert_array_equal(got.token_ids, wanted.token_ids)
    np.testing.assert_allclose(got.entropy_bits, wanted.entropy_bits, rtol=1e-5)
    np.testing.assert_allclose(got.kl_to_final_bits, wanted.kl_to_final_bits, atol=1e-5)
    assert setting.matmul.fp32_precision == before


def test_blocks_of_items_do_not_matter(monkeypatch):
    residuals, unembedding = draw(1, n_items=11)
    whole = lens_trajectory(residuals, unembedding, means=True)
    monkeypatch.setattr(kept_logits, "_KEPT_LOGITS", 2 * 4 * unembedding.n_vocab)
    parts = lens_trajectory(residuals, unembedding, means=True)
    np.testing.assert_array_equal(parts.token_ids, whole.token_ids)
    assert parts.mean_probability is not None
    assert whole.mean_probability is not None
    np.testing.assert_allclose(parts.mean_probability, whole.mean_probability, atol=1e-7)
    np.testing.assert_allclose(parts.jsd_final_bits, whole.jsd_final_bits, atol=1e-6)


@pytest.mark.parametrize(("k", "chunk"), [(0, 8), (151, 8), (3, 0)])
def test_refuses_a_rank_or_chunk_out_of_range(k, chunk):
    with pytest.raises(ValueError, match="need 1 <= k <= 150 and chunk >= 1"):
        lens_trajectory(*draw(0), k=k, chunk=chunk)


def test_refuses_no_item_and_a_single_layer():
    residuals, unembedding = draw(0)
    for some in (residuals[:0], residuals[:, :1]):
        with pytest.raises(ValueError, match="at least 1 item and 2 layers"):
            lens_trajectory(some, unembedding)
