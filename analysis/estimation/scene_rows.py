"""From items to scenes, the unit of every test."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray


def scene_rows(
    values: Float[ndarray, "item layer"], scene_ids: Sequence[str] | ndarray
) -> Float[ndarray, "scene layer"]:
    """Mean over each scene's items, in the order of scene ids."""
    _, scene = np.unique(np.asarray(scene_ids, dtype=str), return_inverse=True)
    sums = np.zeros((scene.max() + 1, values.shape[1]))
    np.add.at(sums, scene, values)
    return sums / np.bincount(scene)[:, None]
