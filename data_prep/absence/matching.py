"""Pairs scenes so that neither the text nor the image alone tells whether a thing is present.

Two scenes are asked the same two texts: the thing of the one is present in the first scene only,
that of the other in the second only. So every text and every scene has as many things present as
absent, and only both together tell. Matching the texts alone is not enough: a scene from which all
shapes but one are absent is a uniform one, which can be seen without reading the question.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray
from numpy.random import Generator

from data_prep.absence.standing import AbsentBy


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Two scenes with two texts. Scenes and texts are numbers of rows and columns of the offers."""

    scenes: tuple[int, int]
    texts: tuple[int, int]
    """The thing of the first text is present in the first scene and absent from the second; that of
    the second text is present in the second scene and absent from the first."""
    absent_by: AbsentBy
    """The way in which each is absent."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Offers:
    """What scenes can be asked."""

    present: Bool[ndarray, "scene text"]
    """Whether the text can be asked of the scene as one in which its thing is present."""
    absent_by: Mapping[AbsentBy, Bool[ndarray, "scene text"]]
    """Whether it can be asked as one from which its thing is absent in this way."""
    n_objects: Int[ndarray, " scene"]
    """Only scenes with the same number are matched, so that images can be swapped among them."""
    sorts: Int[ndarray, " text"]
    """The sort of each text. All sorts are asked equally often, as far as the scenes allow."""


def matched_scenes(offers: Offers, *, floor: int, rng: Generator) -> list[Match]:
    """Pairs of scenes with their texts; every scene is in at most one pair, and every text is asked
    of no scene or of at least `floor`.

    The method is greedy. Scenes are taken in random order. For each, first the way in which the
    things are absent is chosen, then the sort of each text, always as the one with the fewest texts
    so far among those that the free scenes allow; within these, partner and texts are drawn at
    random. As long as texts remain that serve fewer than `floor` scenes, the rarest quarter of them
    is given up and all pairs are drawn anew.
    """
    usable = _most_scenes(offers) >= floor
    while True:
        matches = _Draw(offers, usable).matches(rng)
        asked = [text for each in matches for text in each.texts]
        n_scenes = 2 * np.bincount(np.array(asked, dtype=np.int64), minlength=len(usable))
        short = np.flatnonzero((n_scenes > 0) & (n_scenes < floor))
        if not len(short):
            return matches
        rarest_first = short[np.argsort(n_scenes[short], kind="stable")]
        usable[rarest_first[: (len(short) + 3) // 4]] = False


def _most_scenes(offers: Offers) -> Int[ndarray, " text"]:
    """For each text a number of scenes that it cannot serve more of."""
    most = np.zeros(len(offers.sorts), dtype=np.int64)
    absent = np.any(list(offers.absent_by.values()), axis=0)
    for number in np.unique(offers.n_objects):
        alike = offers.n_objects == number
        most += 2 * np.minimum(offers.present[alike].sum(axis=0), absent[alike].sum(axis=0))
    return most


class _Draw:
    """One draw of pairs, with the scenes that are still free and the texts that were asked."""

    def __init__(self, offers: Offers, usable: Bool[ndarray, " text"]) -> None:
        # Only columns that are in use: most of the time goes into looking through them.
        self._columns = np.flatnonzero(usable)
        self._sorts = offers.sorts[self._columns]
        self._present = offers.present[:, self._columns]
        self._ways = tuple(offers.absent_by)
        self._absent = tuple(each[:, self._columns] for each in offers.absent_by.values())
        self._n_objects = offers.n_objects
        self._free = np.ones(len(offers.n_objects), dtype=bool)
        self._n_texts = np.zeros((len(self._ways), int(self._sorts.max(initial=0)) + 1))

    def matches(self, rng: Generator) -> list[Match]:
        found = []
        for scene in rng.permutation(len(self._free)).tolist():
            if self._free[scene]:
                self._free[scene] = False
                match = self._match(scene, rng)
                if match is not None:
                    self._free[match.scenes[1]] = False
                    found.append(match)
        return found

    def _match(self, scene: int, rng: Generator) -> Match | None:
        """The scene with a free one; None if there is none with which it can be asked."""
        near = np.flatnonzero(self._free & (self._n_objects == self._n_objects[scene]))
        for way in self._ways_in_order(rng):
            absent = self._absent[way]
            own = self._present[scene] & absent[near]
            other = self._present[near] & absent[scene]
            possible = own.any(axis=1) & other.any(axis=1)
            if possible.any():
                own &= possible[:, None]
                place, text = self._drawn(own, way, rng)
                _, other_text = self._drawn(other[place : place + 1], way, rng)
                return Match(
                    scenes=(scene, int(near[place])),
                    texts=(int(self._columns[text]), int(self._columns[other_text])),
                    absent_by=self._ways[way],
                )
        return None

    def _drawn(
        self, possible: Bool[ndarray, "scene text"], way: int, rng: Generator
    ) -> tuple[int, int]:
        """One of the possible scenes with a text of the sort that was asked the fewest times."""
        sorts = np.unique(self._sorts[possible.any(axis=0)])
        n_texts = self._n_texts[way, sorts]
        sort = rng.choice(sorts[n_texts == n_texts.min()])
        self._n_texts[way, sort] += 1
        scenes, texts = np.nonzero(possible & (self._sorts == sort))
        drawn = rng.integers(len(texts))
        return int(scenes[drawn]), int(texts[drawn])

    def _ways_in_order(self, rng: Generator) -> list[int]:
        """The ways with the fewest texts so far first; ties are broken at random."""
        n_texts = self._n_texts.sum(axis=1)
        return np.lexsort((rng.random(len(n_texts)), n_texts)).tolist()
