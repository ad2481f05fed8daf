"""Divergence through the unembedding and its gradient, against autograd on the plain formula."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.translators.muon import orthogonalised
from probes.translators.output_map import OutputMap, kl_nats, kl_with_gradient
from probes.unembedding import FinalNorm, NormKind, Unembedding

N_LAYERS, N_ROWS, D_MODEL, N_VOCAB = 2, 3, 5, 13


def draw(seed, *, kind: NormKind = "rms", soft_cap=None, scale=1.0, sharp=1.0, bias=True):
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator)

    norm = FinalNorm(
        kind=kind,
        weight=normal(D_MODEL),
        bias=normal(D_MODEL) if kind == "layer" else None,
        eps=1e-6,
    )
    unembedding = Unembedding(
        norm=norm,
        head=sharp * normal(N_VOCAB, D_MODEL),
        bias=normal(N_VOCAB) if bias else None,
        scale=scale,
        soft_cap=soft_cap,
    )
    return 4 * normal(N_LAYERS, N_ROWS, D_MODEL), 4 * normal(N_ROWS, D_MODEL), unembedding


draws = st.builds(
    draw,
    st.integers(0, 2**31),
    kind=st.sampled_from(["rms", "rms_plus_one", "layer"]),
    soft_cap=st.sampled_from([None, 3.0]),
    scale=st.sampled_from([1.0, 0.25]),
    sharp=st.floats(0.1, 3),
    bias=st.booleans(),
)


def plain(translated, final, unembedding):
    log_p = unembedding.logits(final).log_softmax(-1)
    log_q = unembedding.logits(translated).log_softmax(-1)
    return (log_p.exp() * (log_p - log_q)).sum(-1)


@settings(max_examples=40, deadline=None)
@given(draws, st.integers(1, N_VOCAB + 3))
def test_value_and_gradient_are_those_of_the_plain_formula(case, chunk):
    translated, final, unembedding = case
    leaf = translated.clone().requires_grad_()
    wanted = plain(leaf, final, unembedding)
    (slope,) = torch.autograd.grad(wanted.sum(), leaf)
    kl, gradient = kl_with_gradient(translated, final, OutputMap.of(unembedding, chunk=chunk))
    torch.testing.assert_close(kl, wanted.detach().clamp(min=0), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(gradient, slope, atol=1e-4, rtol=1e-3)
    assert torch.equal(kl, kl_nats(translated, final, OutputMap.of(unembedding, chunk=chunk)))


@settings(max_examples=40, deadline=None)
@given(draws)
def test_divergence_of_the_final_residual_is_zero(case):
    _, final, unembedding = case
    kl, gradient = kl_with_gradient(final[None], final, OutputMap.of(unembedding))
    assert kl.max() < 1e-5
    assert gradient.abs().max() < 1e-4


def test_half_precision_products_point_the_same_way():
    case = draw(0)
    exact = kl_with_gradient(*case[:2], OutputMap.of(case[2]))[1].flatten()
    half = kl_with_gradient(*case[:2], OutputMap.of(case[2], "bfloat16"))[1].flatten()
    assert torch.cosine_similarity(exact, half, dim=0) > 0.999


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 8, 9), (2, 9, 4)])
def test_muons_step_has_singular_values_near_one(shape):
    matrix = torch.randn(*shape, generator=torch.Generator().manual_seed(0)) * 1e3
    made = orthogonalised(matrix)
    values = torch.linalg.svdvals(made)
    assert values.min() > 0.5
    assert values.max() < 1.3
    # The singular vectors stay: U'made V is diagonal.
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    core = left.mT @ made @ right.mT
    torch.testing.assert_close(
        core, torch.diag_embed(core.diagonal(dim1=1, dim2=2)), atol=1e-4, rtol=0
    )


def test_muons_step_of_nothing_is_nothing():
    assert not orthogonalised(torch.zeros(2, 4, 5)).any()
