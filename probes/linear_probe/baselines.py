"""What a linear probe can read without the trained decoder: from words, pixels, image features.

A layer's probe is only as telling as what it beats. Features of the image alone come with the
words of the question, since without them most questions have no answer.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from PIL import Image
from torch import Tensor, nn

from data_prep.errors import UserError
from probes.loading.memory import free_bytes
from probes.vlm import VLM

PIXEL_SIDE = 16
# Not 0, with which many a model was initialised: the copy would be its own beginning.
_SEED = 92_821
# Under these names families keep the map from the vision encoder's output to the decoder's width.
_PROJECTORS = ("multi_modal_projector", "connector", "mm_projector", "vision_projector")


def word_features(questions: Sequence[str]) -> Float[ndarray, "item word"]:
    """1 for every word that is in the question, 0 for every other word of the questions.

    >>> word_features(["What color?", "What size?"]).tolist()  # color, size, what
    [[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]
    """
    split = [set(question.lower().replace("?", " ").split()) for question in questions]
    vocabulary = sorted(set().union(*split))
    return np.array([[word in words for word in vocabulary] for words in split], dtype=np.float32)


def pixel_features(images: Sequence[Image.Image]) -> Float[ndarray, "item value"]:
    """Red, green and blue of the image at 16 x 16, in 0..1.

    >>> found = pixel_features([Image.new("RGB", (96, 96), "red")])
    >>> found.shape, found[0, :3].tolist()
    ((1, 768), [1.0, 0.0, 0.0])
    """
    size = (PIXEL_SIDE, PIXEL_SIDE)
    small = [
        np.asarray(image.convert("RGB").resize(size, Image.Resampling.BOX)) for image in images
    ]
    return (np.stack(small).reshape(len(small), -1) / 255).astype(np.float32)


def projector_of(vlm: VLM) -> nn.Module:
    """The module between vision encoder and decoder; UserError if there is none under its name.

    >>> type(projector_of(vlm)).__name__
    'LlavaMultiModalProjector'
    """
    modules = dict(vlm.model.named_modules())
    for path, module in modules.items():
        if path.rpartition(".")[2] in _PROJECTORS:
            return module
    raise UserError(
        f"{type(vlm.model).__name__} has no projector under one of the names "
        f"{', '.join(_PROJECTORS)}: the baselines of vision encoder and projector are left out"
    )


def image_features(
    vlm: VLM, images: Sequence[Image.Image], question: str
) -> tuple[Float[Tensor, "item d_vision"], Float[Tensor, "item d_model"]]:
    """The outputs of the vision encoder, as the model uses it, and of the projector.

    Both are means over the image's tokens. `question` fills the prompt, on which neither depends.
    UserError if the model packs its images otherwise than [image, token, width].

    >>> encoder, projector = image_features(vlm, [Image.new("RGB", (96, 96))], "What is this?")
    >>> projector.shape == (1, vlm.d_model)
    True
    """
    seen: list[Tensor] = []

    def take(_: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        seen.extend([args[0], output])
        raise _Enough

    handle = projector_of(vlm).register_forward_hook(take)
    try:
        with torch.inference_mode():
            vlm.model.base_model(**vlm.prepare(images, [question] * len(images)), use_cache=False)
    except _Enough:
        pass
    finally:
        handle.remove()
    for tensor in seen:
        if not isinstance(tensor, Tensor) or tensor.ndim != 3 or len(tensor) != len(images):
            raise UserError(
                f"{type(vlm.model).__name__} does not keep its image features as [image, token, "
                "width]: the baselines of vision encoder and projector are left out"
            )
    encoder, projector = (tensor.float().mean(1).cpu() for tensor in seen)
    return encoder, projector


class _Enough(Exception):
    """Ends a forward pass: the decoder need not run."""


def randomly_initialised(vlm: VLM, seed: int = _SEED) -> VLM:
    """A copy of the model with fresh weights, as training would start from; never at the gate.

    What a probe reads from it, it owes to the architecture, the tokens and the pixels. UserError if
    a second model does not fit beside the first.

    >>> fresh = randomly_initialised(vlm)
    >>> fresh.name, torch.equal(fresh.unembedding.head, vlm.unembedding.head)
    ('bundled (randomly initialised)', False)
    """
    architecture: Any = type(vlm.model)
    with torch.device("meta"):
        n_weights = sum(each.numel() for each in architecture(vlm.model.config).parameters())
    if n_weights * vlm.dtype.itemsize > free_bytes(vlm.device):
        raise UserError(
            f"a second {type(vlm.model).__name__}, with random weights, does not fit on "
            f"{vlm.device}: that baseline is left out"
        )
    with torch.random.fork_rng():
        # transformers offers no generator for initialisation; the caller's state comes back after.
        torch.manual_seed(seed)
        model = architecture(vlm.model.config).to(device=vlm.device, dtype=vlm.dtype)
    return VLM(
        model=model,
        processor=vlm.processor,
        name=f"{vlm.name} (randomly initialised)",
        revision=f"{vlm.revision}+random{seed}",
        prompt_style=vlm.prompt_style,
    )
