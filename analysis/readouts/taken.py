"""What a readout said of the items of an attribute, under every condition."""

from dataclasses import dataclass

import pandas as pd
from jaxtyping import Float, Int
from numpy import ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What a readout says, item by item, under every condition: log2 p over the answer set."""

    items: pd.DataFrame
    answers: tuple[str, ...]
    """The answers, in the order of the last axis of the arrays."""
    answer_index: Int[ndarray, " item"]
    real: Float[ndarray, "item layer answer"]
    blank: Float[ndarray, "item layer answer"]
    swapped: Float[ndarray, "swap item layer answer"] | None
    """log2 p for the same questions with other scenes' images. None where every question text
    serves several scenes, since the `real` readings of those scenes do for that."""
    notes: tuple[str, ...]
    """What the reader should know of how the answers were scored."""
    whole: "dict[str, Float[ndarray, 'item layer answer']] | None" = None
    """Readings from the probability of whole words, by condition ("real" and "blank"). None where
    words are not read to their ends, or end where the answers part."""
