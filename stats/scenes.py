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
    """Each item's label as its rank among the distinct labels, from 0 on.

    The labels are sorted, so that the order of rows makes no difference. `name` is what the
    argument is called in messages. Raises ValueError unless there is one label per item, and for a
    label that is missing (None or NaN).

    >>> codes(["b", "a", "b"], 3, name="scenes").tolist()
    [1, 0, 1]
    """
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
    values: Float[ndarray, "item column"],
    scene: Int[ndarray, " item"],
) -> Float[ndarray, "scene column"]:
    """Mean over each scene's items: many questions about one image count as one observation.

    `values` has one row per item, and `scene` holds the scene of each row as a whole number from 0
    to the number of scenes - 1, as `codes` makes it. The result has one row per scene, in rising
    order of these numbers, and the unit of the values.

    Raises ValueError where there are no items, where `scene` does not hold one number per item,
    and where a number in between has no items, for a mean of nothing is not a number.

    >>> values = np.array([[1.0], [3.0], [10.0]])
    >>> scene_means(values, np.array([0, 0, 1])).tolist()
    [[2.0], [10.0]]
    """
    if values.ndim != 2 or scene.shape != values.shape[:1]:
        raise ValueError(
            f"`scene` must hold one number per row of `values`, got shape {scene.shape} for "
            f"{values.shape}: pass `values` as [item, column] and the scenes of the same rows"
        )
    if len(values) == 0:
        raise ValueError("`values` must hold at least 1 item, got none: leave empty groups out")
    counts = np.bincount(scene)
    if counts.min() == 0:
        raise ValueError(
            f"`scene` must number the scenes without gaps, got no item of scene {counts.argmin()} "
            f"of {len(counts)}: number them with `codes`"
        )
    order = np.argsort(scene, kind="stable")
    if len(counts) == len(values):
        return values[order]
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return np.add.reduceat(values[order], starts, axis=0) / counts[:, None]


def scene_rows(
    values: Float[ndarray, "item column"], scenes: Labels
) -> Float[ndarray, "scene column"]:
    """Mean over each scene's items, one row per scene in the order of their names.

    `scenes` names the scene of each item, by a text or a number. Raises ValueError as `codes` and
    `scene_means` do.

    >>> scene_rows(np.array([[1.0], [10.0], [3.0]]), ["a", "b", "a"]).tolist()
    [[2.0], [10.0]]
    """
    return scene_means(values, codes(scenes, len(values), name="scenes"))


def item_weights(scene: Int[ndarray, " item"]) -> Float[ndarray, " item"]:
    """The weight of each item in a mean over scenes of the means over each scene's items.

    Every scene weighs the same, and so does every item of one scene; all weights add up to 1.
    `scene` holds the scene of each item as `codes` makes it.

    >>> item_weights(np.array([0, 0, 1])).tolist()
    [0.25, 0.25, 0.5]
    """
    counts = np.bincount(scene)
    return 1 / (counts[scene] * len(counts))


def canonical_order(scenes: Float[ndarray, "scene column"]) -> Float[ndarray, "scene column"]:
    """The same rows sorted by value, so that what is drawn at random cannot depend on their order.

    Values are compared in billionths of the largest, and to the last digit only among rows that are
    equal by that measure: where a column holds nothing but rounding, such as the effect at the
    input of a model, rounding must not decide which scenes are drawn.

    >>> canonical_order(np.array([[2.0, 0.0], [1.0, 5.0], [1.0, 4.0]])).tolist()
    [[1.0, 4.0], [1.0, 5.0], [2.0, 0.0]]
    """
    unit = _ORDERED * np.abs(scenes).max()
    coarse = np.rint(scenes / unit) if unit > 0 else scenes
    order, rank = np.arange(len(scenes)), np.zeros(len(scenes), dtype=np.intp)
    # Column by column, until no two rows are alike: mostly the first few tell them all apart.
    for column in (*coarse.T, *scenes.T):
        order = order[np.lexsort((column[order], rank))]
        rises = np.zeros(len(order), dtype=bool)
        rises[1:] = np.diff(column[order]) != 0
        rises[1:] |= np.diff(rank) != 0
        rank = np.cumsum(rises)
        if len(order) and rank[-1] == len(order) - 1:
            break
    return scenes[order]
