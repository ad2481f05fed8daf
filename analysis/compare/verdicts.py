"""P-values adjusted over all comparisons, and the verdicts that they allow."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from analysis.compare.found import Change, Comparison, CurveDifference, DepthDifference, Verdict
from analysis.compare.plan import ComparePlan
from stats import adjusted_p

# Rounding of 1 - level.
_EXACT = 1e-12


def adjusted(rows: Sequence[Comparison], plan: ComparePlan) -> tuple[Comparison, ...]:
    """The comparisons with Holm's p beside each p, and the verdict on depth.

    "earlier" and "later" are about the second of the two: the difference is shown to be more than
    one layer of the shallower model. "same": the difference is shown to be less than the margin.
    "earlier_within" and "later_within": both are shown. "undecided": neither is shown.
    "not_compared": an arm has no layer of emergence.
    """
    alpha = 1 - plan.level + _EXACT
    columns = zip(
        _depths([row.depth for row in rows]),
        _curves([row.curve for row in rows]),
        _changes([row.correct for row in rows]),
        _changes([row.right_probability for row in rows]),
        _changes([row.top_probability for row in rows]),
        strict=True,
    )
    return tuple(
        replace(
            row,
            depth=depth,
            curve=curve,
            correct=correct,
            right_probability=right,
            top_probability=top,
            verdict=_verdict(depth, alpha),
        )
        for row, (depth, curve, correct, right, top) in zip(rows, columns, strict=True)
    )


def _holm(p: Sequence[float]) -> list[float]:
    return adjusted_p(np.array(p)).tolist() if p else []


def _depths(rows: Sequence[DepthDifference | None]) -> list[DepthDifference | None]:
    held = [row for row in rows if row is not None]
    found = zip(
        _holm([row.p for row in held]),
        _holm([row.p_beyond for row in held]),
        _holm([row.p_equivalence for row in held]),
        strict=True,
    )
    with_holm = iter(
        replace(row, p_holm=p, p_beyond_holm=beyond, p_equivalence_holm=same)
        for row, (p, beyond, same) in zip(held, found, strict=True)
    )
    return [None if row is None else next(with_holm) for row in rows]


def _curves(rows: Sequence[CurveDifference]) -> list[CurveDifference]:
    found = _holm([row.omnibus_p for row in rows])
    return [replace(row, omnibus_p_holm=p) for row, p in zip(rows, found, strict=True)]


def _changes(rows: Sequence[Change | None]) -> list[Change | None]:
    found = iter(_holm([row.p for row in rows if row is not None]))
    return [None if row is None else replace(row, p_holm=next(found)) for row in rows]


def _verdict(depth: DepthDifference | None, alpha: float) -> Verdict:
    if depth is None:
        return "not_compared"
    same = depth.p_equivalence_holm <= alpha
    if depth.p_beyond_holm > alpha:
        return "same" if same else "undecided"
    if depth.estimate > 0:
        return "later_within" if same else "later"
    return "earlier_within" if same else "earlier"
