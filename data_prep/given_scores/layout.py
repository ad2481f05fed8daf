"""The layout of a table of scores: which columns it has, and how its conditions are written.

    item scene attribute text answer condition layer [readout]   red blue ... cube sphere ...

There is a row for every item, condition and layer. What is no named column is a possible answer: it
holds the natural logarithm of that answer's probability, and is empty for attributes that do not
have the answer. A constant that is added to all answers of a row makes no difference.
"""

import re

from data_prep.errors import UserError

NAMED = ("item", "scene", "attribute", "text", "answer", "condition", "layer")
"""The columns that every table has. `text` is the question, `answer` the right answer, and layer 0
what enters the first block."""
READOUT = "readout"
"""A column that may say by which readout each row was read; without it all are `USUAL_READOUT`."""
USUAL_READOUT = "logit_lens"
REAL, BLANK, SWAPPED = "real", "blank", "shuffled"
_SWAP = re.compile(rf"{SWAPPED}(?:[ _-]?(\d{{1,4}}))?")


def swap_name(number: int) -> str:
    """How the condition of a swapped image is written, by its number from 1 on.

    >>> swap_name(2)
    'shuffled 2'
    """
    return f"{SWAPPED} {number}"


def canonical_condition(written: str, where: str) -> str:
    """A condition in one spelling. "shuffled" alone is the first of the swapped images. UserError,
    which begins with `where`, for any other word.

    >>> canonical_condition("shuffled_02", "row 1"), canonical_condition("real", "row 1")
    ('shuffled 2', 'real')
    """
    if written in (REAL, BLANK):
        return written
    found = _SWAP.fullmatch(written)
    if found is None:
        raise UserError(
            f"{where}: condition must be {REAL}, {BLANK}, {SWAPPED} or {SWAPPED} with a number, "
            f"got {written!r}: write it so"
        )
    return swap_name(int(found[1] or 1))
