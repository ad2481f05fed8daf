"""SLED: one step of the final logits towards what their course over the layers points at."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from data_prep.errors import UserError
from probes.decoding.inputs import check_layers, check_logits, check_strength


def sled(
    layers: Float[Tensor, "*batch layer vocab"],
    final: Float[Tensor, "*batch vocab"],
    *,
    rate: float,
    scale: int,
    temperature: float = 1.0,
) -> Float[Tensor, "*batch vocab"]:
    """Self logits evolution decoding, in nats: final - rate / t * (P_final - P_latent).

    Only the `scale` tokens with the largest final logits evolve, all others become minus infinity.
    For an earlier layer n and each such token i, the difference logits_n - logits_final is
    compared with the gradient that it would be if i were the truth, P_n - e_i, over the whole
    vocabulary; max(cosine, 0)^2 is the token's weight there. P_latent is made from the weights of
    a layer, normalised, averaged over layers in proportion to each layer's sum of weights. So it
    is the sum of weights over layers, normalised. t is the temperature of all probabilities.

    Assumes that the layers' course approaches the truth and has not arrived. Zhang et al. (2024),
    NeurIPS, arXiv:2411.02433; the authors take all earlier layers, and advise rates of 0.5 to 3
    and scales of 5, 10 or 20 (their code's defaults are 2 and 10).

    Differences of the authors' released code: it has no temperature; one of its ways to score
    given answers takes 10 steps with a falling rate, where one is taken here; tokens outside get
    a low number, which differs between its scripts; where no layer points at any token its latent
    distribution is zero, while here nothing evolves then. Its cosines are over the vocabulary, as
    here, though the paper puts the cost at the square of the scale.

    Rate 0 gives the final logits back bit for bit, uncut: the greedy choice is the same with and
    without the cut, but a token that is read and outside would be lost. A constant added to all
    layers and to the final logits alike adds a constant; one added to a single layer changes that
    layer's weight. Raises UserError for a negative rate, a scale outside 1..vocabulary, a
    temperature that is not positive, no layers, NaN, and layers that do not belong to the final
    logits.

    >>> final = torch.tensor([0.0, 0.0])
    >>> layers = torch.tensor([[-1.0, 0.0]])  # on the way up, the first token came from behind
    >>> sled(layers, final, rate=2.0, scale=2)
    tensor([ 1., -1.])
    """
    check_strength("rate", rate)
    check_logits("final", final)
    check_layers(layers, final)
    _check_settings(scale, temperature, final.shape[-1])
    if rate == 0:
        return final.clone()
    values, tokens = torch.sort(final, dim=-1, descending=True, stable=True)
    values, tokens = values[..., :scale], tokens[..., :scale]
    each = [_alignment(layer, final, tokens, temperature) for layer in layers.unbind(-2)]
    weight = torch.stack(each).clamp(min=0).square().sum(0) * ~values.isneginf()
    total = weight.sum(-1, keepdim=True)
    p_final = (final / temperature).softmax(-1).gather(-1, tokens)
    step = torch.where(total > 0, p_final - weight / total, 0.0)
    evolved = values - rate / temperature * step
    return torch.full_like(final, -math.inf).scatter(-1, tokens, evolved)


def _alignment(
    layer: Float[Tensor, "*batch vocab"],
    final: Float[Tensor, "*batch vocab"],
    tokens: Int[Tensor, "*batch scale"],
    temperature: float,
) -> Float[Tensor, "*batch scale"]:
    """The cosine of layer - final and P_layer - e_i for each token i; 0 where it has no direction.

    It is made from sums over the vocabulary, so that no vector is held for each token.
    """
    difference = torch.where(final.isneginf(), 0.0, layer - final)
    p = (layer / temperature).softmax(-1)
    p_top, top = p.max(-1, keepdim=True)
    # A layer that is sure of a token has 1 - p near 0, which is exact only as a sum of the others.
    others = p.scatter(-1, top, 0.0)
    is_top, p_token, at_token = tokens == top, p.gather(-1, tokens), difference.gather(-1, tokens)
    rest = torch.where(is_top, others.sum(-1, keepdim=True), 1 - p_token)
    squares = others.square().sum(-1, keepdim=True) + torch.where(
        is_top, 0.0, p_top.square() - p_token.square()
    )
    product = (others * difference).sum(-1, keepdim=True) + torch.where(
        is_top, 0.0, p_top * difference.gather(-1, top) - p_token * at_token
    )
    lengths = torch.hypot(rest, squares.clamp(min=0).sqrt()) * difference.norm(dim=-1, keepdim=True)
    return torch.where(lengths > 0, (product - rest * at_token) / lengths, 0.0)


def _check_settings(scale: int, temperature: float, n_vocab: int) -> None:
    if not 1 <= scale <= n_vocab:
        raise UserError(
            f"need a scale within 1..{n_vocab}, the vocabulary, got {scale}: pass how many of the "
            f"most probable tokens are to evolve"
        )
    if not 0 < temperature < math.inf:
        raise UserError(f"need a temperature above 0, got {temperature}: 1 leaves it out")
