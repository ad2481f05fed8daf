"""Swaps: a question asked of one image, into whose pass rows of another image's pass are put."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from data_prep.scenes import Box

IMAGE, OBJECT, REST, QUESTION, ANSWER = "image", "object", "rest", "question", "answer"
KINDS = (IMAGE, OBJECT, REST, QUESTION, ANSWER)
"""The kinds of positions, in the order of the tables."""
FLOATS = ("recipient", "donor", "right")


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """A question, the image that it is asked of, and the image whose rows take its rows' place."""

    pair_id: str
    """The pair of images that this is about. It is the cluster: both directions of a pair have the
    same."""
    question: str
    recipient: str
    """Key of the image that the question is asked of."""
    donor: str
    """Key of the image from whose pass rows are taken."""
    towards: str
    """The answer whose log odds are measured, against `away`."""
    away: str
    boxes: tuple[Box, ...] = ()
    """Boxes around the object that the question asks about, as it lies in the two images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swapped:
    """What came of swaps: log2 odds of `towards` against `away`, one row per swap."""

    recipient: Float[ndarray, " swap"]
    """The odds in the recipient's own pass."""
    donor: Float[ndarray, " swap"]
    """The odds in the donor's own pass."""
    right: Float[ndarray, " swap"]
    """1 where, of all the attribute's answers, the recipient's own pass prefers `away`."""
    patched: dict[str, Float[ndarray, "swap layer"]]
    """The odds after the swap, by the kind of positions whose rows were swapped; NaN at layers that
    were not run."""
    distance: dict[str, Float[ndarray, "swap layer"]]
    """How far the last residual of the pass after the swap lies from the nearest one of a plain
    pass, by the kind of positions; 1 is as far as these lie from each other."""

    @staticmethod
    def names(kinds: Iterable[str]) -> list[str]:
        """The names of the arrays in a file, for these kinds of positions."""
        return [*FLOATS, *(f"{what} {kind}" for kind in kinds for what in ("patched", "distance"))]

    def tensors(self) -> dict[str, ndarray]:
        """The arrays by name, as a file of safetensors holds them."""
        named = {name: getattr(self, name) for name in FLOATS}
        named |= {f"patched {kind}": values for kind, values in self.patched.items()}
        return named | {f"distance {kind}": values for kind, values in self.distance.items()}

    @classmethod
    def of_tensors(cls, named: dict[str, ndarray]) -> "Swapped":
        """What `tensors` gave. KeyError if an array is missing."""

        def under(what: str) -> dict[str, ndarray]:
            start = f"{what} "
            return {
                name.removeprefix(start): named[name] for name in named if name.startswith(start)
            }

        own = {name: named[name] for name in FLOATS}
        return cls(**own, patched=under("patched"), distance=under("distance"))

    @property
    def moved(self) -> dict[str, Float[ndarray, "swap layer"]]:
        """How far the swap moved the odds, in bits, by the kind of positions."""
        return {kind: odds - self.recipient[:, None] for kind, odds in self.patched.items()}

    @property
    def total(self) -> Float[ndarray, " swap"]:
        """How far the donor's own odds lie from the recipient's, in bits."""
        return self.donor - self.recipient


def completed(
    kind: str,
    odds: Float[ndarray, "swap layer"],
    recipient: Float[ndarray, " swap"],
    donor: Float[ndarray, " swap"],
    *,
    at_root: bool = True,
) -> Float[ndarray, "swap layer"]:
    """The odds after a swap, with those that follow from the construction and were not run: nothing
    is moved there, but for the answer position at the last layer, where all is."""
    out = np.where(np.isnan(odds), recipient[:, None], odds)
    if kind == ANSWER and at_root:
        out[:, -1] = np.where(np.isnan(odds[:, -1]), donor, odds[:, -1])
    return out
