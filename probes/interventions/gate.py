"""The gate of interventions: a patch with itself changes nothing, a whole patch is its source.

An edit at a wrong place, of a stream that is read elsewhere, or a pass that goes on otherwise than
the model does, gives effects that look like any other; nothing later would notice.
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from probes.interventions.edit import Edit, edited
from probes.interventions.pass_on import Intervened
from probes.trial import QUESTIONS, tolerance_of, trial_images
from probes.unembedding import GateError
from probes.vlm import VLM


@dataclass(frozen=True, slots=True, kw_only=True)
class InterventionCheck:
    """What was found while the interventions on a model were checked."""

    safe_from: int
    """The first layer from which a pass can be gone on with; see `Intervened`."""
    whole_from: int
    """The first layer from which the stream holds all that the model knows of the image. Below it
    image features still come from beside: by DeepStack, or by cross attention."""
    worst: float
    """Largest difference between logits after a whole patch and those of its source, over all
    layers from `whole_from` on, as a share of the largest logit."""
    worst_tail: float
    """Largest difference between logits after passes over the last tokens only and after passes
    over all, as a share of the largest logit; 0 where all tokens must be run."""


def check_interventions(vlm: VLM) -> InterventionCheck:
    """Check on the built-in trial batch that interventions do what they say.

    Two images with the same question, so that their prompts have one length. A stream patched with
    itself must leave the last residual as it is, bit for bit, at every layer, by going on and by
    hooks; the whole stream of the other image must give the other's logits, at every layer from
    which the image comes by the stream alone; and a pass over the last tokens must give what one
    over all gives. GateError otherwise.

    >>> found = check_interventions(vlm)
    >>> found.safe_from, found.whole_from, max(found.worst, found.worst_tail) < 1e-4
    (0, 0, True)
    """
    images = trial_images()
    inputs = vlm.prepare([images[0], images[2]], [QUESTIONS[0], QUESTIONS[2]])
    trial = Intervened(vlm, inputs)
    _check_itself(vlm, trial)
    whole_from = max(trial.safe_from, _last_beside(vlm))
    return InterventionCheck(
        safe_from=trial.safe_from,
        whole_from=whole_from,
        worst=_check_whole(vlm, trial, whole_from),
        worst_tail=_check_tails(vlm, trial),
    )


def _check_itself(vlm: VLM, trial: Intervened) -> None:
    for layer, stream in enumerate(trial.streams):
        _require_same(vlm, trial.go_on(layer, stream), trial.last, f"on from layer {layer}")
    buffer = vlm.new_buffer(len(trial.last), n_layers=1)
    edits = [Edit(layer=layer, change=torch.clone) for layer in range(vlm.n_layers + 1)]
    with edited(vlm, edits):
        vlm.residuals_into(trial.inputs, buffer, layers=[vlm.n_layers])
    _require_same(vlm, buffer[:, 0], trial.last, "through hooks at all layers")


def _require_same(
    vlm: VLM, got: Float[Tensor, "item d_model"], own: Float[Tensor, "item d_model"], how: str
) -> None:
    got = got.to(own.device)
    if not torch.equal(got, own):
        raise GateError(
            f"a residual stream of {type(vlm.model).__name__} that is patched with itself must "
            f"change nothing, got a difference of {(got - own).abs().max().item():.2g} in the last "
            f"residual of a pass {how}: interventions on this model cannot be trusted"
        )


def _last_beside(vlm: VLM) -> int:
    """The last block that looks at the image by cross attention; 0 if none does."""
    blocks: list[Any] = list(vlm.blocks)
    return max((k for k, block in enumerate(blocks, 1) if hasattr(block, "cross_attn")), default=0)


def _check_whole(vlm: VLM, trial: Intervened, whole_from: int) -> float:
    source, worst = vlm.unembed(trial.last).roll(1, 0), 0.0
    for layer in range(whole_from, vlm.n_layers + 1):
        got = vlm.unembed(trial.go_on(layer, trial.streams[layer].roll(1, 0)))
        what = (
            f"the whole stream of another image, put in at layer {layer} of "
            f"{type(vlm.model).__name__}, must give that image's logits"
        )
        worst = max(worst, _require_close(vlm, got, source, what))
    return worst


def _check_tails(vlm: VLM, trial: Intervened) -> float:
    """Rows of the other image from some token on, by passes that start there and by whole ones."""
    short, worst = Intervened(vlm, trial.inputs, tails=True), 0.0
    n_tokens = trial.streams[0].shape[1]
    for layer in range(trial.safe_from, vlm.n_layers + 1):
        own = trial.streams[layer]
        for start in (n_tokens // 3, 2 * n_tokens // 3, n_tokens - 1):
            other = torch.cat([own[:, :start], own[:, start:].roll(1, 0)], dim=1)
            got, wanted = (vlm.unembed(each.go_on(layer, other)) for each in (short, trial))
            what = (
                f"a pass over the tokens from {start} on, from layer {layer} of "
                f"{type(vlm.model).__name__}, must give what one over all tokens gives"
            )
            worst = max(worst, _require_close(vlm, got, wanted, what))
    return worst


def _require_close(
    vlm: VLM, got: Float[Tensor, "item vocab"], wanted: Float[Tensor, "item vocab"], what: str
) -> float:
    """The largest difference, as a share of the largest logit; GateError if it is too large."""
    share, allowed = float((got - wanted).abs().max() / wanted.abs().max()), tolerance_of(vlm).same
    # Not a number compares as false with everything.
    if not share <= allowed:
        raise GateError(
            f"{what}, got a difference of {share:.2g} of the largest, allowed {allowed:.0e}: "
            "interventions on this model cannot be trusted"
        )
    return share
