"""What positions, image places and forced tokens need of a loaded model, without its class.

`VLM` is made of them and they work on one: with this between, none of the files imports another in
a circle.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor
from transformers import BatchFeature, PreTrainedModel

from probes.answers.tree import Node


@runtime_checkable
class View(Protocol):
    """A loaded model and its processor, as `VLM` describes every one of these."""

    model: PreTrainedModel
    processor: Any

    @property
    def dtype(self) -> torch.dtype: ...

    def tokens_after(self, question: str) -> list[int]: ...

    def image_boxes(self, size: tuple[int, int]) -> Float[Tensor, "token 4"]: ...

    def prepare(self, images: Sequence[Image.Image], questions: Sequence[str]) -> BatchFeature: ...

    def processed(
        self, images: Sequence[Image.Image], questions: Sequence[str]
    ) -> BatchFeature: ...

    def new_buffer(
        self, n_items: int, *, n_layers: int | None = None, dtype: torch.dtype | None = None
    ) -> Float[Tensor, "item layer d_model"]: ...

    def residuals_into(
        self,
        inputs: Mapping[str, Any],
        buffer: Float[Tensor, "row layer d_model"],
        weights: Float[Tensor, "item place token"] | None = None,
        layers: Sequence[int] | None = None,
    ) -> None: ...

    def residuals_at(
        self,
        inputs: Mapping[str, Any],
        nodes: Sequence[Node],
        buffer: Float[Tensor, "row layer d_model"],
        layers: Sequence[int] | None = None,
    ) -> None: ...

    def streams(
        self,
        write: Callable[[int, Float[Tensor, "item token d_model"]], None],
        layers: Sequence[int] | None = None,
    ) -> AbstractContextManager[None]: ...

    def run(self, inputs: Mapping[str, Any], **arguments: Any) -> Any: ...

    def unembed(
        self, residual: Float[Tensor, "*batch d_model"]
    ) -> Float[Tensor, "*batch vocab"]: ...
