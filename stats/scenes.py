"""From items to scenes: one row per scene, the unit that is sampled."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.typing import ArrayLike

_ORDERED = 1e-9

Labels: TypeAlias = ArrayLike | Sequence[object]
"""One name or number per item: a list, an array or a table's column."""


def codes(labels: Labels, n_items: int, *, name: str) -> Int[ndarray, " item"]:
    """Each item's label as its rank among the distinct labels (sorted, so row order is moot)."""
    array = np.asarray(labels)
    if array.shape != (n_items,):
        raise ValueError(
            f"`{name}` must hold one label per item ({n_items}), got shape {array.shape}: "
            "pass the column of the same table, in the same row order"
        )
    missing = array != array if array.dtype.kind in "fc" else np.array([v is None for v in array])
    if array.dtype.kind == "O":
        missing |= np.array([isinstance(v, float) and v != v for v in array], dtype=bool)
    if missing.any():
        item = int(np.argmax(missing))
        raise ValueError(
            f"`{name}` must not be missing, is at item {item}: name it or drop the item"
        )
    return np.unique(array, return_inverse=True)[1]


def scene_means(
    values: Float[ndarray, "item column"], scene: Int[ndarray, " item"]
) -> Float[ndarray, "scene column"]:
    """Mean over each scene's items: many questions about one image count as one observation."""
    order = np.argsort(scene, kind="stable")
    counts = np.bincount(scene)
    if len(counts) == len(values):
        return values[order]
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return np.add.reduceat(values[order], starts, axis=0) / counts[:, None]


def canonical_order(scenes: Float[ndarray, "scene column"]) -> Float[ndarray, "scene column"]:
    """The same rows sorted by value: what is drawn at random then cannot depend on their order.

    Values are compared in billionths of the largest, and only rows that are then equal to the last
    digit: where a column holds nothing but rounding, such as the effect at the input of a model,
    rounding must not decide which scenes are drawn.
    """
    unit = _ORDERED * np.abs(scenes).max()
    coarse = np.rint(scenes / unit) if unit > 0 else scenes
    return scenes[np.lexsort(np.concatenate([scenes.T[::-1], coarse.T[::-1]]))]
