"""Words whose log-ratio by layer is planted, on the scenes of planted readings."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from analysis.readouts.taken import Readings
from analysis.readouts.word_readings import WordReadings
from data_prep.attributes import attribute_of
from data_prep.competing_words import Competition, competition
from data_prep.controls import derangement
from tests.analysis.planted import ANSWERS, bits

NEAR = {"a": ("x", "y"), "b": ("z",)}


def competing() -> Competition:
    return competition(attribute_of("color", {each: (each,) for each in ANSWERS}), NEAR)


def planted_words(
    readings: Readings,
    lead: Mapping[str, Sequence[float]],
    *,
    whatever: Mapping[str, float] | None = None,
    right: float = 2.0,
    noise: float = 1.0,
    seed: int = 0,
) -> WordReadings:
    """`lead[word][l]` is added to a competing word's logit where its answer is right, in nats, and
    `whatever[word]` in every scene; the right word has `right` more than every other."""
    rng = np.random.default_rng(seed)
    words = competing().groups.answers
    n_layers = readings.real.shape[1]
    logits = noise * rng.standard_normal((len(readings.items), n_layers, len(words) + 20))
    logits[:, :, len(words) :] += 1
    logits[np.arange(len(readings.items)), :, readings.answer_index] += right
    for word, more in lead.items():
        answer = next(answer for answer, near in NEAR.items() if word in near)
        own = readings.answer_index == ANSWERS.index(answer)
        logits[own, :, words.index(word)] += np.array(more)
    for word, more in (whatever or {}).items():
        logits[:, :, words.index(word)] += more
    # Twenty other tokens share the vocabulary.
    return WordReadings(
        words=words,
        log2_share=bits(logits[:, :, : len(words)]).astype(float),
        log2_p=bits(logits).astype(float)[:, :, : len(words)],
        notes=("a note",),
    )


def with_other_images(readings: Readings, words: WordReadings, *, seed: int = 0) -> WordReadings:
    """What is said of each item's words with the image of another scene that is asked the same."""
    donor = derangement(readings.items, np.random.default_rng(seed))
    return replace(words, log2_share=words.log2_share[donor], log2_p=words.log2_p[donor])
