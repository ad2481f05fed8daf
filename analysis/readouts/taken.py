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
    """The answer axis."""
    answer_index: Int[ndarray, " item"]
    real: Float[ndarray, "item layer answer"]
    blank: Float[ndarray, "item layer answer"]
    swapped: Float[ndarray, "swap item layer answer"] | None
    """The same question with another scene's image; None where every text serves several scenes,
    since the other scenes' `real` are that."""
    notes: tuple[str, ...]
    """What the reader should know of how the answers were scored."""
    whole: "dict[str, Float[ndarray, 'item layer answer']] | None" = None
    """By condition, real and blank: the same from the probability of whole words; None where they
    are not read to their ends, or end where answers part."""
