"""From items to scenes, the unit of every test."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from stats.scenes import codes, scene_means


def scene_rows(
    values: Float[ndarray, "item layer"], scene_ids: Sequence[str] | ndarray
) -> Float[ndarray, "scene layer"]:
    """Mean over each scene's items, in the order of scene ids."""
    names = np.asarray(scene_ids, dtype=str)
    scene = codes(names, len(values), name="scene_ids")
    return scene_means(values, scene, summation="sequential")
