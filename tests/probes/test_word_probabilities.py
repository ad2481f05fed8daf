"""Probabilities of words over the vocabulary, against the plain softmax."""

import numpy as np
import pytest
import torch

from probes import word_probabilities
from probes.word_probabilities import word_log_probs


@pytest.mark.parametrize("chunk", [7, 4096])
def test_they_are_those_of_the_softmax(vlm, monkeypatch, chunk):
    monkeypatch.setattr(word_probabilities, "_CHUNK", chunk)
    monkeypatch.setattr(word_probabilities, "_BLOCK_LOGITS", 4 * chunk)
    head = vlm.unembedding
    residuals = torch.randn(5, 3, head.head.shape[1], generator=torch.Generator().manual_seed(0))
    words = ((3,), (7, 11, 2))
    found = word_log_probs(residuals, head, words)
    p = head.logits(residuals).double().softmax(-1)
    wanted = torch.stack([p[..., list(ids)].sum(-1) for ids in words], -1).log2()
    np.testing.assert_allclose(found, wanted.numpy(), atol=1e-5)
    assert (found <= 0).all()
