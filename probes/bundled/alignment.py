"""Between the stages: image tokens are brought into the space of the words that name them.

LLaVA aligns its projector by captions before it tunes on questions (Liu et al. 2023,
arXiv:2304.08485). With labels for every patch the same is done directly: the projected patch,
read by the model's own norm and head, is to name the object on it. A question's "red" and a red
patch then share a direction, and to look for the one with the other is all that attention has to
learn. Without this, referring questions stayed on a plateau for thousands of steps.
"""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import LlavaForConditionalGeneration, PreTrainedTokenizerFast

from data_prep.attributes import attribute
from data_prep.questions import PROPERTIES
from probes.bundled.scenes import TrainingScenes
from probes.bundled.schedule import Progress, one_cycle

_BATCH = 64
_PEAK_RATE = 3e-3
_ATTENTION_SCALE = 2.0


def attend_by_similarity(model: LlavaForConditionalGeneration) -> None:
    """Lets attention start as a search for similar tokens whose content it copies.

    Keys begin as queries and the output map as the transpose of the values': similar tokens see
    each other from the first step, instead of after the two sides have found together.
    """
    with torch.no_grad():
        for block in model.model.language_model.layers:
            attention = block.self_attn
            attention.q_proj.weight.mul_(_ATTENTION_SCALE)
            attention.v_proj.weight.mul_(_ATTENTION_SCALE)
            attention.k_proj.weight.copy_(attention.q_proj.weight)
            attention.o_proj.weight.copy_(attention.v_proj.weight.T)


def align_projector(
    model: LlavaForConditionalGeneration,
    features: Float[Tensor, "scene view patch width"],
    scenes: TrainingScenes,
    tokenizer: PreTrainedTokenizerFast,
    *,
    steps: int,
    rng: np.random.Generator,
    progress: Progress,
) -> None:
    """Trains projector and embeddings in place: a patch names size, color, material and shape.

    Patches without an object name the pad token, which means nothing anywhere else.
    """
    words = _words(scenes, tokenizer)
    projector, norm = model.model.multi_modal_projector, model.model.language_model.norm
    parameters = [*projector.parameters(), *model.get_input_embeddings().parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=_PEAK_RATE, betas=(0.9, 0.98), weight_decay=0.02)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = _PEAK_RATE * one_cycle(step, steps)
        chosen, views = rng.integers(len(features), size=_BATCH), rng.integers(2, size=_BATCH)
        logits = model.lm_head(norm(projector(features[chosen, views].float())))
        log_p = logits.log_softmax(-1).gather(-1, words[chosen, views])
        loss = -log_p.mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        progress.report(step, steps, loss=loss.item())


def _words(
    scenes: TrainingScenes, tokenizer: PreTrainedTokenizerFast
) -> Int[Tensor, "scene view patch property"]:
    """Token ids that name each patch of a picture (view 0) and of its mirror image (view 1)."""
    labels = torch.from_numpy(scenes.patch_labels).long()
    nothing = tokenizer.encode(str(tokenizer.pad_token), add_special_tokens=False)[0]
    named = torch.full_like(labels, nothing)
    for k, name in enumerate(PROPERTIES):
        ids = [
            tokenizer.encode(f" {answer}", add_special_tokens=False)[0]
            for answer in attribute(name).answers
        ]
        on_object = labels[..., k] >= 0
        named[..., k][on_object] = torch.tensor(ids)[labels[..., k][on_object]]
    grid = int(labels.shape[1] ** 0.5)
    mirrored = named.unflatten(1, (grid, grid)).flip(2).flatten(1, 2)
    return torch.stack([named, mirrored], dim=1)
