"""The adaptive plausibility cut: tokens that the plain logits hold improbable are not decoded."""

import math

from jaxtyping import Bool, Float, Int
from torch import Tensor

from data_prep.errors import UserError
from probes.decoding.inputs import check_alike, check_logits, check_share


def plausible(
    logits: Float[Tensor, "*batch vocab"],
    *,
    cutoff: float,
    among: Int[Tensor, " chosen"] | None = None,
) -> Bool[Tensor, "*batch vocab"]:
    """Whether each token has at least `cutoff` times the largest probability of its row.

    Li et al. (2023), contrastive decoding, arXiv:2210.15097, with cutoff 0.1. Its point is that a
    contrast is large also where both passes hold a token improbable, by chance. `among` are the
    tokens over which the largest is taken, by default all: an answer that is read within a closed
    set of words is to be compared with these, and not with a token that nobody reads. Masked
    tokens are not plausible. Cutoff 0 cuts nothing else, cutoff 1 leaves the largest.

    Assumes nothing of the scores that are cut. A constant added to the logits changes nothing.
    Raises UserError for a cutoff outside 0..1, NaN, and tokens that are not in the vocabulary or
    all masked.

    >>> import torch
    >>> logits = torch.tensor([0.5, 0.3, 0.2]).log()
    >>> plausible(logits, cutoff=0.5)  # at least a probability of 0.25
    tensor([ True,  True, False])
    >>> plausible(logits, cutoff=0.5, among=torch.tensor([1, 2]))  # of 0.15
    tensor([True, True, True])
    """
    check_share("cutoff", cutoff)
    check_logits("logits", logits)
    read = logits
    if among is not None:
        _check_tokens(among, logits.shape[-1])
        read = logits[..., among.to(logits.device)]
        check_logits("logits among the chosen tokens", read)
    least = read.amax(-1, keepdim=True) + (math.log(cutoff) if cutoff else -math.inf)
    return (logits >= least) & ~logits.isneginf()


def cut_implausible(
    scores: Float[Tensor, "*batch vocab"],
    logits: Float[Tensor, "*batch vocab"],
    *,
    cutoff: float,
    among: Int[Tensor, " chosen"] | None = None,
) -> Float[Tensor, "*batch vocab"]:
    """The scores, such as contrasted logits, with minus infinity at tokens that are not plausible.

    Plausible are tokens by the plain logits and not by the scores: see `plausible`, also for
    `cutoff` and `among`, and arXiv:2210.15097. Yin et al. (2025), arXiv:2504.10020, find that
    where answers are sampled this cut alone brings most of what contrastive methods gain on POPE,
    for it leaves few tokens to sample from. A greedy choice by the plain logits it cannot change.
    Raises UserError as `plausible` does, and for scores that do not belong to the logits.

    >>> import torch
    >>> logits = torch.tensor([0.5, 0.3, 0.2]).log()
    >>> cut_implausible(torch.tensor([0.0, 1.0, 9.0]), logits, cutoff=0.5)
    tensor([0., 1., -inf])
    """
    keep = plausible(logits, cutoff=cutoff, among=among)
    check_alike("scores", scores, logits)
    return scores.masked_fill(~keep, -math.inf)


def _check_tokens(among: Tensor, n_vocab: int) -> None:
    if not among.numel():
        raise UserError("need at least 1 token to take the largest among, got none: pass None")
    if int(among.min()) < 0 or int(among.max()) >= n_vocab:
        raise UserError(
            f"need tokens within 0..{n_vocab - 1}, got {int(among.min())}..{int(among.max())}: "
            f"pass token ids of the logits' vocabulary"
        )
