"""Simulated readouts whose knowledge is planted, and said as loudly as one likes.

They are worlds in which the truth is known, on which estimates can be tried.

What a layer knows is planted as evidence about the answer; how loudly it is said is a factor per
layer, which changes nothing about what can be read from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from stats.arguments import enough_scenes
from stats.simulate import noise

Voice = Literal["constant", "growing", "late", "falling"]

_LOUDEST = 12.0
_PREFERENCE_SD = 0.3
_ASKED_AGAIN = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedAnswers:
    """Scores of every item for every answer, under the item's image and under a blank one."""

    scores: Float[ndarray, "item answer layer"]
    """Scores under the item's own image, as `information` and `shuffled_label_test` take them."""
    blank: Float[ndarray, "item answer layer"]
    """Scores under a blank image: the same for all items of a question, so that they tell nothing
    about the answer."""
    answers: Int[ndarray, " item"]
    """Index of each item's own answer."""
    scenes: Int[ndarray, " item"]
    """The number of each item's scene, that is of its image."""
    questions: Int[ndarray, " item"]
    """The number of the question that each item asks; all are asked about every scene once."""
    known: Int[ndarray, " scene"]
    """1 for a scene that the readout knows something about, 0 for one that it never does."""


def loudness_profile(n_layers: int, voice: Voice) -> Float[ndarray, " layer"]:
    """The factor of the scores at each layer, from 1 to 12.

    The voice "constant" is 1 everywhere, "growing" grows from layer to layer by the same factor,
    and "falling" is "growing" backwards. "late" is 1 except at the last three layers, where it
    grows in equal steps. Raises ValueError for another voice and for fewer than 4 layers.

    >>> loudness_profile(5, "late").round(2).tolist()
    [1.0, 1.0, 4.67, 8.33, 12.0]
    """
    if voice not in get_args(Voice):
        raise ValueError(
            f"`voice` must be one of {list(get_args(Voice))}, got {voice!r}: choose one"
        )
    enough_layers = 4
    if n_layers < enough_layers:
        raise ValueError(f"`n_layers` must be at least {enough_layers}, got {n_layers}: add layers")
    if voice == "constant":
        return np.ones(n_layers)
    if voice == "late":
        return np.r_[np.ones(n_layers - 3), 1 + (_LOUDEST - 1) * np.array([1, 2, 3]) / 3]
    growing = np.geomspace(1, _LOUDEST, n_layers)
    return growing if voice == "growing" else growing[::-1].copy()


def simulated_answer_scores(
    rng: np.random.Generator,
    evidence: Float[ndarray, " layer"],
    *,
    n_scenes: int,
    loudness: Float[ndarray, " layer"] | None = None,
    shares: Sequence[float] = (1 / 3, 1 / 3, 1 / 3),
    n_questions: int = 1,
    never_known: float = 0.0,
    correlation: float = 0.7,
) -> SimulatedAnswers:
    """Simulate scores in which each item's own answer stands out by `evidence` standard deviations.

    An answer's score is `loudness` times the sum of the evidence (if it is the item's own answer),
    noise of standard deviation 1 and the logarithm of the answer's share. Noise correlates by
    `correlation` between neighbouring layers, and half of the variance of an item's noise is shared
    by the items of its scene. A share `never_known` of the scenes gives no evidence at any layer.
    Where there are no such scenes the likeliest reader is that of Gaussian evidence, exp(s r) pi^c
    with s = evidence / loudness and c = 1 - evidence, or 0 where that is negative.

    Raises ValueError for shares that are not positive or do not sum to 1, and for no scenes.

    >>> rng = np.random.default_rng(0)
    >>> world = simulated_answer_scores(rng, np.array([0.0, 9.0]), n_scenes=50, n_questions=2)
    >>> (world.scores[:, :, 1].argmax(axis=1) == world.answers).mean().item()
    1.0
    """
    share = np.asarray(shares, dtype=float)
    if (share <= 0).any() or abs(share.sum() - 1) > 1e-9:
        raise ValueError(f"`shares` must be positive and sum to 1, got {list(shares)}: scale them")
    enough_scenes(n_scenes, name="n_scenes", least=1)
    scenes = np.repeat(np.arange(n_scenes), n_questions)
    questions = np.tile(np.arange(n_questions), n_scenes)
    answers = rng.choice(len(share), len(scenes), p=share)
    known = (rng.random(n_scenes) >= never_known).astype(int)
    shape = (len(share), len(evidence))
    own = noise(rng, (len(scenes), *shape), correlation=correlation)
    of_scene = noise(rng, (n_scenes, *shape), correlation=correlation)
    scores = np.sqrt(0.5) * (own + of_scene[scenes])
    scores += np.log(share)[:, None]
    items = np.arange(len(scenes))
    scores[items, answers] += known[scenes][:, None] * evidence
    preference = _PREFERENCE_SD * noise(rng, (n_questions, *shape), correlation=correlation)
    blank = preference[questions] + np.log(share)[:, None]
    factor = np.ones(len(evidence)) if loudness is None else loudness
    return SimulatedAnswers(
        scores=scores * factor,
        blank=blank * factor,
        answers=answers,
        scenes=scenes,
        questions=questions,
        known=known,
    )


def asked_again(world: SimulatedAnswers, rng: np.random.Generator) -> SimulatedAnswers:
    """The same world, but six of ten questions about a scene only ask its first question again.

    What is true of an item stays true. But the items of a scene are now so alike that a method
    which takes them for independent ones is too sure.

    >>> rng = np.random.default_rng(0)
    >>> world = simulated_answer_scores(rng, np.array([1.0]), n_scenes=2000, n_questions=2)
    >>> repeated = asked_again(world, rng).scores.reshape(2000, 2, -1)
    >>> (repeated[:, 0] == repeated[:, 1]).all(axis=1).mean().round(1).item()
    0.6
    """
    first = np.unique(world.scenes, return_index=True)[1][world.scenes]
    rows = np.where(rng.random(len(first)) < _ASKED_AGAIN, first, np.arange(len(first)))
    return replace(
        world, scores=world.scores[rows], blank=world.blank[rows], answers=world.answers[rows]
    )
