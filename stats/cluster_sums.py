"""Sums over the items of each cluster, and labels of two kinds that items bear."""

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from numpy.typing import ArrayLike


def cluster_sums(
    values: Float[ndarray, "item column"], cluster: Int[ndarray, " item"]
) -> Float[ndarray, "cluster column"]:
    """Sum over each cluster's items, one row per cluster, in the unit of the values.

    `cluster` holds the cluster of each row as a whole number from 0 to the number of clusters - 1,
    without gaps, as `stats.scenes.codes` makes it.

    >>> cluster_sums(np.array([[1.0], [3.0], [10.0]]), np.array([0, 0, 1])).tolist()
    [[4.0], [10.0]]
    """
    order = np.argsort(cluster, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(cluster))[:-1]])
    return np.add.reduceat(values[order], starts, axis=0)


def two_kinds(
    labels: ArrayLike, n_items: int, *, name: str, kinds: tuple[str, str]
) -> Bool[ndarray, " item"]:
    """`labels` as an array of true and false, of which there must be some of each.

    `kinds` says in a message what true and false stand for. Raises ValueError unless there is one
    label of type bool per item, and where all of them are alike.

    >>> two_kinds([True, False], 2, name="positive", kinds=("positive", "negative")).tolist()
    [True, False]
    """
    found = truths(labels, (n_items,), name=name)
    for wanted, kind in zip((True, False), kinds, strict=True):
        if not (found == wanted).any():
            raise ValueError(
                f"`{name}` must hold items of both kinds, got no {kind} one among {n_items}: "
                "add such items or leave the analysis out"
            )
    return found


def truths(labels: ArrayLike, shape: tuple[int, ...], *, name: str) -> Bool[ndarray, "*shape"]:
    """`labels` as an array of true and false of the given shape; ValueError for anything else.

    >>> truths([[True], [False]], (2, 1), name="said_yes").tolist()
    [[True], [False]]
    """
    found = np.asarray(labels)
    if found.dtype != bool or found.shape != shape:
        raise ValueError(
            f"`{name}` must hold true or false in the shape {shape}, got {found.dtype} of shape "
            f"{found.shape}: pass the result of a comparison, in the same row order"
        )
    return found


def ordered_scores(
    scores: ArrayLike, *, name: str, axes: tuple[str, ...]
) -> Float[ndarray, "item *column"]:
    """`scores` as numbers of which only the order counts: infinite ones are welcome.

    Raises ValueError for another number of axes than named, for no values and for a missing one.

    >>> ordered_scores([[-np.inf], [2]], name="scores", axes=("item", "column")).tolist()
    [[-inf], [2.0]]
    """
    found = np.asarray(scores, dtype=float)
    if found.ndim != len(axes) or found.size == 0:
        raise ValueError(
            f"`{name}` must have the axes [{', '.join(axes)}] and hold values, got shape "
            f"{found.shape}: reshape it"
        )
    missing = np.isnan(found)
    if missing.any():
        place = ", ".join(
            f"{axis} {index}" for axis, index in zip(axes, np.argwhere(missing)[0], strict=True)
        )
        raise ValueError(
            f"`{name}` must not be missing (NaN), is at {place}: score that item again or leave it "
            "out (infinite scores are fine)"
        )
    return found
