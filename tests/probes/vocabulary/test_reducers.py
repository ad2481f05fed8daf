"""What is summed up in one pass, against the plain computation on all logits at once."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from probes.kept_logits import KeptLogits
from probes.translators.output_map import Divergence, OutputMap, kl_nats
from probes.unembedding import FinalNorm, Unembedding
from probes.vocabulary import (
    LogNormaliser,
    Moments,
    ProbabilitySums,
    TopToken,
    TopTokens,
    stream,
)

N_PARTS, N_ROWS, D_MODEL, N_VOCAB = 3, 4, 6, 37


def draw(seed, sharp, *, shift=0.0):
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator)

    norm = FinalNorm(kind="rms", weight=torch.ones(D_MODEL), bias=None, eps=1e-6)
    unembedding = Unembedding(
        norm=norm,
        head=sharp * normal(N_VOCAB, D_MODEL),
        bias=normal(N_VOCAB) + shift,
        scale=1.0,
        soft_cap=None,
    )
    return norm(normal(N_PARTS, N_ROWS, D_MODEL)), unembedding


draws = st.builds(draw, st.integers(0, 2**31), st.floats(0.05, 15))
chunks = st.integers(1, 50)


@given(draws, chunks)
def test_several_reducers_share_one_pass(case, chunk):
    normed, unembedding = case
    project = unembedding.projection()
    logits = project(normed, slice(0, N_VOCAB)).double()
    single, double = LogNormaliser(), LogNormaliser(torch.float64)
    top = TopToken(N_PARTS, N_ROWS, normed.device)
    stream(project, [*normed], [single, top, double], chunk=chunk)
    for part in range(N_PARTS):
        wanted = logits[part].logsumexp(-1)
        torch.testing.assert_close(double.value(part), wanted, rtol=1e-5, atol=1e-5)
        assert single.value(part).dtype == torch.float32
        torch.testing.assert_close(single.value(part).double(), wanted, rtol=1e-5, atol=1e-4)
    assert torch.equal(logits.gather(-1, top.ids[..., None])[..., 0], logits.amax(-1))
    log_normaliser = torch.stack([single.value(part) for part in range(N_PARTS)])
    sums = ProbabilitySums(log_normaliser, N_VOCAB)
    stream(project, [*normed], [sums], chunk=chunk)
    torch.testing.assert_close(sums.value, logits.softmax(-1).sum(1), rtol=1e-3, atol=1e-5)


@given(draws, chunks, st.integers(1, N_VOCAB))
def test_moments_and_top_tokens_are_those_of_the_whole(case, chunk, k):
    normed, unembedding = case
    project = unembedding.projection()
    logits = project(normed, slice(0, N_VOCAB)).double()
    moments, top = Moments(normed.shape[:2], normed.device), TopTokens(k)
    stream(project, [normed], [moments, top], chunk=chunk)
    log_p = logits.log_softmax(-1)
    entropy = -(log_p.exp() * log_p).sum(-1) / math.log(2)
    torch.testing.assert_close(moments.entropy_bits(), entropy, rtol=1e-4, atol=1e-5)
    values = logits.topk(k).values
    torch.testing.assert_close(top.logits.double(), values, rtol=1e-5, atol=1e-4)
    found = moments.probability(top.logits)
    torch.testing.assert_close(found, log_p.exp().topk(k).values, rtol=1e-3, atol=1e-6)
    assert (moments.kl_to_last_bits()[:, -1] == 0).all()


@pytest.mark.parametrize("shift", [-3e4, 3e4])
def test_no_offset_of_the_logits_overflows(shift):
    normed, unembedding = draw(0, 1.0, shift=shift)
    moments = Moments(normed.shape[:2], normed.device)
    stream(unembedding.projection(), [normed], [moments], chunk=5)
    assert torch.isfinite(moments.entropy_bits()).all()
    output = OutputMap.of(unembedding, chunk=5)
    assert torch.isfinite(kl_nats(normed, normed[0], output)).all()


def test_of_equal_tokens_the_first_is_the_top_one():
    top = TopToken(1, 1, torch.device("cpu"))
    for tokens in (slice(0, 2), slice(2, 4)):
        top.add(0, tokens, torch.tensor([[-7.0, -7.0]]))
    assert top.ids.tolist() == [[0]]


def test_a_divergence_beside_other_reducers_is_the_same():
    """It overwrites the logits, and does not mind those that have read them before."""
    normed, unembedding = draw(0, 2.0)
    output = OutputMap.of(unembedding, chunk=5)
    (log_mass,) = output.log_normalisers([normed[0]])
    alone, beside = (
        Divergence(output.projection, log_mass, normed[1:], pull=False) for _ in range(2)
    )
    top = TopToken(N_PARTS, N_ROWS, normed.device)
    stream(output.projection, [*normed], [alone], chunk=5)
    stream(output.projection, [*normed], [top, beside], chunk=5)
    assert torch.equal(alone.kl(), beside.kl())
    wanted = unembedding.projection()(normed, slice(0, N_VOCAB)).argmax(-1)
    assert torch.equal(top.ids, wanted)


def test_kept_logits_are_passed_again_as_they_were_made():
    normed, unembedding = draw(0, 2.0)
    kept = KeptLogits(unembedding, n_rows=N_ROWS, chunk=7)
    kept.fill(normed[0])
    found = LogNormaliser(torch.float64)
    kept.pass_again(found)
    torch.testing.assert_close(found.value(), kept.log_normaliser, rtol=1e-6, atol=1e-6)
