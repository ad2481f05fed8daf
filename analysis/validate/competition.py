"""Claims about words that a model prefers whatever it is shown: what is then said to come from the
image."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import log_softmax

from analysis.confusion.image_adds import added_rows
from analysis.confusion.rivals import Rivals, rivals_of, under
from analysis.readouts.taken import Readings
from analysis.readouts.word_readings import WordReadings
from analysis.validate.scale import Finding, Scale
from data_prep.attributes import attribute_of
from data_prep.competing_words import competition
from data_prep.controls import derangement
from stats import sign_flip_max_t

_SECTION = "8a"
_ANSWERS, _NEAR = ("a", "b", "c"), {"a": ("x",), "b": ("y",), "c": ("z",)}
_COMPETING = competition(attribute_of("kind", {each: (each,) for each in _ANSWERS}), _NEAR)
_WORDS = _COMPETING.groups.answers
_SCENES, _LAYERS, _FLIPS = 96, 6, 199
_PREFERENCE = 2.0
"""Lead of the competing words in every scene, in nats of log-probability."""


def competition_claims(scale: Scale) -> Iterator[Finding]:
    """Level and power of the test of what the image adds, with the plain log-ratio beside it, and
    answers that turn."""
    yield from _level(scale, swapped=False)
    yield from _level(scale, swapped=True)
    yield from _power(scale)
    yield from _turned(scale)


def _level(scale: Scale, *, swapped: bool) -> Iterator[Finding]:
    rng, repetitions = scale.rng(8, 1, int(swapped)), max(100, scale.repetitions // 2)
    rejected = np.zeros((2, 2))
    for _ in range(repetitions):
        rejected += _rejected(rng, seen=0.0, swapped=swapped)
    way = "images swapped" if swapped else "images of the same text"
    plain, added = rejected / repetitions
    for name, share in zip(("all answers", "a pair"), added, strict=True):
        yield scale.rate(_SECTION, f"what the image adds to a preferred word, {name}, {way}",
                         share, 0.0, 0.06, repetitions=repetitions)  # fmt: skip
    yield scale.rate(_SECTION, f"plain log-ratio of a preferred word fails, {way}", plain[0],
                     0.9, 1.0, repetitions=repetitions)  # fmt: skip


def _power(scale: Scale) -> Iterator[Finding]:
    rng, repetitions = scale.rng(8, 2), max(100, scale.repetitions // 4)
    found = sum(_rejected(rng, seen=1.0, swapped=False)[1, 0] for _ in range(repetitions))
    yield scale.rate(_SECTION, "what the image adds, where it adds 1 nat", found / repetitions,
                     0.9, 1.0, measures="power", repetitions=repetitions)  # fmt: skip


def _rejected(rng: np.random.Generator, *, seen: float, swapped: bool) -> np.ndarray:
    """Whether each test rejects: in the first row the plain ratio, in the second what the image
    adds; of all answers and of one pair."""
    readings = _scenes(swapped=swapped)
    words = _said(rng, readings, seen)
    other = _said(rng, readings, 0.0) if swapped else _other(rng, readings, words)
    rivals = rivals_of(readings, words, _COMPETING)[0][:2]
    shuffled = under(rivals, other)
    rows = [
        [own.ratio for own in rivals],
        [added_rows(readings, words, own, by) for own, by in zip(rivals, shuffled, strict=True)],
    ]
    return np.array([
        [
            sign_flip_max_t(each, rng=rng, n_resamples=_FLIPS, tail="two-sided").omnibus_p <= 0.05
            for each in both
        ]
        for both in rows
    ])  # fmt: skip


def _turned(scale: Scale) -> Iterator[Finding]:
    """How often answers that were right by chance end as the competing word, for a model that sees
    nothing."""
    rng, repetitions = scale.rng(8, 3), max(500, scale.repetitions // 4)
    readings, shares = _scenes(swapped=False), np.zeros((repetitions, 2))
    for repetition in range(repetitions):
        words = _said(rng, readings, 0.0, preference=0.0)
        own = rivals_of(readings, words, _COMPETING)[0]
        by = under(own, _other(rng, readings, words))
        shares[repetition] = [_turned_share(each[0]) for each in (own, by)]
    real, other = shares.mean(axis=0)
    yield scale.value(_SECTION, "share of answers that noise alone turns", real, 0.1, 0.3)
    yield scale.value(_SECTION, "that share less the same under other images", real - other,
                      -0.01, 0.01)  # fmt: skip


def _turned_share(rivals: Rivals) -> float:
    return float(rivals.ends_near[rivals.ever_right].mean())


def _scenes(*, swapped: bool) -> Readings:
    """Simulated readings of two question texts and three answers, balanced; with `swapped`, every
    scene has a text of its own."""
    place = np.arange(_SCENES)
    answer = place % len(_ANSWERS)
    text = place if swapped else place // len(_ANSWERS) % 2
    items = pd.DataFrame({
        "scene_id": [f"s{each:03d}" for each in place],
        "attribute": "kind",
        "question": [f"text {each}" for each in text],
        "answer": [_ANSWERS[each] for each in answer],
    })  # fmt: skip
    none = np.zeros((_SCENES, _LAYERS, len(_ANSWERS)), dtype=np.float32)
    return Readings(
        items=items, answers=_ANSWERS, answer_index=answer, real=none, blank=none,
        swapped=none[None] if swapped else None, notes=(),
    )  # fmt: skip


def _said(
    rng: np.random.Generator, readings: Readings, seen: float, preference: float = _PREFERENCE
) -> WordReadings:
    """Simulated words for each image: the competing words lead in all of them, and lead more where
    the image is seen."""
    logits = rng.standard_normal((_SCENES, _LAYERS, len(_WORDS)))
    logits[:, :, len(_ANSWERS) :] += preference
    near = len(_ANSWERS) + readings.answer_index
    logits[np.arange(_SCENES), :, near] += seen
    share = log_softmax(logits, axis=2) / np.log(2)
    return WordReadings(words=_WORDS, log2_share=share, log2_p=share, notes=())


def _other(rng: np.random.Generator, readings: Readings, words: WordReadings) -> WordReadings:
    donor = derangement(readings.items, rng)
    return replace(words, log2_share=words.log2_share[donor], log2_p=words.log2_p[donor])
