"""Contrast with a second pass that saw the image less well, or not at all."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from data_prep.errors import UserError
from probes.decoding.inputs import check_alike, check_logits, check_share, check_strength

# The weight of M3ID grows as e to this power, and float32 ends at e^88.
_LARGEST_POWER = 50


def contrast(
    logits: Float[Tensor, "*batch vocab"],
    reference: Float[Tensor, "*batch vocab"],
    *,
    strength: float,
) -> Float[Tensor, "*batch vocab"]:
    """Contrastive logits (1 + strength) * logits - strength * reference, in nats.

    The methods that share this formula differ in their reference:

    - VCD, visual contrastive decoding (Leng et al. 2024, CVPR, arXiv:2311.16922): the image under
      diffusion noise; strength 1.
    - ICD, instruction contrastive decoding (Wang et al. 2024, ACL, arXiv:2403.18715): the question
      behind a disturbing instruction; strength 1. This is the formula of the authors' released
      code; the equation in the paper could not be compared with it.
    - SIRA (Qin et al. 2026, arXiv:2605.14621): the same pass, in which the image's positions are
      masked in the later half of the layers; strength 0.5. Its rule has neither a plausibility
      cut nor a gate, and takes the largest logit.
    - PAI (Liu et al. 2024, ECCV, arXiv:2407.21771): logits of a pass whose attention to the image
      is raised, against the question alone in a plain pass; strength 0.1, which the authors call
      gamma = 1.1 (the default of their code is 2, and all commands that they give say 1.1).

    VCD, ICD and PAI are used with the cut of `cut_implausible`, which is a step of its own here,
    for it explains much of their gain over sampling (Yin et al. 2025, arXiv:2504.10020). In the
    released code of VCD that cut has the share 0.1, and 0.2 in the script for POPE; in PAI's 0.1.

    Assumes that what the reference still says is prior and not evidence. Strength 0 gives the
    logits back bit for bit. A constant added to either input adds a constant to the result, which
    changes no probability. Raises UserError for a negative strength, NaN, and shapes, number
    formats or masked tokens that disagree.

    >>> logits, blind = torch.tensor([2.0, 0.0]), torch.tensor([1.0, 3.0])
    >>> contrast(logits, blind, strength=0.5)
    tensor([ 2.5000, -1.5000])
    """
    check_strength("strength", strength)
    check_logits("logits", logits)
    check_alike("reference", reference, logits)
    if strength == 0:
        return logits.clone()
    contrasted = (1 + strength) * logits - strength * reference
    # At a masked token this is the difference of two infinities.
    return torch.where(logits.isneginf(), logits, contrasted)


def m3id(
    logits: Float[Tensor, "*batch vocab"],
    without_image: Float[Tensor, "*batch vocab"],
    *,
    forgetting: float,
    step: int,
    confident: float,
) -> Float[Tensor, "*batch vocab"]:
    """Logits of multi-modal mutual information decoding: the contrast grows with the answer.

    l_c + [max p_c < confident] * (1 - g) / g * (l_c - l_u) with g = exp(-forgetting * step), where
    l_c are the logits with the image, l_u those of the same text without it. The idea is that the
    image's share in the prediction fades as text is added, and that a model which is sure already
    needs no correction. Favero et al. (2024), CVPR, arXiv:2403.14003, section 4.1; others report
    their settings as forgetting 0.02 and confident 0.3. No code of theirs was found, and code of
    others that calls itself M3ID often leaves the gate out and cuts by plausibility instead.

    The paper writes the l as log-probabilities. Logits differ from these by a constant in each
    row, and so does the result, which changes no probability.

    `step` is the number of the answer's token; whether the authors count from 0 or 1 was not
    found, and others do both. At step 0 the weight is 0 and the logits come back
    bit for bit, as they do for `forgetting` 0 and for rows whose largest probability reaches
    `confident`. So an answer of one token is hardly changed: at step 1 and the authors' forgetting
    the weight is 0.02. Raises UserError for a negative step or forgetting, for `confident` outside
    0..1, where the weight leaves float32, and where the logits disagree.

    >>> logits, blind = torch.tensor([0.0, 0.5]), torch.tensor([0.0, 2.0])
    >>> m3id(logits, blind, forgetting=math.log(2), step=1, confident=0.9)  # a weight of 1
    tensor([ 0., -1.])
    >>> m3id(logits, blind, forgetting=math.log(2), step=1, confident=0.3)  # sure already
    tensor([0.0000, 0.5000])
    """
    check_strength("forgetting", forgetting)
    check_share("confident", confident)
    power = forgetting * step
    if not 0 <= power <= _LARGEST_POWER:
        raise UserError(
            f"need forgetting * step within 0..{_LARGEST_POWER}, got {forgetting} * {step}: count "
            f"steps from 0 on, and forget more slowly"
        )
    # (1 - g) / g, exact for a small power too.
    contrasted = contrast(logits, without_image, strength=math.expm1(power))
    largest = (logits.amax(-1, keepdim=True) - logits.logsumexp(-1, keepdim=True)).exp()
    return torch.where(largest < confident, contrasted, logits)
