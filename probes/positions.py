"""The positions in the sequence at which residuals are read: one token, or means over several.

A position is told by weights over the tokens of each prompt; the residual read there is the
weighted mean, taken in float32.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from data_prep.errors import UserError
from probes.image_places import shares_of
from probes.image_tokens import image_tokens
from probes.view import View

Weights = Float[Tensor, "item place token"]


@runtime_checkable
class Position(Protocol):
    """What a capture reads of every forward pass."""

    @property
    def name(self) -> str:
        """The name of the position in a store."""
        ...

    @property
    def per_pass(self) -> int:
        """Residuals read of one forward pass."""
        ...

    def read_into(
        self,
        vlm: View,
        inputs: Mapping[str, Any],
        pass_ids: Sequence[str],
        buffer: Float[Tensor, "row layer d_model"],
        layers: Sequence[int] | None = None,
    ) -> None:
        """Run a prepared batch and write what is read of it, pass by pass."""
        ...


class _Weighted(ABC):
    """A position that is told by weights over the tokens of each prompt."""

    __slots__ = ()

    @abstractmethod
    def weights(
        self, vlm: View, inputs: Mapping[str, Any], pass_ids: Sequence[str]
    ) -> Weights | None:
        """Weights that add up to 1 at each place; None for the last token, which needs none."""

    def read_into(
        self,
        vlm: View,
        inputs: Mapping[str, Any],
        pass_ids: Sequence[str],
        buffer: Float[Tensor, "row layer d_model"],
        layers: Sequence[int] | None = None,
    ) -> None:
        """Write the weighted means of the residual stream; see `VLM.residuals_into`."""
        vlm.residuals_into(inputs, buffer, self.weights(vlm, inputs, pass_ids), layers)


@dataclass(frozen=True, slots=True)
class AnswerPosition(_Weighted):
    """The last position of the prompt, from which the answer's first token is predicted."""

    name: str = "answer"
    per_pass: int = 1

    def weights(self, vlm: View, inputs: Mapping[str, Any], pass_ids: Sequence[str]) -> None:
        return None


@dataclass(frozen=True, slots=True)
class ImageMean(_Weighted):
    """The mean over all image tokens."""

    name: str = "image"
    per_pass: int = 1

    def weights(self, vlm: View, inputs: Mapping[str, Any], pass_ids: Sequence[str]) -> Weights:
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

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom; pixel 0 reaches from 0 to 1."""
        x, y, reach = self.x_px, self.y_px, self.half_width_px
        return (x - reach, y - reach, x + reach + 1, y + reach + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectPatches(_Weighted):
    """The mean over the image tokens whose patches show an object, by how much they show of it."""

    squares: Mapping[str, Square]
    """A square inside the object, by pass id."""
    name: str = "object"
    per_pass: int = 1

    def weights(self, vlm: View, inputs: Mapping[str, Any], pass_ids: Sequence[str]) -> Weights:
        shown = image_tokens(vlm, inputs)
        weights = torch.zeros(shown.shape, device=shown.device)
        for row, (there, pass_id) in enumerate(zip(shown, pass_ids, strict=True)):
            square = self.squares[pass_id]
            shares = shares_of(vlm.image_boxes(square.image_size), square.box)
            if int(there.sum()) != len(shares):
                raise UserError(
                    f"the image of {pass_id} has {int(there.sum())} tokens, not the "
                    f"{len(shares)} of an image of {square.image_size} pixels: place the object in "
                    "the image that is shown"
                )
            if not shares.sum() > 0:
                raise UserError(
                    f"the object of {pass_id} lies outside of what the model is shown (its "
                    "processor crops the image): read the position image"
                )
            weights[row, there] = (shares / shares.sum()).to(weights)
        return weights[:, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionEnd(_Weighted):
    """The last token of the question, before whatever the prompt writes after it."""

    questions: Mapping[str, str]
    """The questions that the prompts ask, by pass id."""
    name: str = "question"
    per_pass: int = 1

    def weights(self, vlm: View, inputs: Mapping[str, Any], pass_ids: Sequence[str]) -> Weights:
        ids = inputs["input_ids"]
        weights = torch.zeros(len(ids), 1, ids.shape[1], device=ids.device)
        for row, pass_id in enumerate(pass_ids):
            after = vlm.tokens_after(self.questions[pass_id])
            if ids[row, ids.shape[1] - len(after) :].tolist() != after:
                raise UserError(
                    f"the prompt of {pass_id} does not end in {after}, as its template says it "
                    "would: read the position answer"
                )
            weights[row, 0, -1 - len(after)] = 1
        return weights


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledTokens(_Weighted):
    """Some tokens of each prompt, drawn by the pass's id: of the image, or of the text."""

    kind: Literal["image", "text"]
    per_pass: int
    seed: int

    @property
    def name(self) -> str:
        return f"{self.per_pass} {self.kind} tokens, seed {self.seed}"

    def weights(self, vlm: View, inputs: Mapping[str, Any], pass_ids: Sequence[str]) -> Weights:
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
