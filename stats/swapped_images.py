"""The score under other scenes' images: its exact mean, and what each scene adds to the effect.

The effect against swapped images is a U-statistic: a scene enters it twice, with its own score
and as the image that stands in for others'. An interval that redraws "real minus control" row by
row holds the second role fixed, and is too narrow or too wide by whatever that role carries.
"""

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy import ndarray

from stats.scenes import scene_means


def swapped_scores(
    table: Float[ndarray, "item answer layer"],
    stratum: Int[ndarray, " item"],
    scene: Int[ndarray, " item"],
    names: Shaped[ndarray, " item"],
) -> Float[ndarray, "item answer layer"]:
    """Each item's mean score, per answer, under the images of the other scenes of its stratum.

    It is the exact mean over all swaps. `stratum` numbers the questions and `scene` the scenes, as
    `stats.scenes.codes` makes them. Raises ValueError for a stratum with one scene, which it names
    by its entry in `names`.

    >>> answers = np.array([0, 1, 0, 1])
    >>> scores = np.eye(2)[answers][:, :, None]
    >>> stratum, scene = np.zeros(4, dtype=int), np.arange(4)
    >>> swapped_scores(scores, stratum, scene, np.array(["What is it?"] * 4))[0].round(2).tolist()
    [[0.33], [0.67]]
    """
    swapped = np.empty_like(table)
    for rows in _members(stratum):
        own, cells = _cells(table[rows], scene[rows])
        if len(cells) < 2:
            raise ValueError(
                f"`strata` needs at least 2 scenes each, got 1 in {names[rows[0]]!r}: leave the "
                "item out, or score it with swapped images"
            )
        swapped[rows] = ((cells.sum(axis=0) - cells) / (len(cells) - 1))[own]
    return swapped


def scene_pseudo_values(
    table: Float[ndarray, "item answer layer"],
    labels: Int[ndarray, " item"],
    stratum: Int[ndarray, " item"],
    scene: Int[ndarray, " item"],
) -> Float[ndarray, "scene layer"]:
    """One row per scene, such that their mean is the effect and their spread that of both roles.

    They are the delete-one-scene jackknife pseudo-values of the effect: n effect - (n - 1) (effect
    without the scene, in its own scores and as a swapped image for others). Their mean is the
    effect exactly, whatever the sizes of the strata; to first order they are independent draws (the
    projection of Hoeffding 1948, doi:10.1214/aoms/1177730196), so whatever redraws or tests rows of
    scenes may be used on them. The variance is right to first order and errs upward beyond (Efron &
    Stein 1981, doi:10.1214/aos/1176345462). Whatever a scene adds to all its scores alike, and what
    an answer adds in all scenes alike, cancels in every row as it does in the effect.

    With R the scene's real score in a stratum of n scenes, A the sum of scores of the others'
    images under its answer, B the sum of its image's scores under the others' answers, and T the
    stratum's whole control, a row is R - (A + B - T) / (n - 2). Where n is 2, nothing is left
    without the scene: the two rows are then R - T / 2.

    >>> answers = np.array([0, 1, 0, 1])
    >>> scores = np.eye(2)[answers][:, :, None]
    >>> stratum, scene = np.zeros(4, dtype=int), np.arange(4)
    >>> rows = scene_pseudo_values(scores, answers, stratum, scene)
    >>> rows.mean(axis=0).round(3).tolist()  # 1 under the own image, 1 / 3 under the others.
    [0.667]
    """
    n_scenes = int(scene.max()) + 1
    weight = 1 / np.bincount(scene)[scene]
    rows_by_scene = np.zeros((n_scenes, table.shape[2]))
    onehot = np.eye(table.shape[1])[labels] * weight[:, None]
    for rows in _members(stratum):
        own, cells = _cells(table[rows], scene[rows])
        asked = np.zeros(cells.shape[:2])
        np.add.at(asked, own, onehot[rows])
        under_others = np.einsum("na,nal->nl", asked, cells.sum(axis=0) - cells)
        for_others = np.einsum("na,nal->nl", asked.sum(axis=0) - asked, cells)
        n = len(cells)
        control = under_others.sum(axis=0) / (n - 1)
        share = (under_others + for_others - control) / (n - 2) if n > 2 else control / n
        real = np.zeros_like(under_others)
        np.add.at(real, own, table[rows, labels[rows]] * weight[rows, None])
        rows_by_scene[np.unique(scene[rows])] += real - share
    return rows_by_scene


def _members(labels: Int[ndarray, " item"]) -> list[Int[ndarray, " member"]]:
    """Rows of each label, in rising order of both."""
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.cumsum(np.bincount(labels))[:-1])


def _cells(
    table: Float[ndarray, "item answer layer"], scene: Int[ndarray, " item"]
) -> tuple[Int[ndarray, " item"], Float[ndarray, "scene answer layer"]]:
    """Each item's place among the scenes, and each scene's mean over its items."""
    _, own = np.unique(scene, return_inverse=True)
    means = scene_means(table.reshape(len(table), -1), own)
    return own, means.reshape(-1, *table.shape[1:])
