"""P-values adjusted over all comparisons, and what they then allow to say."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analysis.compare.plan import ComparePlan
from analysis.finished.arms import MEASURES
from stats import adjusted_p

# Rounding of 1 - level.
_EXACT = 1e-12


def adjusted(rows: Sequence[Mapping[str, Any]], plan: ComparePlan) -> list[dict[str, Any]]:
    """The comparisons with Holm's p beside each p, and the verdict on depth.

    "earlier" and "later": the second of the two, where the difference is shown to be more than one
    layer of the shallower model; "same": it is shown to be less than the margin; "earlier_within"
    and "later_within": both; "undecided": neither; "not_compared": one of them has no such layer.
    """
    found = [dict(row) for row in rows]
    for part, name in (
        ("depth", "p"),
        ("depth", "p_beyond"),
        ("depth", "p_equivalence"),
        ("curve", "omnibus_p"),
        *((measure, "p") for measure in MEASURES),
    ):
        holders = [row for row in found if row[part] is not None]
        if not holders:
            continue
        holm = adjusted_p(np.array([row[part][name] for row in holders]))
        for row, p in zip(holders, holm.tolist(), strict=True):
            row[part] = {**row[part], f"{name}_holm": p}
    alpha = 1 - plan.level + _EXACT
    for row in found:
        row["verdict"] = _verdict(row["depth"], alpha)
    return found


def _verdict(depth: Mapping[str, Any] | None, alpha: float) -> str:
    if depth is None:
        return "not_compared"
    same = depth["p_equivalence_holm"] <= alpha
    if depth["p_beyond_holm"] > alpha:
        return "same" if same else "undecided"
    side = "later" if depth["estimate"] > 0 else "earlier"
    return f"{side}_within" if same else side
