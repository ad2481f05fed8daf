"""Every way of making logits against the formula written out, bit for bit where it is that."""

from typing import Any, get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from probes.unembedding import FinalNorm, Unembedding
from probes.vocabulary import Projection, Way, slices

N_VOCAB, D_MODEL = 150, 24
EXACT = [way for way in get_args(Way) if way != "bfloat16"]
DTYPES = [torch.float32, torch.bfloat16, torch.float16]
FORMULAS = [(False, 1.0, None), (True, 0.3, None), (True, 0.3, 5.0), (False, 1.0, 5.0)]


def draw(dtype, bias, scale, soft_cap, *, n_vocab=N_VOCAB):
    generator = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(*shape, generator=generator).to(dtype)

    unembedding = Unembedding(
        norm=FinalNorm(kind="rms", weight=normal(D_MODEL), bias=None, eps=1e-6),
        head=normal(n_vocab, D_MODEL),
        bias=normal(n_vocab) if bias else None,
        scale=scale,
        soft_cap=soft_cap,
    )
    return normal(7, D_MODEL), unembedding


def written_out(normed, unembedding, tokens):
    """The formula, out of place and step by step, as it was once written for each use."""
    logits = normed.float() @ unembedding.head[tokens].float().T
    if unembedding.bias is not None:
        logits = logits + unembedding.bias[tokens].float()
    logits = logits * unembedding.scale
    if unembedding.soft_cap is not None:
        logits = unembedding.soft_cap * torch.tanh(logits / unembedding.soft_cap)
    return logits


@pytest.mark.parametrize("way", EXACT)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("formula", FORMULAS)
def test_chunks_are_the_formulas_own_bits(way, dtype, formula):
    normed, unembedding = draw(dtype, *formula)
    # Products in bfloat16 of the buffered way round nothing, but may add up in another order.
    fast = way == "buffered" and dtype == torch.bfloat16
    project = unembedding.projection(way)
    for tokens in slices(N_VOCAB, 64):
        wanted = written_out(normed, unembedding, tokens)
        out = torch.empty_like(wanted)
        for got in (project(normed, tokens), project(normed, tokens, out)):
            if fast:
                torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-5)
            else:
                assert torch.equal(got, wanted)
        assert torch.equal(out, project(normed, tokens))


@pytest.mark.parametrize("formula", FORMULAS)
def test_products_in_bfloat16_are_near(formula):
    normed, unembedding = draw(torch.float32, *formula)
    got = unembedding.projection("bfloat16")(normed, slice(3, 90))
    wanted = written_out(normed, unembedding, slice(3, 90))
    assert got.dtype == torch.float32
    assert 0 < (got - wanted).abs().max() < 0.02 * wanted.abs().max()


@pytest.mark.parametrize("way", EXACT)
@pytest.mark.parametrize("dtype", DTYPES)
def test_chosen_tokens_are_those_of_the_whole(way, dtype):
    normed, unembedding = draw(dtype, True, 0.3, 5.0)
    ids = torch.tensor([140, 3, 3, 0])
    got = unembedding.projection(way)(normed, ids)
    wanted = written_out(normed, unembedding, ids)
    torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("formula", FORMULAS)
def test_a_head_of_more_rows_than_are_widened_at_a_time(dtype, formula):
    residual, unembedding = draw(dtype, *formula, n_vocab=8192 + 9)
    whole = written_out(unembedding.norm(residual), unembedding, slice(None))
    torch.testing.assert_close(unembedding.logits(residual), whole, rtol=1e-5, atol=1e-5)


def test_a_part_of_the_rows_is_an_output_map_of_its_own():
    residual, unembedding = draw(torch.bfloat16, True, 0.3, 5.0)
    for rows in (slice(5, 70, 3), torch.tensor([9, 2])):
        got = unembedding.of_rows(rows).logits(residual)
        wanted = unembedding.logits(residual)[:, rows]
        torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("soft_cap", [None, 5.0])
def test_its_derivative_is_that_of_the_formula(soft_cap):
    normed, unembedding = draw(torch.float32, True, 0.3, soft_cap)
    weights = torch.randn(7, N_VOCAB, generator=torch.Generator().manual_seed(1))
    slopes = []
    for formula in (unembedding.projection(), lambda x, t: written_out(x, unembedding, t)):
        leaf = normed.clone().requires_grad_()
        (slope,) = torch.autograd.grad((weights * formula(leaf, slice(0, N_VOCAB))).sum(), leaf)
        slopes.append(slope)
    torch.testing.assert_close(*slopes)
    project = unembedding.projection("widened")
    by_cap = project.slope(project(normed, slice(0, N_VOCAB)))
    pulled = project.pulled(weights if by_cap is None else weights * by_cap, slice(0, N_VOCAB))
    torch.testing.assert_close(0.3 * pulled, slopes[1], rtol=1e-4, atol=1e-4)


def test_the_processors_setting_is_put_back(monkeypatch):
    setting: Any = torch.backends.mkldnn
    before, seen = setting.matmul.fp32_precision, []
    normed, unembedding = draw(torch.bfloat16, False, 1.0, None)
    inner = torch.mm

    def watched(*args, **kwargs):
        seen.append(setting.matmul.fp32_precision)
        return inner(*args, **kwargs)

    monkeypatch.setattr(torch, "mm", watched)
    for way in EXACT:
        unembedding.projection(way)(normed, slice(0, 9), torch.empty(7, 9))
    # Numbers of another format would be rounded, so there it stays as it was.
    unembedding.projection("buffered")(normed.float(), slice(0, 9), torch.empty(7, 9))
    assert seen == [before, before, "bf16", before]
    with pytest.raises(RuntimeError):
        unembedding.projection("buffered")(normed[:, 1:], slice(0, 9), torch.empty(7, 9))
    assert setting.matmul.fp32_precision == before


@given(st.integers(1, 60), st.integers(1, 70))
def test_chunks_cover_the_vocabulary_once(n_vocab, chunk):
    covered = [token for part in slices(n_vocab, chunk) for token in range(n_vocab)[part]]
    assert covered == list(range(n_vocab))


def test_a_head_in_float32_is_never_copied():
    _, unembedding = draw(torch.float32, False, 1.0, None)
    projection: Projection
    for projection in (unembedding.projection(way) for way in EXACT):
        assert projection.head.data_ptr() == unembedding.head.data_ptr()
