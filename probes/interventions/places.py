"""The kinds of positions at which one can intervene, as masks over the tokens of a batch."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from data_prep.errors import UserError
from data_prep.scenes import Box
from probes.families import family_of
from probes.image_places import shares_of
from probes.image_tokens import image_tokens
from probes.view import View

Kind = Literal["image", "object", "rest", "question", "answer"]
"""All image tokens; those that show the object; those that do not; all text tokens but the last;
the last token of the prompt."""
Positions = Bool[Tensor, "item token"]
SHARE_OF_BOX, SHARE_OF_TOKEN = 0.05, 0.5
"""A token shows an object if it holds at least so much of the object's box, or if the box covers
at least so much of the token: the first finds what shows a small object, the second what lies
inside of a large one."""


def places(
    vlm: View,
    inputs: Mapping[str, Any],
    kinds: Sequence[str],
    *,
    boxes: Sequence[Sequence[Box]] | None = None,
    image_sizes: Sequence[tuple[int, int]] | None = None,
) -> dict[str, Positions]:
    """Which tokens of each prompt are of each kind; padding is of none.

    "object" and "rest" need the boxes of each item's object, one or several (as where it lies
    elsewhere in another image), and each image's width and height. UserError for an unknown kind,
    for image positions of a model that has none, and for an object that no token shows.

    >>> from PIL import Image
    >>> inputs = vlm.prepare([Image.new("RGB", (96, 96))], ["What is this?"])
    >>> corner = [(0.0, 0.0, 24.0, 12.0)]
    >>> found = places(vlm, inputs, get_args(Kind), boxes=[corner], image_sizes=[(96, 96)])
    >>> {kind: mask.sum().item() for kind, mask in found.items()}
    {'image': 64, 'object': 2, 'rest': 62, 'question': 11, 'answer': 1}
    """
    found: dict[str, Positions] = {}
    for kind in kinds:
        match kind:
            case "image":
                found[kind] = image_tokens(vlm, inputs)
            case "object" | "rest":
                shown = _object(vlm, inputs, boxes, image_sizes)
                found[kind] = shown if kind == "object" else image_tokens(vlm, inputs) & ~shown
            case "question":
                found[kind] = _text(vlm, inputs) & ~_answer(inputs)
            case "answer":
                found[kind] = _answer(inputs)
            case _:
                raise UserError(
                    f"a kind of positions must be one of {', '.join(get_args(Kind))}, got "
                    f"{kind!r}: image is every image token, object those that show the object"
                )
    return found


def shows_object(vlm: View, boxes: Sequence[Box], size: tuple[int, int]) -> Bool[Tensor, " token"]:
    """Which image tokens show what lies in one of the boxes, in an image of this width and height.

    None does where the processor crops the object away. UserError for a box outside the image.

    >>> shows_object(vlm, [(0.0, 0.0, 24.0, 12.0)], (96, 96)).nonzero()[:, 0].tolist()
    [0, 1]
    """
    shows = torch.zeros(len(vlm.image_boxes(size)), dtype=torch.bool)
    for box in boxes:
        shows |= _showing(vlm, box, size)
    return shows


def elsewhere(shown: Positions, image: Positions, rng: np.random.Generator) -> Positions:
    """As many image positions as show the object, drawn evenly from the rest of the image.

    UserError where the rest has too few.

    >>> shown = torch.tensor([[True, False, False, False]])
    >>> image = torch.tensor([[True, True, False, False]])
    >>> elsewhere(shown, image, np.random.default_rng(0)).tolist()
    [[False, True, False, False]]
    """
    out = torch.zeros_like(image)
    for row, (own, all_of_it) in enumerate(zip(shown, image, strict=True)):
        rest = (all_of_it & ~own).nonzero()[:, 0].cpu().numpy()
        wanted = int(own.sum())
        if len(rest) < wanted:
            raise UserError(
                f"the rest of image {row} must have at least as many tokens as show the object, "
                f"{wanted}, got {len(rest)}: leave out items whose object fills half of the image"
            )
        out[row, torch.from_numpy(np.sort(rng.choice(rest, wanted, replace=False)))] = True
    return out


def _answer(inputs: Mapping[str, Any]) -> Positions:
    """Prompts are padded on the left, so that the last token is the last of each."""
    out = torch.zeros_like(inputs["input_ids"], dtype=torch.bool)
    out[:, -1] = True
    return out


def _text(vlm: View, inputs: Mapping[str, Any]) -> Positions:
    there = inputs["attention_mask"].bool()
    # An image beside the text has no tokens but the mark of where it came.
    beside = family_of(vlm.model.config).image_layout == "beside"
    return there if beside else there & ~image_tokens(vlm, inputs)


def _object(
    vlm: View,
    inputs: Mapping[str, Any],
    boxes: Sequence[Sequence[Box]] | None,
    image_sizes: Sequence[tuple[int, int]] | None,
) -> Positions:
    image = image_tokens(vlm, inputs)
    sizes = (len(boxes or ()), len(image_sizes or ()))
    if boxes is None or image_sizes is None or sizes != (len(image), len(image)):
        raise UserError(
            f"positions of objects need boxes and a size for each of {len(image)} images, got "
            f"{sizes[0]} and {sizes[1]}: give those of these items"
        )
    out = torch.zeros_like(image)
    for row, (there, own, size) in enumerate(zip(image, boxes, image_sizes, strict=True)):
        shows = shows_object(vlm, own, size)
        if int(there.sum()) != len(shows):
            raise UserError(
                f"image {row} has {int(there.sum())} tokens, not the {len(shows)} of an image of "
                f"{size} pixels: give the size of the image that is shown"
            )
        if not shows.any():
            raise UserError(
                f"no token shows the object of item {row} (boxes {list(own)}; a processor may crop "
                "the image): leave the item out"
            )
        out[row, there] = shows.to(out.device)
    return out


def _showing(vlm: View, box: Box, size: tuple[int, int]) -> Bool[Tensor, " token"]:
    (left, top, right, bottom), (width, height) = box, size
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    if left >= right or top >= bottom:
        raise UserError(
            f"an object's box must lie in its image of {size} pixels, got {box}: give left, top, "
            "right and bottom in pixels of that image"
        )
    tokens = vlm.image_boxes(size)
    share_of_token = shares_of(tokens, (float(left), float(top), float(right), float(bottom)))
    area = (tokens[:, 2:] - tokens[:, :2]).prod(1).nan_to_num(nan=0.0)
    share_of_box = share_of_token * area / ((right - left) * (bottom - top))
    return (share_of_box >= SHARE_OF_BOX) | (share_of_token >= SHARE_OF_TOKEN)
