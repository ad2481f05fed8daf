"""Arms: what each method answers on the items that it is judged by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from analysis.mitigation.found import Kind

Answers = Float[ndarray, "item answer"]


class LeftOut(Exception):
    """A method that this model, or these questions, do not allow; its text names method and
    reason."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OnPremises:
    """What a method answers to questions about the look of things that may not be there."""

    scores: Answers
    """log2 of each answer's probability, none not among them."""
    declines: Bool[ndarray, " item"] | None = None
    """Which questions it declines; None if it declines none ever."""
    absence: Float[ndarray, " item"] | None = None
    """The score by which it declines; None if there is none, and then how little the preferred
    answer has speaks for absence."""

    @property
    def speaks_for_absence(self) -> Float[ndarray, " item"]:
        """Higher where more speaks for absence."""
        if self.absence is not None:
            return self.absence
        return -self.scores.max(axis=1).astype(np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arm:
    """One method as it was tuned, with what it answers where it is judged."""

    name: str
    kind: Kind
    setting: str
    passes: float
    odds: Float[ndarray, " item"] | None = None
    """log2 odds of yes against no; None for a method that is for other questions."""
    premises: Mapping[str, OnPremises] = field(default_factory=dict)

    @property
    def says_yes(self) -> Bool[ndarray, " item"]:
        if self.odds is None:
            raise ValueError(f"{self.name} does not answer yes or no")
        return self.odds > 0


def odds_of_yes(scores: Answers, answers: Sequence[str]) -> Float[ndarray, " item"]:
    """log2 odds of yes against no."""
    wide = scores.astype(np.float64)
    return wide[:, answers.index("yes")] - wide[:, answers.index("no")]


def accuracy(odds: Float[ndarray, " item"], absent: Bool[ndarray, " item"]) -> float:
    """Share of items that are answered right; odds of exactly 1 are no."""
    return float(((odds > 0) != absent).mean())


def best(tried: Mapping[str, Float[ndarray, " item"]], absent: Bool[ndarray, " item"]) -> str:
    """The setting with the most right answers; of equally good ones the first."""
    return max(tried, key=lambda setting: accuracy(tried[setting], absent))
