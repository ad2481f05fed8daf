"""Which part does not fit, where a processor and a model cannot be run together."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from data_prep.errors import UserError, lacks_memory
from probes.loading.remarks import reason
from probes.trial import QUESTIONS, trial_images
from probes.unembedding import GateError
from probes.vlm import VLM

SAVED_TOGETHER = "take the configurations, the processor and the weights that were saved together"


@contextmanager
def running(vlm: VLM) -> Iterator[None]:
    """While it lasts, what processor or model raise on images and questions is a GateError.

    >>> with running(vlm):  # doctest: +ELLIPSIS
    ...     raise ValueError("image features and image tokens do not match")
    Traceback (most recent call last):
        ...
    probes.unembedding.GateError: bundled cannot be run on one image and one question, model and ...
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # of a model and a processor from elsewhere, any
        if lacks_memory(error):
            raise UserError(
                f"{vlm.name} does not fit on {vlm.device} with one image and one question: use "
                "--dtype bfloat16, --quantize 4, or spread it over devices with --device-map auto"
            ) from error
        raise GateError(
            f"{vlm.name} cannot be run on one image and one question, {_part(vlm)}: "
            f"{reason(error)}; {SAVED_TOGETHER}"
        ) from error


def _part(vlm: VLM) -> str:
    try:
        inputs = vlm.processed(trial_images()[:1], QUESTIONS[:1])
    # This words an error that is on its way: a processor from elsewhere may fail here once more, as
    # anything, and that is what is said of it; the first error stays the cause.
    except Exception:
        return "its processor fails"
    found = [each for each in (other_mark(vlm), _size(vlm, inputs)) if each is not None]
    return "; ".join(found) or "model and processor do not fit"


def other_mark(vlm: VLM) -> str | None:
    """That processor and model mark the place of the image by different tokens, if they do.

    >>> other_mark(vlm) is None
    True
    """
    mark = getattr(vlm.processor, "image_token", None)
    theirs = getattr(vlm.model.config, "image_token_id", None)
    if not isinstance(mark, str) or theirs is None:
        return None
    ours = vlm.tokenizer.convert_tokens_to_ids(mark)
    if ours == theirs:
        return None
    return (
        f"the processor marks the image by token {ours} ({mark!r}), the model's config.json says "
        f"image token {theirs}"
    )


def _size(vlm: VLM, inputs: Mapping[str, Any]) -> str | None:
    """That the processor makes images of another size than the vision tower takes, if it does."""
    pixels = inputs.get("pixel_values")
    size = getattr(getattr(vlm.model.config, "vision_config", None), "image_size", None)
    if not isinstance(pixels, torch.Tensor) or pixels.ndim < 4 or size is None:
        return None
    wanted = tuple(size) if isinstance(size, list | tuple) else (size, size)
    made = tuple(pixels.shape[-2:])
    if made == wanted:
        return None
    return (
        f"the processor makes images of {made[0]} by {made[1]} pixels, the model's vision_config "
        f"says {wanted[0]} by {wanted[1]}"
    )
