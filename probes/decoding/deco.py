"""DeCo: the final logits corrected by the earlier layer that is surest of a candidate."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from data_prep.errors import UserError
from probes.decoding.inputs import check_layers, check_logits, check_share, check_strength


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DecoLogits:
    """What DeCo decodes from, and the layer that corrected it."""

    logits: Float[Tensor, "*batch vocab"]
    """The corrected logits, in nats; minus infinity at tokens that are not candidates."""
    layer: Int[Tensor, "*batch"]
    """The anchor layer: its number among the layers that were given, from 0."""
    probability: Float[Tensor, "*batch"]
    """The largest probability of a candidate, which is found there; it scales the correction."""


def deco(
    layers: Float[Tensor, "*batch layer vocab"],
    final: Float[Tensor, "*batch vocab"],
    *,
    strength: float,
    top_p: float,
    top_k: int | None = None,
) -> DecoLogits:
    """Dynamic correction decoding: final + strength * max_prob * anchor, at the candidates.

    Candidates are the fewest tokens whose final probabilities add up to `top_p`, most probable
    first, and at most `top_k` of them. The anchor is the layer at which some candidate has the
    largest probability (over the whole vocabulary) of all layers and candidates, and that
    probability is max_prob. Assumes that layers shortly before the last see what the last one
    suppresses for the sake of a prior, so `layers` are to be a range of these. Wang et al. (2025),
    ICLR, arXiv:2410.11779; the authors take layers 20..28 of 32, top_p 0.9 and
    strength 0.6 (their readme also says 0.5).

    `top_k`, which is 20 in the authors' released code, and minus infinity outside the candidates
    are taken from that code. Descriptions of the paper that could be read name neither.

    Strength 0 gives the final logits back bit for bit, uncut: the greedy choice is the same with
    and without the cut, but a token that is read and no candidate would be lost. A constant added
    to a layer or to the final logits changes no probability. Raises UserError for a negative
    strength, `top_p` outside 0..1 or 0, `top_k` under 1, no layers, NaN, and layers that do not
    belong to the final logits.

    >>> final = torch.tensor([0.5, 0.3, 0.2]).log()
    >>> layers = torch.tensor([[0.1, 0.6, 0.3], [0.2, 0.1, 0.7]]).log()
    >>> found = deco(layers, final, strength=0.5, top_p=0.7)  # the candidates are 0 and 1
    >>> found.layer, found.probability, found.logits
    (tensor(0), tensor(0.6000), tensor([-1.3839, -1.3572,    -inf]))
    """
    check_strength("strength", strength)
    check_logits("final", final)
    check_layers(layers, final)
    keep = _candidates(final, top_p, top_k)
    surest = [layer.softmax(-1).masked_fill(~keep, 0).amax(-1) for layer in layers.unbind(-2)]
    probability, layer = torch.stack(surest, dim=-1).max(-1)
    if strength == 0:
        return DecoLogits(logits=final.clone(), layer=layer, probability=probability)
    anchor = layers.take_along_dim(layer[..., None, None], dim=-2).squeeze(-2)
    corrected = final + strength * probability[..., None] * anchor
    return DecoLogits(
        logits=corrected.masked_fill(~keep, -math.inf), layer=layer, probability=probability
    )


def _candidates(
    final: Float[Tensor, "*batch vocab"], top_p: float, top_k: int | None
) -> Bool[Tensor, "*batch vocab"]:
    check_share("top_p", top_p)
    if top_p == 0 or (top_k is not None and top_k < 1):
        raise UserError(
            f"need top_p above 0 and top_k of at least 1, got {top_p} and {top_k}: else no token "
            f"is a candidate"
        )
    ranked, tokens = torch.sort(final.softmax(-1), dim=-1, descending=True, stable=True)
    # What the more probable tokens have together: the one that reaches top_p is still taken.
    before = functional.pad(ranked.cumsum(-1)[..., :-1], (1, 0))
    taken = before < top_p
    if top_k is not None:
        taken[..., top_k:] = False
    return torch.zeros_like(taken).scatter(-1, tokens, taken) & ~final.isneginf()
