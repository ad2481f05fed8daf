"""Words whose log-ratio by layer is planted, on the scenes of planted readings."""

from collections.abc import Mapping, Sequence

import numpy as np

from analysis.readings.readings import Readings
from analysis.readings.word_readings import WordReadings
from data_prep.attributes import attribute_of
from data_prep.competing_words import Competition, competition
from tests.analysis.planted import ANSWERS, bits

NEAR = {"a": ("x", "y"), "b": ("z",)}


def competing() -> Competition:
    return competition(attribute_of("color", {each: (each,) for each in ANSWERS}), NEAR)


def planted_words(
    readings: Readings, lead: Mapping[str, Sequence[float]], *, noise: float = 1.0, seed: int = 0
) -> WordReadings:
    """`lead[word][l]` is added to a competing word's logit where its answer is right, in nats; the
    right word has 2 more than every other."""
    rng = np.random.default_rng(seed)
    words = competing().groups.answers
    n_layers = readings.real.shape[1]
    logits = noise * rng.standard_normal((len(readings.items), n_layers, len(words) + 20))
    logits[:, :, len(words) :] += 1
    logits[np.arange(len(readings.items)), :, readings.answer_index] += 2
    for word, more in lead.items():
        answer = next(answer for answer, near in NEAR.items() if word in near)
        own = readings.answer_index == ANSWERS.index(answer)
        logits[own, :, words.index(word)] += np.array(more)
    # Twenty other tokens share the vocabulary.
    return WordReadings(
        words=words, log2_p=bits(logits).astype(float)[:, :, : len(words)], notes=("a note",)
    )
