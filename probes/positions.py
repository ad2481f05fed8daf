"""Where in the sequence residuals are read: one position, or means over several.

A position is told by weights over the tokens of each prompt; the residual read there is the
weighted mean, taken in float32.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn.functional import avg_pool2d

from data_prep.errors import UserError

if TYPE_CHECKING:
    from probes.vlm import VLM

Weights = Float[Tensor, "item place token"]


@runtime_checkable
class Position(Protocol):
    """What a capture reads of every forward pass."""

    @property
    def name(self) -> str:
        """As it is called in a store."""
        ...

    @property
    def per_pass(self) -> int:
        """Residuals read of one forward pass."""
        ...

    def weights(
        self, vlm: "VLM", inputs: Mapping[str, Any], pass_ids: Sequence[str]
    ) -> Weights | None:
        """Weights over the tokens, adding up to 1; None for the last token, which needs none."""
        ...


@dataclass(frozen=True, slots=True)
class AnswerPosition:
    """The last position of the prompt, from which the answer's first token is predicted."""

    name: str = "answer"
    per_pass: int = 1

    def weights(self, vlm: "VLM", inputs: Mapping[str, Any], pass_ids: Sequence[str]) -> None:
        return None


@dataclass(frozen=True, slots=True)
class ImageMean:
    """The mean over all image tokens."""

    name: str = "image"
    per_pass: int = 1

    def weights(self, vlm: "VLM", inputs: Mapping[str, Any], pass_ids: Sequence[str]) -> Weights:
        shown = image_tokens(vlm, inputs).float()
        return (shown / shown.sum(1, keepdim=True))[:, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Square:
    """A square in an image, all in its pixels; y downwards."""

    x_px: float
    y_px: float
    half_width_px: float
    image_size: tuple[int, int]
    """Width and height of the image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectPatches:
    """The mean over the image tokens whose patches show an object, by how much they show of it."""

    squares: Mapping[str, Square]
    """By pass id: a square inside the object."""
    name: str = "object"
    per_pass: int = 1

    def weights(self, vlm: "VLM", inputs: Mapping[str, Any], pass_ids: Sequence[str]) -> Weights:
        shown = image_tokens(vlm, inputs)
        rows = [patch_weights(vlm, self.squares[pass_id]) for pass_id in pass_ids]
        weights = torch.zeros(shown.shape, device=shown.device)
        for row, (there, of_patches, pass_id) in enumerate(zip(shown, rows, pass_ids, strict=True)):
            if int(there.sum()) != len(of_patches):
                raise UserError(
                    f"{type(vlm.model).__name__} shows an image by {int(there.sum())} tokens, not "
                    f"by the {len(of_patches)} patches of one grid: read the position answer or "
                    "image"
                )
            if not of_patches.sum() > 0:
                raise UserError(
                    f"the object of {pass_id} lies outside of what the model is shown (its "
                    "processor crops the image): read the position image"
                )
            weights[row, there] = (of_patches / of_patches.sum()).to(weights)
        return weights[:, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledTokens:
    """Some tokens of each prompt, drawn by the pass's id: of the image, or of the text."""

    kind: Literal["image", "text"]
    per_pass: int
    seed: int

    @property
    def name(self) -> str:
        return f"{self.per_pass} {self.kind} tokens, seed {self.seed}"

    def weights(self, vlm: "VLM", inputs: Mapping[str, Any], pass_ids: Sequence[str]) -> Weights:
        image = image_tokens(vlm, inputs)
        there = image if self.kind == "image" else inputs["attention_mask"].bool() & ~image
        weights = torch.zeros(len(there), self.per_pass, there.shape[1], device=there.device)
        for row, (tokens, pass_id) in enumerate(zip(there, pass_ids, strict=True)):
            places = tokens.nonzero()[:, 0].cpu().numpy()
            if len(places) < self.per_pass:
                raise UserError(
                    f"need at least {self.per_pass} {self.kind} tokens in a prompt, got "
                    f"{len(places)} in that of {pass_id}: take fewer per item"
                )
            rng = np.random.default_rng([self.seed, *pass_id.encode()])
            chosen = rng.choice(places, self.per_pass, replace=False)
            weights[row, torch.arange(self.per_pass), torch.from_numpy(np.sort(chosen))] = 1
        return weights


def image_tokens(vlm: "VLM", inputs: Mapping[str, Any]) -> Bool[Tensor, "item token"]:
    """Which tokens stand for the image. UserError for a model whose sequence has none."""
    config = vlm.model.config
    token = getattr(config, "image_token_id", None)
    token = getattr(config, "image_token_index", None) if token is None else token
    found = inputs["input_ids"] == token
    if token is None or not found.any(1).all():
        raise UserError(
            f"{type(vlm.model).__name__} has no image tokens in its sequence: only the answer "
            "position can be read"
        )
    return found


def patch_weights(vlm: "VLM", square: Square) -> Float[Tensor, " patch"]:
    """How much each patch shows of a square, in the order of the image tokens.

    Found by sending pictures with and without the square through the model's own image
    processor, so that its resizing and cropping need not be known. UserError unless an image is
    one grid of patches.
    """
    with_square, without = (_pixels(vlm, _picture(square, shown)) for shown in (True, False))
    patch = getattr(vlm.model.config.vision_config, "patch_size", None)
    if with_square.ndim != 4 or len(with_square) != 1 or not isinstance(patch, int):
        raise UserError(
            f"{type(vlm.model).__name__} does not show an image as one grid of patches: read the "
            "position answer or image"
        )
    mask = (with_square - without).abs().mean(1, keepdim=True)
    return avg_pool2d(mask, patch).flatten()


def _pixels(vlm: "VLM", picture: Image.Image) -> Tensor:
    return vlm.processor.image_processor(picture, return_tensors="pt")["pixel_values"].float()


def _picture(square: Square, shown: bool) -> Image.Image:
    picture = Image.new("RGB", square.image_size)
    if shown:
        reach = square.half_width_px
        box = (square.x_px - reach, square.y_px - reach, square.x_px + reach, square.y_px + reach)
        ImageDraw.Draw(picture).rectangle(box, fill="white")
    return picture
