"""Questions about things that are in a photograph and things that are not, as in POPE.

See Li et al. 2023, Evaluating Object Hallucination in Large Vision-Language Models (POPE),
arXiv:2305.10355. A category that is not annotated counts as absent.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from data_prep.errors import UserError
from data_prep.photographs.labels import CATEGORY, PRESENCE
from data_prep.plain_text import require_plain
from data_prep.questions import Question
from data_prep.scenes import Photograph

Negatives = Literal["random", "popular", "adversarial"]
DEFAULT_TEXT = f"Is there a {CATEGORY} in the image?"
N_RANKED = 3
"""Number of absent categories that are asked for a photograph if they are ranked ("popular",
"adversarial"). POPE asks as many."""
MOST_CATEGORIES = 10_000
"""Largest number of categories, of which every pair is counted. LVIS has 1,203."""


class PresenceQuestions:
    """Asks for every category that is in the photograph, and for some that are absent.

    The absent ones depend on the choice of negatives. "random" offers all of them. "popular" offers
    the N_RANKED that occur in the most photographs. "adversarial" offers the N_RANKED that occur
    most often together with the present ones (summed over these). Ties are broken by alphabetical
    order.
    """

    def __init__(
        self, photographs: Sequence[Photograph], negatives: Negatives, text: str = DEFAULT_TEXT
    ) -> None:
        self._names = sorted({name for each in photographs for name in each.categories})
        if len(self._names) > MOST_CATEGORIES:
            raise UserError(
                f"presence is asked of at most {MOST_CATEGORIES:,} categories, got "
                f"{len(self._names):,}: join categories, or take a part of the annotations"
            )
        for name in self._names:
            require_plain(name, "the name of a category")
        self._place = {name: number for number, name in enumerate(self._names)}
        self._texts = [asked_text(text, name) for name in self._names]
        together = self._together(photographs)
        rank: dict[str, Callable[[list[int], list[int]], list[int]]] = {
            "random": lambda present, absent: absent,
            "popular": lambda present, absent: _most(np.diagonal(together), absent),
            "adversarial": lambda present, absent: _most(together[present].sum(axis=0), absent),
        }
        self._chosen = rank[negatives]

    def offers(self, scene: Photograph) -> tuple[Question, ...]:
        """The questions for a photograph; none if nothing is annotated in it."""
        present = [self._place[name] for name in scene.categories]
        if not present:
            return ()
        there = set(present)
        absent = [place for place in range(len(self._names)) if place not in there]
        asked = [(place, "yes") for place in present]
        asked += [(place, "no") for place in self._chosen(present, absent)]
        return tuple(
            Question(
                attribute=PRESENCE, template="presence", text=self._texts[place], answer=answer
            )
            for place, answer in asked
        )

    def _together(self, photographs: Sequence[Photograph]) -> Int[ndarray, "category category"]:
        """Number of photographs that hold both categories; on the diagonal, number of photographs
        that hold the one."""
        counts = np.zeros((len(self._names), len(self._names)), dtype=np.int64)
        for each in photographs:
            present = [self._place[name] for name in each.categories]
            counts[np.ix_(present, present)] += 1
        return counts


def _most(counts: Int[ndarray, " category"], absent: list[int]) -> list[int]:
    return sorted(absent, key=lambda place: (-counts[place], place))[:N_RANKED]


def asked_text(text: str, name: str) -> str:
    """The question text for the category `name`. An "a" before it becomes "an" if the name begins
    with a vowel."""
    if name[:1].lower() in "aeiou":
        text = text.replace(f" a {CATEGORY}", f" an {CATEGORY}")
    return text.replace(CATEGORY, name)
