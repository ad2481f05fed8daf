"""Questions after things that are in a photograph, and things that are not, as POPE asks them.

Li et al. 2023, Evaluating Object Hallucination in Large Vision-Language Models (POPE),
arXiv:2305.10355. What is not annotated is taken not to be there.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from data_prep.photographs.labels import CATEGORY, PRESENCE
from data_prep.questions import Question
from data_prep.scenes import Photograph

Negatives = Literal["random", "popular", "adversarial"]
DEFAULT_TEXT = f"Is there a {CATEGORY} in the image?"
N_RANKED = 3
"""Absent categories that a photograph offers where they are ranked; POPE asks as many."""


class PresenceQuestions:
    """Offers every category that is there, and of those that are not:

    random: any; popular: the N_RANKED that most photographs have; adversarial: the N_RANKED that
    stand most often beside those that are there (summed over these). Ties in alphabetical order.
    """

    def __init__(
        self, photographs: Sequence[Photograph], negatives: Negatives, text: str = DEFAULT_TEXT
    ) -> None:
        self._names = sorted({name for each in photographs for name in each.categories})
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
        """Nothing for a photograph of which nothing is annotated."""
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
        """Photographs that have both; on the diagonal those that have one."""
        counts = np.zeros((len(self._names), len(self._names)), dtype=np.int64)
        for each in photographs:
            present = [self._place[name] for name in each.categories]
            counts[np.ix_(present, present)] += 1
        return counts


def _most(counts: Int[ndarray, " category"], absent: list[int]) -> list[int]:
    return sorted(absent, key=lambda place: (-counts[place], place))[:N_RANKED]


def asked_text(text: str, name: str) -> str:
    """The text for presence about the category `name`; "a" becomes "an" before a vowel."""
    if name[:1].lower() in "aeiou":
        text = text.replace(f" a {CATEGORY}", f" an {CATEGORY}")
    return text.replace(CATEGORY, name)
