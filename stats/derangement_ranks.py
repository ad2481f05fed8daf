"""The rank of the real set of images among K sets in which no scene keeps its own image.

Such a swap of all images is a derangement. This is the test for when each swap costs a forward pass
of the model. Where all relabellings are free (`shuffled_label_test`), that test is exact and
stronger.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from stats.arguments import enough_scenes, finite_array, probability
from stats.streams import chunk_streams

_TIE = 100 * np.finfo(float).eps


@dataclass(frozen=True, slots=True, kw_only=True)
class DerangementRanks:
    """The p-values of the real images, by their rank among swapped ones.

    >>> real, swapped = np.ones((2, 1)), np.zeros((19, 2, 1))
    >>> derangement_rank_test(real, swapped)
    DerangementRanks(p=array([0.05]), omnibus_p=0.05, n_derangements=19)
    """

    p: Float[ndarray, " layer"]
    """One-sided p-values (real above swapped), simultaneous over layers by the maximum statistic;
    at least 1 / (K + 1)."""
    omnibus_p: float
    """The smallest of `p`."""
    n_derangements: int
    """K, the number of swapped sets of images."""


def derangement_rank_test(
    real: Float[ndarray, "scene layer"],
    swapped: Float[ndarray, "derangement scene layer"],
    *,
    level: float = 0.95,
) -> DerangementRanks:
    """Test whether real images score above K derangements of the same images.

    `swapped[k, i]` is the score of scene i's question under the image that derangement k gives
    it. Each set's mean is one draw under the null; the real one is ranked among all K + 1, after
    both were put in the standard deviations of the K + 1 means (a layer without spread has
    statistic 0), by the maximum over layers. What images do alike to all scores is in every set
    and cancels. Under the null the real set is taken as exchangeable with derangements.

    Raises ValueError for fewer derangements than the level needs (19 for level .95, 39 for .975),
    for unequal shapes and for values that are not finite. Source: Phipson & Smyth (2010),
    doi:10.2202/1544-6115.1585.

    >>> rng = np.random.default_rng(0)
    >>> real, swapped = rng.normal(1, 1, (40, 2)), rng.normal(0, 1, (19, 40, 2))
    >>> derangement_rank_test(real, swapped).p.tolist()  # The real set is the best of 20.
    [0.05, 0.05]
    """
    first = finite_array(real, name="real", axes=["scene", "layer"])
    others = finite_array(swapped, name="swapped", axes=["derangement", "scene", "layer"])
    if others.shape[1:] != first.shape:
        raise ValueError(
            f"`swapped` must be [derangement, scene, layer] with the scenes and layers of `real` "
            f"{first.shape}, got shape {others.shape}: pass the same scenes in the same order"
        )
    enough_scenes(len(first), name="real")
    level = probability(level, name="level")
    least = int(np.ceil(1 / (1 - level) - 1e-9)) - 1
    if len(others) < least:
        raise ValueError(
            f"`swapped` must hold at least {least} derangements for level {level:g}, got "
            f"{len(others)}: draw more, its p-value cannot be below 1 / (1 + their number)"
        )
    means = np.concatenate([first.mean(axis=0)[None], others.mean(axis=1)])
    centred = means - means.mean(axis=0)
    spread = centred.std(axis=0)
    alive = spread > 1e-12 * (1 + np.abs(means).max(axis=0))
    z = np.divide(centred, spread, out=np.zeros_like(centred), where=alive)
    largest = z.max(axis=1)
    tie = _TIE * np.abs(z[0])
    p = (1 + (largest[1:, None] >= z[0] - tie).sum(axis=0)) / len(means)
    return DerangementRanks(p=p, omnibus_p=float(p.min()), n_derangements=len(others))


def derangements(
    strata: Int[ndarray, " scene"], *, rng: np.random.Generator, n_derangements: int
) -> Int[ndarray, "derangement scene"]:
    """Uniform random derangements of scenes within their strata: no scene keeps its own image.

    There is one item per scene, and `strata` numbers the questions that were asked: images change
    places only between scenes of the same question. The result holds, for each derangement, the
    scene whose image each scene gets. Raises ValueError for a stratum of a single scene.

    >>> rng = np.random.default_rng(0)
    >>> derangements(np.array([0, 0, 1, 1]), rng=rng, n_derangements=1).tolist()
    [[1, 0, 3, 2]]
    """
    members = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
    lonely = next((rows for rows in members if len(rows) < 2), None)
    if lonely is not None:
        raise ValueError(
            f"`strata` needs at least 2 scenes each, got 1 in {strata[lonely[0]]}: leave that "
            "scene out"
        )
    drawn = np.empty((n_derangements, len(strata)), dtype=np.intp)
    for row, stream in zip(drawn, chunk_streams(rng, n_derangements), strict=True):
        for rows in members:
            moved = stream.permutation(rows)
            while (moved == rows).any():  # One try in e has no fixed point.
                moved = stream.permutation(rows)
            row[rows] = moved
    return drawn
