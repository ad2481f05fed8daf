"""Simulated effects of activation patching whose truth is known, and models that know nothing."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from stats.simulate import noise

Fall = Literal["step", "gradual"]

N_LAYERS = 13
_FIRST_LAYERS = {"step": (6, 6), "gradual": (3, 9)}
"""First and last of the layers at which a pair's effect may first be at the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchedPairs:
    """What patches move in simulated pairs of images, with the truth about it.

    >>> world = simulated_patches(np.random.default_rng(0), "step", n_scenes=40)
    >>> world.image.shape, world.total.shape, world.crossing
    ((40, 13), (40,), 5.5)
    """

    image: Float[ndarray, "scene layer"]
    """What patching the image's positions moves: all at layer 0, nothing at the last layer."""
    answer: Float[ndarray, "scene layer"]
    """What patching the answer's position moves: nothing at layer 0, all at the last layer."""
    total: Float[ndarray, " scene"]
    """The total effect, in the unit of a known pair's typical effect."""
    share: Float[ndarray, " layer"]
    """The share of the total effect that is at the image's positions, in the population."""
    crossing: float
    """Where that share falls past one half, interpolated between layers."""


def simulated_patches(
    rng: np.random.Generator,
    fall: Fall,
    *,
    n_scenes: int,
    known: float = 0.5,
    noise_sd: float = 0.5,
) -> PatchedPairs:
    """Simulate pairs of which the model knows a share `known`; the others' totals are around -.2.

    All totals have heavy tails (Student's t with 3 degrees of freedom). Each pair's effect moves
    from the image to the answer at one layer: the same in all pairs ("step"), or anywhere in seven
    of them, so that the mean falls slowly ("gradual"). Noise that is correlated over layers (.9) is
    added where the share is not exact by construction.

    >>> world = simulated_patches(np.random.default_rng(0), "gradual", n_scenes=2)
    >>> world.share.round(2).tolist()
    [1.0, 1.0, 1.0, 0.86, 0.71, 0.57, 0.43, 0.29, 0.14, 0.0, 0.0, 0.0, 0.0]
    """
    layers = np.arange(N_LAYERS)
    first, last = _FIRST_LAYERS[fall]
    moves_at = rng.integers(first, last + 1, size=(n_scenes, 1))
    centre = np.where(rng.random(n_scenes) < known, 2.0, -0.2)
    total = centre + noise(rng, (n_scenes,), kind="t3")
    inner = (layers > 0) & (layers < N_LAYERS - 1)
    image, answer = (
        total[:, None] * there
        + noise_sd * inner * noise(rng, (n_scenes, N_LAYERS), correlation=0.9)
        for there in (layers < moves_at, layers >= moves_at)
    )
    share = 1 - np.clip((layers - first + 1) / (last - first + 1), 0, 1)
    return PatchedPairs(image=image, answer=answer, total=total, share=share, crossing=5.5)


def random_model_odds(
    rng: np.random.Generator,
    *,
    n_scenes: int,
    n_answers: int,
    offset_sd: float = 10.0,
    effect_sd: float = 0.5,
) -> tuple[Float[ndarray, " scene"], Float[ndarray, " scene"]]:
    """Log odds of the source's answer, under base and source, from a model that knows nothing.

    Its weights are random, so each answer has a preference of its own (standard deviation
    `offset_sd`), and exchanging an image with one answer for one with another moves the log odds by
    an effect of random sign (`effect_sd`) that is the same in all pairs with these two answers. The
    noise of a scene has standard deviation 1.

    >>> base, source = random_model_odds(np.random.default_rng(0), n_scenes=50, n_answers=3)
    >>> base.shape, source.shape
    ((50,), (50,))
    """
    first = rng.integers(n_answers, size=n_scenes)
    second = (first + rng.integers(1, n_answers, size=n_scenes)) % n_answers
    preference = offset_sd * rng.standard_normal(n_answers)
    effects = effect_sd * rng.standard_normal((n_answers, n_answers))
    effect = effects[np.minimum(first, second), np.maximum(first, second)]
    middle = preference[second] - preference[first]
    base = middle - effect / 2 + rng.standard_normal(n_scenes)
    source = middle + effect / 2 + rng.standard_normal(n_scenes)
    return base, source
