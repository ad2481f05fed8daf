"""Made-up residuals: noise, with the answer planted at some layers."""

from collections.abc import Collection

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

ANSWERS = ("cube", "sphere", "cylinder")


def planted(
    *,
    n_scenes: int = 300,
    n_layers: int = 4,
    width: int = 24,
    at: Collection[int] = (),
    items_per_scene: int = 1,
    strength: float = 1.5,
    seed: int = 0,
) -> tuple[Float[Tensor, "item layer d_model"], Int[ndarray, " item"], list[str]]:
    """Residuals, answers and scenes; a scene's items share answer and most of their noise."""
    rng = np.random.default_rng(seed)
    answer = np.repeat(rng.integers(len(ANSWERS), size=n_scenes), items_per_scene)
    scenes = np.repeat([f"scene-{number}" for number in range(n_scenes)], items_per_scene)
    shared = rng.standard_normal((n_scenes, n_layers, width)).repeat(items_per_scene, axis=0)
    residuals = shared + 0.1 * rng.standard_normal(shared.shape)
    # As in a real stream: one direction dwarfs the others, and features differ in scale.
    residuals[..., :1] *= 40
    residuals *= np.exp(rng.normal(size=width))
    directions = rng.standard_normal((len(ANSWERS), width)) * residuals.std((0, 1)) / 2
    for layer in at:
        residuals[:, layer] += strength * directions[answer]
    return torch.tensor(residuals, dtype=torch.float32), answer, scenes.tolist()
