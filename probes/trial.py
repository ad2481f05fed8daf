"""The small built-in batch on which a model is checked, and how exact the checks are."""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from probes.view import View

QUESTIONS = (
    "What is this?",
    "What color is the large thing that is in front of everything else?",
    "What is this?",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """Largest difference allowed, as a share of the largest value compared with."""

    same: float
    """What may lie between two ways to compute the same thing on the same batch."""
    batch: float
    """What may lie between an item alone and in a padded batch, which has other kernels and other
    orders of summation."""


# 8-bit products are rounded by what else is in the batch.
_QUANTIZED = Tolerance(same=2e-2, batch=1e-1)
_TOLERANCES = {
    torch.float32: Tolerance(same=1e-4, batch=1e-3),
    torch.float16: Tolerance(same=5e-3, batch=2e-2),
    torch.bfloat16: Tolerance(same=2e-2, batch=1e-1),
}


def tolerance_of(vlm: View) -> Tolerance:
    """How exact the checks of a model are, by the format of its numbers.

    >>> tolerance_of(vlm)  # in float32
    Tolerance(same=0.0001, batch=0.001)
    """
    quantized = getattr(vlm.model, "is_quantized", False)
    return _QUANTIZED if quantized else tolerance_in(vlm.dtype)


def tolerance_in(dtype: torch.dtype) -> Tolerance:
    """How exact checks are of numbers in a format; double precision is not asked to be exacter.

    >>> tolerance_in(torch.float64) == tolerance_in(torch.float32)
    True
    """
    return _TOLERANCES.get(dtype, _TOLERANCES[torch.float32])


def trial_images() -> list[Image.Image]:
    """Noise, a gradient and one colour: the first and the last share their question.

    >>> [image.size for image in trial_images()]
    [(64, 64), (64, 64), (64, 64)]
    """
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    gradient = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None], ramp[None, ::-1]), axis=-1)
    flat = np.full((64, 64, 3), (200, 40, 40), dtype=np.uint8)
    return [Image.fromarray(np.ascontiguousarray(pixels)) for pixels in (noise, gradient, flat)]
