"""Properties of the divergences, and their exact values where these are known."""

import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from probes.divergence import jsd_bits, kl_bits

seeds = st.integers(0, 2**31)
sharpness = st.floats(0.01, 30)


def draw(seed, sharp, n=3):
    generator = torch.Generator().manual_seed(seed)
    logits = sharp * torch.randn(n, 9, generator=generator, dtype=torch.float64)
    return logits.log_softmax(-1)


@given(seeds, sharpness)
def test_kl_is_at_least_zero_and_zero_with_itself(seed, sharp):
    p, q, _ = draw(seed, sharp)
    assert kl_bits(p, q) >= 0
    assert kl_bits(p, p) == 0


def test_kl_in_bits():
    half = torch.tensor([0.5, 0.5, 0.0]).log()
    quarter = torch.tensor([0.25, 0.25, 0.5]).log()
    assert kl_bits(half, quarter).item() == 1
    assert kl_bits(quarter, half).item() == math.inf


@given(seeds, sharpness)
def test_jsd_is_symmetric_and_within_a_bit(seed, sharp):
    p, q, _ = draw(seed, sharp)
    assert 0 <= jsd_bits(p, q) <= 1
    torch.testing.assert_close(jsd_bits(p, q), jsd_bits(q, p))
    assert jsd_bits(p, p) < 1e-12


@given(seeds, sharpness)
def test_the_root_of_jsd_is_a_metric(seed, sharp):
    p, q, r = draw(seed, sharp)
    pq, qr, pr = (jsd_bits(a, b).sqrt() for a, b in ((p, q), (q, r), (p, r)))
    assert pr <= pq + qr + 1e-7
    assert pq > 0


def test_jsd_of_disjoint_distributions_is_one_bit():
    p = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).log()
    assert jsd_bits(p[0], p[1]).item() == 1
