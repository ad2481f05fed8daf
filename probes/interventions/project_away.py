"""Taking the direction of a word off the residual stream at the image's positions: ProjectAway.

Jiang et al. (2024), arXiv:2410.02762, and their code, github.com/nickjiang2378/vl-interp.
"""

import inspect
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from data_prep.errors import UserError
from probes.families import family_of
from probes.interventions.edit import MaskedChange, require_layer
from probes.vlm import VLM

Stream = Float[Tensor, "item token d_model"]


def projected_away(
    where: Bool[Tensor, "item token"],
    direction: Float[Tensor, "*item d_model"],
    *,
    strength: float,
) -> MaskedChange:
    """The change that takes a direction off where a row points along it: one for all, or for each.

    h becomes h - strength * max(h . t, 0) / |t|^2 * t, calculated in float32: with strength 1 a row
    ends at a right angle to the direction t, above 1 beyond it, and a row that points away from t
    stays as it is, as does everything at strength 0. How long t is does not matter. Of several
    words, make several edits of a layer, one after the other, as the authors do: their rule is the
    same, at one layer, at all image positions, in the prompt's pass (in their demonstration after
    InstructBLIP's block 3 with strength 1.5 and t from layer 1).

    UserError for a direction that is zero or not finite, and, on changing, for one of another
    width or number of items.

    >>> where = torch.tensor([[True, True, False]])
    >>> stream = torch.tensor([[[3.0, 1.0], [-3.0, 1.0], [3.0, 1.0]]])
    >>> projected_away(where, torch.tensor([2.0, 0.0]), strength=1.0)(stream).tolist()
    [[[0.0, 1.0], [-3.0, 1.0], [3.0, 1.0]]]
    """
    length = direction.float().norm(dim=-1, keepdim=True)
    if not (torch.isfinite(length) & (length > 0)).all() or not np.isfinite(strength):
        raise UserError(
            "a direction to project away must be finite and not zero, and so finite the strength, "
            f"got norms {length.flatten().tolist()} and strength {strength}: take a text direction"
        )
    unit = direction.float() / length

    def new(stream: Stream) -> Stream:
        if unit.shape[-1] != stream.shape[-1] or unit.shape[:-1] not in ((), stream.shape[:1]):
            raise UserError(
                f"a direction must be given once, or once for each of {len(stream)} items, of "
                f"width {stream.shape[-1]}, got {tuple(unit.shape)}: take it from this model"
            )
        along = unit.reshape(-1, 1, unit.shape[-1]).to(stream.device)
        wide = stream.float()
        share = (wide * along).sum(-1, keepdim=True).clamp(min=0)
        return (wide - strength * share * along).to(stream.dtype)

    return MaskedChange(where=where, new=new)


def text_direction(vlm: VLM, texts: Sequence[str], layer: int) -> Float[Tensor, "item d_model"]:
    """The residual of each text's last token at a layer, in a pass over this text alone.

    As in the authors' code there is no image and no prompt around the text, only the token with
    which the tokenizer begins. A word of several tokens is represented by its last one, which has
    seen the others. In the model's dtype; all texts are one padded batch, which moves it by no more
    than rounding. A model that reads a prompt ahead (PaliGemma) reads the text so as well.

    UserError for a layer that the model does not have, for no text, an empty one or one with a
    control token (an image token), and for a model that looks at the image by cross attention: it
    leaves those blocks out without an image, and has no image positions to take anything off.

    >>> found = text_direction(vlm, ["green", "a large cube"], 3)
    >>> found.shape == (2, vlm.d_model)
    True
    """
    require_layer(layer, vlm.n_layers)
    if family_of(vlm.model.config).image_layout == "beside":
        raise UserError(
            f"a text's direction needs blocks that work without an image, and those of "
            f"{type(vlm.model).__name__} look at it by cross attention: take another model"
        )
    _require_texts(vlm, texts)
    buffer = vlm.new_buffer(len(texts), n_layers=1)
    vlm.residuals_into(_text_inputs(vlm, texts), buffer, layers=[layer])
    return buffer[:, 0]


def random_direction(
    direction: Float[Tensor, "*item d_model"], rng: np.random.Generator
) -> Float[Tensor, "*item d_model"]:
    """A placebo: directions drawn evenly from all there are, each as long as the one given.

    Any effect of an edit that does not need the word is one of these too.

    >>> placebo = random_direction(torch.tensor([[3.0, 4.0]]), np.random.default_rng(0))
    >>> placebo.shape, round(placebo.norm().item(), 4)
    (torch.Size([1, 2]), 5.0)
    """
    drawn = torch.from_numpy(rng.standard_normal(tuple(direction.shape))).to(direction.device)
    length = direction.double().norm(dim=-1, keepdim=True)
    return (drawn / drawn.norm(dim=-1, keepdim=True) * length).to(direction.dtype)


def _text_inputs(vlm: VLM, texts: Sequence[str]) -> dict[str, Tensor]:
    """Not by the processor: that of some families takes no text without an image."""
    made = vlm.tokenizer(list(texts), return_tensors="pt", padding=True, padding_side="left")
    inputs = {name: made[name].to(vlm.device) for name in ("input_ids", "attention_mask")}
    # Without these PaliGemma looks ahead in a text alone, and does not in a padded batch. 0 is what
    # its processor, and those of other families, give for text.
    taken = inspect.signature(vlm.model.base_model.forward).parameters
    for name in {*vlm.processor.model_input_names}.intersection(taken):
        if name.endswith("token_type_ids"):
            inputs[name] = torch.zeros_like(inputs["input_ids"])
    return inputs


def _require_texts(vlm: VLM, texts: Sequence[str]) -> None:
    if not texts:
        raise UserError("a direction needs at least 1 text, got 0: give a word for each item")
    special = set(vlm.tokenizer.all_special_ids)
    encoded = vlm.tokenizer(list(texts), add_special_tokens=False)["input_ids"]
    for text, tokens in zip(texts, encoded, strict=True):
        if not text.strip() or special.intersection(tokens):
            raise UserError(
                f"a text must have letters, be known to the tokenizer and hold no control token, "
                f"got {text!r}: write the word"
            )
