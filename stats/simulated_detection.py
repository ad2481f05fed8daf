"""Simulated yes/no questions about matched pairs of scenes, whose truth is known.

Each pair is asked the same two questions ("is there a dog?"), of which one is answered yes by its
first scene and the other by its second. So a pair is a cluster of four items, two of either kind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.special import ndtr, ndtri

from stats.arguments import enough_scenes, probability

Mitigation = Literal["shift", "gain", "placebo"]

_SHIFT, _SMALL = -0.8, 0.05
"""What a method that only shifts adds to every score, and the spread of its noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseShares:
    """Where the noise of a score comes from, as shares of its variance; the rest is the item's own.

    >>> NoiseShares().scene
    0.2
    """

    clarity: float = 0.1
    """What a pair adds to the scores of its present objects and takes off those of absent ones."""
    scene: float = 0.2
    """What a scene adds to both of its questions."""
    text: float = 0.2
    """What a question adds in both scenes."""


DEFAULT_SHARES = NoiseShares()


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionWorld:
    """Scores of a baseline and of methods for the same items, with their areas in the population.

    >>> world = simulated_detection(np.random.default_rng(0), n_clusters=50, area=0.9)
    >>> world.baseline.shape, world.methods.shape, world.present.mean().item()
    ((200,), (200, 1), 0.5)
    """

    baseline: Float[ndarray, " item"]
    """Scores of the baseline, in standard deviations of its noise; yes is said above 0."""
    methods: Float[ndarray, "item method"]
    """Scores of the methods, likewise."""
    present: Bool[ndarray, " item"]
    """Whether the object is there."""
    clusters: Int[ndarray, " item"]
    """The pair of scenes that the item belongs to, from 0 on."""
    area: float
    """Area under the ROC curve of the baseline in the population."""
    method_areas: Float[ndarray, " method"]
    """Those of the methods."""


def simulated_detection(
    rng: np.random.Generator,
    *,
    n_clusters: int,
    area: float = 0.89,
    mitigations: Sequence[Mitigation] = ("placebo",),
    gain: float = 0.03,
    correlation: float = 0.9,
    bias: float = 0.4,
    shares: NoiseShares = DEFAULT_SHARES,
) -> DetectionWorld:
    """Simulate pairs of scenes (4 items each), a baseline, and one method for each name.

    Scores are normal with standard deviation 1 around their mean, and the baseline's are moved up
    by `bias`, so that it says yes too often. A method that is a "shift" moves all scores down by
    .8 and adds noise of .05; a "placebo" has noise that correlates with the baseline's by
    `correlation`, in each of its parts, and is neither better nor worse; a "gain" is the same with
    an area larger by `gain`. Areas are those of two items of different pairs, as nearly all are.

    Raises ValueError for fewer than 2 clusters, an unknown mitigation, an area that is not between
    0 and 1 with and without the gain, a correlation outside 0..1, and for shares that are negative
    or come to more than 1.

    >>> kinds = ("shift", "placebo", "gain")
    >>> rng = np.random.default_rng(0)
    >>> world = simulated_detection(rng, n_clusters=50, area=0.9, mitigations=kinds)
    >>> world.method_areas.round(3).tolist()
    [0.9, 0.9, 0.93]
    """
    enough_scenes(n_clusters, name="n_clusters")
    parts = np.array([shares.clarity, shares.scene, shares.text])
    if parts.min() < 0 or parts.sum() > 1 or not 0 <= correlation <= 1:
        raise ValueError(
            "`shares` must be at least 0 and come to at most 1, and `correlation` lie in 0..1, got "
            f"{parts.tolist()} and {correlation}: lower them"
        )
    unknown = [each for each in mitigations if each not in get_args(Mitigation)]
    if unknown:
        known = list(get_args(Mitigation))
        raise ValueError(f"`mitigations` must be among {known}, got {unknown[0]!r}: choose these")
    probability(area, name="area")
    probability(area + gain, name="area + gain")
    present = np.tile([True, False, False, True], n_clusters)
    noise = _noise(rng, n_clusters, parts)
    distance = np.sqrt(2) * float(ndtri(area))
    baseline = noise + distance * (present - 0.5) + bias
    columns, areas = [], []
    for kind in mitigations:
        if kind == "shift":
            columns.append(baseline + _SHIFT + _SMALL * rng.standard_normal(len(noise)))
            areas.append(float(ndtr(distance / np.sqrt(2 * (1 + _SMALL**2)))))
            continue
        areas.append(area + gain * (kind == "gain"))
        fresh = np.sqrt(1 - correlation**2) * _noise(rng, n_clusters, parts)
        apart = np.sqrt(2) * float(ndtri(areas[-1]))
        columns.append(correlation * noise + fresh + apart * (present - 0.5) + bias)
    return DetectionWorld(
        baseline=baseline,
        methods=np.stack(columns, axis=1),
        present=present,
        clusters=np.repeat(np.arange(n_clusters), 4),
        area=area,
        method_areas=np.array(areas),
    )


def _noise(
    rng: np.random.Generator, n_clusters: int, parts: Float[ndarray, " part"]
) -> Float[ndarray, " item"]:
    """Noise of variance 1 for the items (scene, text) = 00, 01, 10, 11 of each pair."""
    clarity, scene, text = np.sqrt(parts)
    own = np.sqrt(max(0.0, 1 - parts.sum()))
    is_present = np.array([[1.0, -1.0], [-1.0, 1.0]])
    found = clarity * rng.standard_normal((n_clusters, 1, 1)) * is_present
    found = found + scene * rng.standard_normal((n_clusters, 2, 1))
    found = found + text * rng.standard_normal((n_clusters, 1, 2))
    return (found + own * rng.standard_normal((n_clusters, 2, 2))).ravel()
