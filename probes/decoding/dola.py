"""DoLa: the last layer's logits against those of the earlier layer that differs most from it."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from probes.decoding.inputs import check_layers, check_logits
from probes.decoding.plausible import plausible
from probes.divergence import jsd_bits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DolaLogits:
    """What DoLa decodes from, and the layer that it contrasted with."""

    logits: Float[Tensor, "*batch vocab"]
    """Log of the final over the premature probability, in nats; minus infinity outside the cut."""
    layer: Int[Tensor, "*batch"]
    """The premature layer: its number among the layers that were given, from 0."""
    divergence_bits: Float[Tensor, "*batch"]
    """The Jensen-Shannon divergence of that layer from the last, in 0..1 bit."""


def dola(
    layers: Float[Tensor, "*batch layer vocab"],
    final: Float[Tensor, "*batch vocab"],
    *,
    cutoff: float,
) -> DolaLogits:
    """Decoding by contrasting layers: log q_final - log q_premature within the plausible tokens.

    Premature is, for each item, the layer with the largest Jensen-Shannon divergence from the last
    (of equals the first). Assumes that facts enter late, so that what an early layer holds
    probable already is form. Chuang et al. (2024), ICLR, arXiv:2309.03883,
    with cutoff 0.1 and, of a model with 32 layers, every second layer of 0..14 or of 16..30.

    Unlike the other methods it has no strength: no setting gives the final logits back. Even where
    all layers agree the result is uniform over the plausible tokens, and a lone plausible token
    has the logit log(q_final / q_premature). Constants added to a layer change nothing.

    The authors' released code differs from the paper, which is followed here: it measures
    (D(m || q_final) + D(m || q_layer)) / 2 with m the mean of both, so with the arguments of the
    divergence exchanged; it takes one layer for a whole batch; it writes -1000 for minus infinity,
    and when it scores given answers it applies a softmax before that.

    Raises UserError for a cutoff outside 0..1, no layers, NaN, and layers that do not belong to
    the final logits.

    >>> final = torch.tensor([0.5, 0.25, 0.25]).log()
    >>> other = torch.tensor([0.25, 0.25, 0.5]).log()
    >>> found = dola(torch.stack([final, other]), final, cutoff=0.1)
    >>> found.layer, found.divergence_bits, found.logits.exp()
    (tensor(1), tensor(0.0613), tensor([2.0000, 1.0000, 0.5000]))
    """
    check_logits("final", final)
    check_layers(layers, final)
    log_final = final.log_softmax(-1)
    # Layer by layer, for the divergence needs several copies of what it compares.
    each = [jsd_bits(log_final, layer.log_softmax(-1)) for layer in layers.unbind(-2)]
    divergence = torch.stack(each, dim=-1)
    layer = divergence.argmax(-1)
    premature = layers.take_along_dim(layer[..., None, None], dim=-2).squeeze(-2)
    ratio = log_final - premature.log_softmax(-1)
    keep = plausible(final, cutoff=cutoff)
    return DolaLogits(
        logits=ratio.masked_fill(~keep, -math.inf),
        layer=layer,
        divergence_bits=divergence.amax(-1),
    )
