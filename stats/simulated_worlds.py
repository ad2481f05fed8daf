"""Readouts whose knowledge is known, said as loudly as one likes: worlds to try estimates on.

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
    """Scores of every item for every answer under its image and under none."""

    scores: Float[ndarray, "item answer layer"]
    """Under the item's own image, as `information` and `shuffled_label_test` take them."""
    blank: Float[ndarray, "item answer layer"]
    """Under no image: the same for all items of a question, which tells nothing of the answer."""
    answers: Int[ndarray, " item"]
    """Index of each item's own answer."""
    scenes: Int[ndarray, " item"]
    """The item's image."""
    questions: Int[ndarray, " item"]
    """What was asked; every scene is asked all of them once."""
    known: Int[ndarray, " scene"]
    """1 for a scene that the readout knows something about, 0 for one that it never does."""


def loudness_profile(n_layers: int, voice: Voice) -> Float[ndarray, " layer"]:
    """Factors by which scores are multiplied, from 1 to 12.

    "constant" is 1 everywhere, "growing" grows from layer to layer by the same factor, "falling" is
    that backwards, "late" is 1 but for the last three layers, where it grows in equal steps.
    """
    if voice not in get_args(Voice):
        raise ValueError(f"`voice` must be one of {list(get_args(Voice))}, got {voice!r}: choose")
    enough_layers = 4
    if n_layers < enough_layers:
        raise ValueError(
            f"`n_layers` must be at least {enough_layers}, got {n_layers}: the last 3 differ"
        )
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
    """Scores of items whose own answer stands out by `evidence` standard deviations.

    An answer's score is `loudness` times (evidence if it is the item's own + unit noise + the
    logarithm of its share). Noise correlates by `correlation` between neighbouring layers; half of
    the variance of an item's noise is its scene's. A share `never_known` of the scenes gives no
    evidence at any layer. With none of them the likeliest reader is that of Gaussian evidence,
    exp(s r) pi^c with s = evidence / loudness and c = 1 - evidence, or its bound.
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
    """The same world, in which six of ten questions of a scene are the first one asked again.

    What holds of an item holds as before; what tells scenes apart now outweighs what tells items.
    """
    first = np.unique(world.scenes, return_index=True)[1][world.scenes]
    rows = np.where(rng.random(len(first)) < _ASKED_AGAIN, first, np.arange(len(first)))
    return replace(
        world, scores=world.scores[rows], blank=world.blank[rows], answers=world.answers[rows]
    )
