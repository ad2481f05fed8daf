"""What the log-probabilities of a table must be: natural logarithms, finite, and at most 0."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from data_prep.errors import UserError
from data_prep.given_scores.columns import ScoreColumns

ABOVE_ZERO = 1e-3
"""Largest log-probability that is taken for rounding in half precision."""
_LEAST = -1e30
"""Beyond it lies what stands for minus infinity, and what float32 does not hold."""
_SUMS_TO_ONE = 1e-3
_OTHER_BASES = {2.0: "log2", 10.0: "log10"}


def require_log_probs(columns: ScoreColumns, own: Bool[ndarray, "row answer"]) -> None:
    """UserError for cells that hold no natural logarithm of a probability. `own` marks the cells of
    each row's possible answers."""
    values = columns.log_probs
    _refuse(
        columns,
        own & ~np.isfinite(values),
        "a log-probability must be a finite number",
        "compute it by log_softmax in float32, where none becomes minus infinity",
    )
    _refuse(
        columns,
        own & (values < _LEAST),
        f"a log-probability must be at least {_LEAST:g}",
        "leave out answers that a mask excludes, and compute the others by log_softmax",
    )
    above = own & (values > ABOVE_ZERO)
    if above.any():
        inside = np.where(own, values, 0.5)
        if inside.min() >= 0 and inside.max() <= 1 + ABOVE_ZERO:
            raise UserError(
                f"{columns.source}: every score lies from 0 to 1, which are probabilities, and "
                "their natural logarithms are needed: take log of them"
            )
        _refuse(
            columns,
            above,
            "a log-probability must be at most 0",
            "give log_softmax of the logits over the vocabulary, or over the answers",
        )
    _require_natural(columns, own)


def _require_natural(columns: ScoreColumns, own: Bool[ndarray, "row answer"]) -> None:
    """UserError if the answers' probabilities add up to 1 in every row, but only if the scores are
    logarithms to another base."""
    for base, name in _OTHER_BASES.items():
        if _add_up(columns.log_probs, own, base) and not _add_up(columns.log_probs, own, np.e):
            raise UserError(
                f"{columns.source}: probabilities add up to 1 in every row if the scores are "
                f"{name}, and natural logarithms are needed: multiply them by ln {base:g} = "
                f"{np.log(base):.6f}"
            )


def _add_up(
    values: Float[ndarray, "row answer"], own: Bool[ndarray, "row answer"], base: float
) -> bool:
    powers = np.exp(np.where(own, values, -np.inf) * np.log(base))
    return bool(np.abs(powers.sum(axis=1) - 1).max() < _SUMS_TO_ONE)


def _refuse(
    columns: ScoreColumns, wrong: Bool[ndarray, "row answer"], rule: str, remedy: str
) -> None:
    if not wrong.any():
        return
    row, answer = (int(each) for each in np.argwhere(wrong)[0])
    raise UserError(
        f"{columns.where(row)}: {rule}, got {columns.log_probs[row, answer]:g} for "
        f"{columns.answers[answer]!r}: {remedy}"
    )
