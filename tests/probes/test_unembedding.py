"""The detached unembedding: norms, saving, loading."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from data_prep.errors import UserError
from probes.unembedding import FinalNorm, NormKind, Unembedding


def random_unembedding(
    kind: NormKind = "rms",
    *,
    soft_cap: float | None = 5.0,
    dtype: torch.dtype = torch.float32,
    n_vocab: int = 40,
) -> Unembedding:
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(*shape, generator=generator).to(dtype)

    norm_bias = draw(12) if kind == "layer" else None
    return Unembedding(
        norm=FinalNorm(kind=kind, weight=draw(12), bias=norm_bias, eps=1e-5),
        head=draw(n_vocab, 12),
        bias=draw(n_vocab),
        scale=0.5,
        soft_cap=soft_cap,
    )


@pytest.mark.parametrize("kind", ["rms", "rms_plus_one", "layer"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_saved_and_loaded_without_the_model(kind, dtype, tmp_path):
    unembedding = random_unembedding(kind, dtype=dtype)
    unembedding.save(tmp_path)
    residual = torch.randn(3, 5, 12).to(dtype)
    assert torch.equal(Unembedding.load(tmp_path).logits(residual), unembedding.logits(residual))


def test_of_a_model(vlm, residuals, tmp_path):
    vlm.unembedding.save(tmp_path)
    assert torch.equal(Unembedding.load(tmp_path).logits(residuals), vlm.unembed(residuals))


def test_damage_is_noticed(tmp_path):
    with pytest.raises(UserError, match="no usable unembedding"):
        Unembedding.load(tmp_path)
    random_unembedding().save(tmp_path)
    weights = tmp_path / "unembedding.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(UserError, match="do not match their checksum"):
        Unembedding.load(tmp_path)


@given(st.floats(1, 100), st.integers(0, 2**31))
def test_rms_norm_keeps_no_scale(factor, seed):
    """Each residual has its own statistics: its length does not matter, nor do its neighbours."""
    unembedding = random_unembedding()
    residual = torch.randn(2, 12, generator=torch.Generator().manual_seed(seed))
    alone = unembedding.logits(residual[:1])
    beside = unembedding.logits(torch.stack([residual[0] * factor, residual[1]]))
    torch.testing.assert_close(beside[:1], alone, rtol=1e-2, atol=1e-2)


def test_the_cap_bounds_the_logits():
    residual = torch.randn(100, 12)
    capped = random_unembedding(soft_cap=2.0).logits(residual)
    free = random_unembedding(soft_cap=None).logits(residual)
    assert capped.abs().max() <= 2 < free.abs().max()
    torch.testing.assert_close(capped, 2 * torch.tanh(free / 2))


def test_some_tokens_and_chunks_are_parts_of_the_whole():
    unembedding = random_unembedding()
    residual = torch.randn(4, 3, 12)
    whole = unembedding.logits(residual)
    ids = torch.tensor([3, 39, 0])
    torch.testing.assert_close(unembedding.logits_of_tokens(residual, ids), whole[..., ids])
    for start, part in unembedding.vocabulary_chunks(unembedding.norm(residual), 7):
        torch.testing.assert_close(part, whole[..., start : start + 7])
