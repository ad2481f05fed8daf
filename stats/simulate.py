"""Data whose truth is known: planted onsets, correlated layers, clustered questions, no effect.

Everything that this package claims is tested on such data. Effects are in units of the noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from stats.arguments import enough_scenes

Shape = Literal["step", "linear", "sigmoid"]
Noise = Literal["normal", "t3", "zero_one", "skewed"]

# A sigmoid's slope for which it takes about as many layers as the linear rise.
_SIGMOID_RATE = 4.0


def effect_profile(
    n_layers: int, *, onset: float, plateau: float, shape: Shape = "sigmoid", rise: float = 4.0
) -> Float[ndarray, " layer"]:
    """Mean effect per layer, which rises from 0 to `plateau` and is half of it at layer `onset`.

    The shape "step" jumps at the onset, "linear" rises over `rise` layers, and "sigmoid" is a
    logistic curve that takes about as many. `n_layers` counts states, L + 1. The unit of `plateau`
    is that of the effect. Raises ValueError for an unknown shape, for `n_layers` or `rise` that are
    not positive and for an onset or plateau that is not finite.

    >>> effect_profile(5, onset=2.0, plateau=0.4, shape="step").tolist()
    [0.0, 0.0, 0.4, 0.4, 0.4]
    >>> effect_profile(5, onset=2.0, plateau=0.4, shape="linear", rise=2.0).round(2).tolist()
    [0.0, 0.0, 0.2, 0.4, 0.4]
    """
    if shape not in get_args(Shape):
        raise ValueError(
            f"`shape` must be one of {list(get_args(Shape))}, got {shape!r}: choose one"
        )
    if not (n_layers >= 1 and rise > 0 and np.isfinite([onset, plateau]).all()):
        raise ValueError(
            f"`n_layers` and `rise` must be positive and `onset`, `plateau` finite, got "
            f"{n_layers}, {rise}, {onset}, {plateau}: give layers counted from 0"
        )
    distance = np.arange(n_layers) - onset
    if shape == "step":
        return plateau * (distance >= 0)
    if shape == "linear":
        return plateau * np.clip(distance / rise + 0.5, 0, 1)
    return plateau / (1 + np.exp(-_SIGMOID_RATE * distance / rise))


def noise(
    rng: np.random.Generator,
    shape: Sequence[int],
    *,
    kind: Noise = "normal",
    correlation: float = 0.0,
) -> Float[ndarray, "*dims"]:
    """Noise of mean 0; neighbours along the last axis correlate by `correlation` (AR(1)).

    "normal" and "skewed" (a shifted exponential distribution) have standard deviation 1, "t3" is
    Student's t with three degrees of freedom, and "zero_one" the difference of two coin tosses.
    Correlation is for "normal" only, since the others would lose their shape. Raises ValueError for
    another kind, and for a correlation that is not between -1 and 1 or goes with another kind.

    >>> values = noise(np.random.default_rng(0), (5000, 2), correlation=0.9)
    >>> round(np.corrcoef(values, rowvar=False)[0, 1].item(), 1)
    0.9
    """
    if kind not in get_args(Noise):
        raise ValueError(f"`kind` must be one of {list(get_args(Noise))}, got {kind!r}: choose one")
    if not -1 < correlation < 1 or (correlation and kind != "normal"):
        raise ValueError(
            f"`correlation` must lie between -1 and 1, and be 0 unless `kind` is normal, got "
            f"{correlation} for {kind}: lower it"
        )
    if kind == "t3":
        return rng.standard_t(3, shape)
    if kind == "zero_one":
        return rng.integers(0, 2, shape) - rng.integers(0, 2, shape).astype(float)
    if kind == "skewed":
        return rng.exponential(size=shape) - 1
    values = rng.standard_normal(shape)
    if correlation:
        fresh = np.sqrt(1 - correlation**2)
        for layer in range(1, shape[-1]):
            values[..., layer] *= fresh
            values[..., layer] += correlation * values[..., layer - 1]
    return values


def planted_effect(
    rng: np.random.Generator,
    profile: Float[ndarray, " layer"],
    *,
    n_scenes: int,
    correlation: float = 0.0,
    kind: Noise = "normal",
) -> Float[ndarray, "scene layer"]:
    """Effects of scenes around a mean `profile`, with noise as by `noise`.

    A profile of zeros gives data without an effect. Raises ValueError for fewer than 1 scene.

    >>> effect = planted_effect(np.random.default_rng(0), np.array([1.0, 3.0]), n_scenes=1000)
    >>> effect.shape, effect.mean(axis=0).round(1).tolist()
    ((1000, 2), [1.0, 3.0])
    """
    enough_scenes(n_scenes, name="n_scenes", least=1)
    return profile + noise(rng, (n_scenes, len(profile)), kind=kind, correlation=correlation)


def clustered_items(
    rng: np.random.Generator,
    *,
    n_scenes: int,
    n_questions: int,
    n_columns: int,
    intraclass: float,
    kind: Noise = "normal",
) -> tuple[Float[ndarray, "item column"], Int[ndarray, " item"]]:
    """Values of items with mean 0, and the scene of each, `n_questions` items per scene.

    Two items of one scene correlate by `intraclass`, in every column. Raises ValueError for an
    `intraclass` that is not between 0 and 1.

    >>> values, scene = clustered_items(
    ...     np.random.default_rng(0), n_scenes=2, n_questions=3, n_columns=1, intraclass=1.0
    ... )
    >>> scene.tolist(), np.unique(values).size  # All items of a scene are alike.
    ([0, 0, 0, 1, 1, 1], 2)
    """
    if not 0 <= intraclass <= 1:
        raise ValueError(f"`intraclass` must lie in 0..1, got {intraclass}: pass a share")
    shared = noise(rng, (n_scenes, 1, n_columns), kind=kind)
    own = noise(rng, (n_scenes, n_questions, n_columns), kind=kind)
    values = np.sqrt(intraclass) * shared + np.sqrt(1 - intraclass) * own
    return values.reshape(-1, n_columns), np.repeat(np.arange(n_scenes), n_questions)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedScores:
    """Scores of every item for every answer, one item per scene, and what is true of them."""

    scores: Float[ndarray, "item answer layer"]
    """Scores in the form that `shuffled_label_test` takes."""
    answers: Int[ndarray, " item"]
    """Index of each item's own answer."""
    strata: Int[ndarray, " item"]
    """The number of the question that was asked about each item."""
    effect: Float[ndarray, " layer"]
    """Mean of real minus swapped in the population of scenes."""


def simulated_scores(
    rng: np.random.Generator,
    profile: Float[ndarray, " layer"],
    *,
    n_scenes: int,
    shares: Sequence[float] = (0.4, 0.3, 0.2, 0.1),
    n_strata: int = 5,
    image_sd: float = 0.0,
    answer_sd: float = 0.0,
    confidence: float = 0.0,
) -> SimulatedScores:
    """Simulate scores with the population effect `profile`, and the nuisances that real ones have.

    `shares` are the answers' probabilities in the population. `image_sd` is the standard deviation
    of what an image adds to the scores of all answers alike, `answer_sd` that of what an answer
    adds under all images alike, and `confidence` in [0, 1] says how unequally well scenes are
    known: a confident scene's log-probability of the right answer is near 0, of the others far
    below.

    >>> world = simulated_scores(np.random.default_rng(0), np.array([0.0, 0.5]), n_scenes=40)
    >>> world.scores.shape, world.effect.tolist()
    ((40, 4, 2), [0.0, 0.5])
    """
    share = np.asarray(shares, dtype=float)
    answers = rng.choice(len(share), n_scenes, p=share)
    scores = rng.standard_normal((n_scenes, len(share), len(profile)))
    scores += image_sd * rng.standard_normal((n_scenes, 1, 1))
    scores += answer_sd * rng.standard_normal((1, len(share), 1))
    known = (np.eye(len(share))[answers] - 1) / np.sum(share * (1 - share))
    certainty = 1 + confidence * (rng.exponential(size=n_scenes) - 1)
    scores += (certainty[:, None] * known)[:, :, None] * profile
    return SimulatedScores(
        scores=scores,
        answers=answers,
        strata=rng.permutation(np.arange(n_scenes) % n_strata),
        effect=np.asarray(profile, dtype=float),
    )
