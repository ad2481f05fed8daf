"""Images under the forward noise of a diffusion model, as visual contrastive decoding uses them.

Leng et al. (2023), arXiv:2311.16922 (VCD), and their code, github.com/DAMO-NLP-SG/VCD.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator
from PIL import Image

from data_prep.errors import UserError

N_STEPS = 1000
"""The steps of the schedule: 0 leaves nearly all of the image, 999 .29 of its amplitude."""
_FLATTEST, _STEEPEST = 1e-5, 0.5e-2


@cache
def image_share(step: int) -> float:
    """alpha_bar at a step, from 0..999: the square of the amplitude that is left of the image.

    It is the product of 1 - beta up to and including this step, with beta = 1e-5 + (5e-3 - 1e-5) *
    sigmoid(x) and x in 1000 even steps from -6 to 6, in float64 (the authors' in float32).
    UserError for a step out of range.
    """
    if not 0 <= step < N_STEPS:
        raise UserError(
            f"a step of the noise must be one of 0..{N_STEPS - 1}, got {step}: 500 is the authors' "
            "usual one"
        )
    return float(_alpha_bar()[step])


def diffusion_noised(
    image: Image.Image,
    *,
    rng: Generator,
    step: int = 500,
    mean: Sequence[float] = (0.5, 0.5, 0.5),
    spread: Sequence[float] = (0.5, 0.5, 0.5),
) -> Image.Image:
    """An image sqrt(alpha_bar) x + sqrt(1 - alpha_bar) e, with e standard normal, as an image.

    x is the image in RGB as (value - mean) / spread, with values, mean and spread from 0 to 1 and
    one of each for red, green and blue: from -1 to 1 unless told otherwise. Every value of every
    pixel has its own e, and the result is rounded to the 8 bits of an image.

    VCD adds its noise to what the processor makes of an image; here the noise has to go through
    the processor, so a step is not the same amount of noise. First, the processor's mean and spread
    are its own: CLIP's spread is about .27, so that with 0.5 the noise weighs nearly twice as much
    against the image, and the image fades to grey, not to the mean colour. Give those of the
    processor (`image_mean`, `image_std`) for VCD's. Second, values outside of the image's range are
    cut off: at step 500 by default 5% of those of a grey image, 39% of a black or white one. Third,
    the noise is added before the image is scaled: a processor that makes it smaller averages noise
    away, so scale an image to the processor's size before.

    The result is decided by image, step, mean, spread and `rng`, from which as many numbers are
    drawn as the image has values, whatever the step. UserError for a step out of range, and for
    means or spreads that are not three finite numbers or a spread that is not above 0.
    """
    share = image_share(step)
    middle, unit = np.array(mean, dtype=np.float64), np.array(spread, dtype=np.float64)
    if middle.shape != (3,) or unit.shape != (3,) or not np.isfinite([middle, unit]).all():
        raise UserError(
            f"mean and spread must be three finite numbers each, for red, green and blue, got "
            f"{list(mean)} and {list(spread)}: give those of an image processor"
        )
    if unit.min() <= 0:
        raise UserError(f"a spread must be above 0, got {list(spread)}: 0.5 is half of the range")
    pixels = (np.asarray(image.convert("RGB"), dtype=np.float64) / 255 - middle) / unit
    noise: Float[ndarray, "row column color"] = rng.standard_normal(pixels.shape)
    noisy = np.sqrt(share) * pixels + np.sqrt(1 - share) * noise
    levels = np.rint((noisy * unit + middle).clip(0, 1) * 255)
    return Image.fromarray(levels.astype(np.uint8))


@cache
def _alpha_bar() -> Float[ndarray, " step"]:
    sigmoid = 1 / (1 + np.exp(-np.linspace(-6, 6, N_STEPS)))
    return np.cumprod(1 - (_FLATTEST + (_STEEPEST - _FLATTEST) * sigmoid))
