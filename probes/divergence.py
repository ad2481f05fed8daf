"""Divergences between distributions over tokens, in bits.

Arguments are natural-log probabilities along the last axis, as `log_softmax` gives them.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor


def kl_bits(
    log_p: Float[Tensor, "*batch vocab"], log_q: Float[Tensor, "*batch vocab"]
) -> Float[Tensor, "*batch"]:
    """Kullback-Leibler divergence D(p || q): at least 0, 0 only if equal, infinite where q lacks p.

    It is what is lost, in bits, by coding samples of p with a code made for q. It is not symmetric.

    >>> p, q = torch.tensor([1.0, 0.0]).log(), torch.tensor([0.25, 0.75]).log()
    >>> kl_bits(p, q), kl_bits(q, p), kl_bits(p, p)
    (tensor(2.), tensor(inf), tensor(0.))
    """
    # A token with p = 0 counts nothing, even where q is 0 too and the difference is not a number.
    terms = torch.where(log_p > -math.inf, log_p.exp() * (log_p - log_q), 0.0)
    return terms.sum(-1).clamp(min=0) / math.log(2)


def jsd_bits(
    log_p: Float[Tensor, "*batch vocab"], log_q: Float[Tensor, "*batch vocab"]
) -> Float[Tensor, "*batch"]:
    """Jensen-Shannon divergence: symmetric, in [0, 1] bit; its square root is a metric.

    Endres & Schindelin (2003), IEEE Trans. Inf. Theory 49:1858.

    >>> p, q = torch.tensor([1.0, 0.0]).log(), torch.tensor([0.0, 1.0]).log()
    >>> jsd_bits(p, q), jsd_bits(p, p)  # nothing in common; the same
    (tensor(1.), tensor(0.))
    """
    log_mixture = torch.logaddexp(log_p, log_q) - math.log(2)
    return ((kl_bits(log_p, log_mixture) + kl_bits(log_q, log_mixture)) / 2).clamp(max=1)
