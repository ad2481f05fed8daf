"""Measures of a lens, against the plain computation over the whole vocabulary."""

import math

import numpy as np
import pytest
import torch

from probes.divergence import kl_bits
from probes.lens_quality import LensQuality, lens_quality
from probes.translators import ResidualRows
from probes.translators.affine import Translators
from probes.unembedding import FinalNorm, Unembedding

N_LAYERS, D_MODEL, N_VOCAB, N_ROWS = 2, 5, 11, 7


@pytest.fixture
def case():
    generator = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(*shape, generator=generator)

    norm = FinalNorm(kind="rms", weight=normal(D_MODEL), bias=None, eps=1e-6)
    unembedding = Unembedding(
        norm=norm, head=normal(N_VOCAB, D_MODEL), bias=normal(N_VOCAB), scale=1.0, soft_cap=4.0
    )
    translators = Translators(
        maps=normal(N_LAYERS, D_MODEL, D_MODEL), offsets=normal(N_LAYERS, D_MODEL)
    )
    residuals = normal(N_ROWS, N_LAYERS + 1, D_MODEL)
    return residuals, unembedding, translators


def test_measures_are_those_of_the_plain_computation(case, monkeypatch):
    residuals, unembedding, translators = case
    monkeypatch.setattr("probes.lens_quality.BLOCK_ROWS", 3)
    right = [(k, (k + 4) % N_VOCAB) if k % 2 else (k,) for k in range(N_ROWS)]
    rows = ResidualRows.of(residuals, [str(k) for k in range(N_ROWS)])
    got = lens_quality(rows, translators, unembedding, right)

    below = translators.apply(residuals).transpose(0, 1)
    translated = torch.cat([below, residuals[:, -1:]], dim=1)
    log_p = unembedding.logits(translated).double().log_softmax(-1)
    final = log_p[:, -1:].expand_as(log_p)
    np.testing.assert_allclose(got.kl_bits, kl_bits(final, log_p), atol=1e-5)
    missed = [-log_p[k][:, list(ids)].logsumexp(-1) / math.log(2) for k, ids in enumerate(right)]
    assert got.cross_entropy_bits is not None
    np.testing.assert_allclose(got.cross_entropy_bits, torch.stack(missed), atol=1e-5)
    np.testing.assert_array_equal(got.top_token, log_p.argmax(-1))
    means = log_p.exp().mean(0).log()
    bias = kl_bits(means[-1:].expand_as(means), means)
    np.testing.assert_allclose(got.bias_bits, bias, atol=1e-5)
    assert (got.kl_bits[:, -1] == 0).all()
    assert got.bias_bits[-1] < 1e-12


def test_prediction_depth_is_where_the_models_choice_stays():
    top = np.array([[3, 3, 3, 3], [1, 3, 2, 3], [0, 0, 3, 3], [3, 0, 3, 3], [3, 3, 0, 3]])
    nothing = np.zeros(top.shape)
    quality = LensQuality(
        kl_bits=nothing, cross_entropy_bits=nothing, top_token=top, bias_bits=nothing[0]
    )
    assert quality.prediction_depth().tolist() == [0, 3, 2, 2, 3]


def test_right_tokens_are_needed_for_every_row(case):
    residuals, unembedding, translators = case
    rows = ResidualRows.of(residuals, [str(k) for k in range(N_ROWS)])
    for right in ([(0,)], [(0,)] * (N_ROWS - 1) + [()]):
        with pytest.raises(ValueError, match="need right tokens for each of 7 rows"):
            lens_quality(rows, translators, unembedding, right)
