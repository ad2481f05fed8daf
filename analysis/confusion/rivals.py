"""Pairs of a right word and a competing one, with the items that each pair is about."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from analysis.readouts.taken import Readings
from analysis.readouts.word_readings import WordReadings
from data_prep.competing_words import Competition
from data_prep.errors import UserError

LEAST_SCENES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Rivals:
    """The log-ratio of competing words to right ones, on the items that have such a pair."""

    answer: str | None
    """The right answer; None for all answers together, each with its first competing word."""
    near: str | None
    pairs: tuple[tuple[str, str], ...]
    """The pairs of right and competing word, one for each answer."""
    rows: Int[ndarray, " item"]
    place: Int[ndarray, " item"]
    """For each item the index of its pair in `pairs`."""
    ratio: Float[ndarray, "item layer"]
    """log2 p(competing) - log2 p(right), in bits; above 0 the competing word is more probable."""
    ever_right: Bool[ndarray, " item"]
    """Whether the right word was the most probable of all at some layer."""
    ends_near: Bool[ndarray, " item"]
    """Whether the competing word is the most probable of all at the last layer."""


def rivals_of(
    readings: Readings, words: WordReadings, competition: Competition
) -> tuple[list[Rivals], list[str]]:
    """The log-ratios of all pairs together, then those of every pair; and a note for each pair that
    is left out.

    UserError if no pair has enough scenes.
    """
    answer_of = np.array(readings.items["answer"].tolist(), dtype=object)
    pairs, notes = [], []
    for answer, names in competition.near.items():
        rows = np.flatnonzero(answer_of == answer)
        for near in names:
            if len(rows) < LEAST_SCENES:
                notes.append(
                    f"'{near}' is not compared: {len(rows)} scenes have the answer '{answer}', at "
                    f"least {LEAST_SCENES} are needed"
                )
                continue
            pairs.append(_read(words, answer, near, ((answer, near),), rows, np.zeros_like(rows)))
    if not pairs:
        why = "; ".join(notes) or "none is named"
        raise UserError(f"no competing word can be compared ({why}): name others with --words")
    return [_together(words, pairs), *pairs], notes


def under(rivals: Sequence[Rivals], other: WordReadings) -> list[Rivals]:
    """The same pairs on the same items, with the ratios that another reading has, for example with
    other scenes' images."""
    return [
        _read(other, each.answer, each.near, each.pairs, each.rows, each.place) for each in rivals
    ]


def _together(words: WordReadings, pairs: Sequence[Rivals]) -> Rivals:
    first = list({pair.answer: pair for pair in reversed(pairs)}.values())
    return _read(
        words,
        None,
        None,
        tuple(pair.pairs[0] for pair in first),
        np.concatenate([pair.rows for pair in first]),
        np.repeat(np.arange(len(first)), [len(pair.rows) for pair in first]),
    )


def _read(
    words: WordReadings,
    answer: str | None,
    near: str | None,
    pairs: tuple[tuple[str, str], ...],
    rows: Int[ndarray, " item"],
    place: Int[ndarray, " item"],
) -> Rivals:
    right, other = np.array([[words.words.index(word) for word in pair] for pair in pairs])[place].T
    share, items = words.log2_share[rows], np.arange(len(rows))
    best = share.argmax(axis=2)
    return Rivals(
        answer=answer,
        near=near,
        pairs=pairs,
        rows=rows,
        place=place,
        ratio=share[items, :, other] - share[items, :, right],
        ever_right=(best == right[:, None]).any(axis=1),
        ends_near=best[:, -1] == other,
    )
