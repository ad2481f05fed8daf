"""Pairs scenes so that a text is asked equally often where its thing is present and where it is
absent."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray
from numpy.random import Generator

from data_prep.absence.standing import AbsentBy

_PRESENT = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Two scenes that are asked the same text. Scenes and texts are numbers of rows and columns."""

    text: int
    present: int
    """The scene in which the described thing is present."""
    absent: int
    """The scene in which it is absent."""
    absent_by: AbsentBy


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Offers:
    """What scenes can be asked."""

    present: Bool[ndarray, "scene text"]
    """Whether the text can be asked of the scene as one in which its thing is present."""
    absent_by: Mapping[AbsentBy, Bool[ndarray, "scene text"]]
    """Whether it can be asked as one in which its thing is absent in this way."""
    n_objects: Int[ndarray, " scene"]
    """Only scenes with the same number are matched: else a full picture would mean "present"."""
    sorts: Int[ndarray, " text"]
    """The sort of each text. All sorts are asked equally often, as far as the scenes allow."""


def matched_scenes(offers: Offers, *, floor: int, rng: Generator) -> list[Match]:
    """Pairs of scenes with a text for each; every scene is in at most one pair, and every text is
    asked of no scene or of at least `floor`.

    The method is greedy. Scenes are taken in random order. For each, first the way in which the
    thing is absent is chosen, then the sort of text, each as the one with the fewest pairs so far
    among those that the free scenes allow; then text, role and partner are drawn at random. As long
    as texts remain that serve fewer than `floor` scenes, the rarer half of them is given up and all
    pairs are drawn anew.
    """
    draw = _Draw(offers, np.ones(len(offers.sorts), dtype=bool))
    usable = 2 * draw.most_pairs() >= floor
    while True:
        matches = _Draw(offers, usable).matches(rng)
        sizes = 2 * np.bincount([each.text for each in matches], minlength=len(usable))
        short = np.flatnonzero((sizes > 0) & (sizes < floor))
        if not len(short):
            return matches
        rarest_first = short[np.argsort(sizes[short], kind="stable")]
        usable[rarest_first[: (len(short) + 1) // 2]] = False


class _Draw:
    """One draw of pairs, with the scenes that are still free. Roles are numbered: 0 is a scene in
    which the thing is present, 1 and up one from which it is absent, by way of absence."""

    def __init__(self, offers: Offers, usable: Bool[ndarray, " text"]) -> None:
        self._ways = tuple(offers.absent_by)
        self._offered = np.stack([offers.present, *offers.absent_by.values()]) & usable
        self._sorts = offers.sorts
        _, self._stratum = np.unique(offers.n_objects, return_inverse=True)
        self._free = np.ones(len(offers.n_objects), dtype=bool)
        n_strata = self._stratum.max(initial=-1) + 1
        self._left = np.stack(
            [self._offered[:, self._stratum == each].sum(axis=1) for each in range(n_strata)]
            or [np.zeros((len(self._offered), len(usable)), dtype=np.int64)]
        )
        """Number of free scenes by stratum, role and text."""
        self._n_pairs = np.zeros((len(self._ways), int(self._sorts.max(initial=0)) + 1))

    def most_pairs(self) -> Int[ndarray, " text"]:
        """For each text a number of pairs that it cannot exceed."""
        absent = self._left[:, _PRESENT + 1 :].sum(axis=1)
        return np.minimum(self._left[:, _PRESENT], absent).sum(axis=0)

    def matches(self, rng: Generator) -> list[Match]:
        found = []
        for scene in rng.permutation(len(self._free)).tolist():
            if self._free[scene]:
                self._take(scene)
                match = self._match(scene, rng)
                if match is not None:
                    found.append(match)
        return found

    def _take(self, scene: int) -> None:
        self._free[scene] = False
        self._left[self._stratum[scene]] -= self._offered[:, scene]

    def _match(self, scene: int, rng: Generator) -> Match | None:
        """A pair of the scene and a free one; None if no free scene can be asked one of its
        texts."""
        own, left = self._offered[:, scene], self._left[self._stratum[scene]] > 0
        # By way, by role of the scene (present, absent), and by text.
        possible = np.stack([own[_PRESENT] & left[1:], own[1:] & left[_PRESENT]], axis=1)
        if not possible.any():
            return None
        n_pairs = self._n_pairs.sum(axis=1)
        way = _fewest(n_pairs, np.flatnonzero(possible.any(axis=(1, 2))), rng)
        sorts = np.unique(self._sorts[possible[way].any(axis=0)])
        sort = _fewest(self._n_pairs[way], sorts, rng)
        roles, texts = np.nonzero(possible[way] & (self._sorts == sort))
        drawn = rng.integers(len(texts))
        is_absent, text = bool(roles[drawn]), int(texts[drawn])
        role = _PRESENT if is_absent else way + 1
        near = self._free & (self._stratum == self._stratum[scene])
        partner = int(rng.choice(np.flatnonzero(near & self._offered[role, :, text])))
        self._take(partner)
        self._n_pairs[way, sort] += 1
        present, absent = (partner, scene) if is_absent else (scene, partner)
        return Match(text=text, present=present, absent=absent, absent_by=self._ways[way])


def _fewest(counts: ndarray, among: Int[ndarray, " some"], rng: Generator) -> int:
    """One of the numbers in `among` with the smallest count; ties are broken at random."""
    own = counts[among]
    return int(rng.choice(among[own == own.min()]))
