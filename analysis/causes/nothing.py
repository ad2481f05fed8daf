"""Controls that must move nothing: another donor with the same answer, or another question."""

from collections.abc import Sequence

import numpy as np

from analysis.causes.found import Nothing
from analysis.causes.shares import PairRows, intervals
from analysis.causes.swaps import IMAGE, Swap, Swapped
from stats import no_share
from stats.scenes import scene_rows

WORDS = {
    "same answer": "image of another scene with the same answer",
    "other object": "same images, asked of an object that is the same in both",
    "other attribute": "same images, asked for {} of the changed object",
}


def nothing_moved(
    name: str,
    swaps: Sequence[Swap],
    found: Swapped,
    rows: PairRows,
    *,
    layers: Sequence[int],
    margin: float,
    level: float,
) -> Nothing:
    """Whether the swaps of a control are shown to move nothing that matters, measured by the total
    effect of the same pairs under their own question."""
    ids = [each.pair_id for each in swaps]
    moved = scene_rows(found.moved[IMAGE].astype(np.float64), ids)
    total_of = dict(zip(rows.pair_ids, rows.total.tolist(), strict=True))
    total = np.array([total_of[each] for each in sorted(set(ids))])
    tested = no_share(moved, total, margin=margin, level=level, layers=layers)
    return Nothing(
        what=_words(name),
        n_pairs=len(total),
        layers=tested.layers,
        shares=intervals(tested.estimate, tested.low, tested.high),
        shown=tested.shown_at_all,
        p=tested.p_at_all,
        most=tested.most if np.isfinite(tested.most) else None,
        margin=tested.margin,
    )


def _words(name: str) -> str:
    kind = next(each for each in WORDS if name.startswith(each))
    return WORDS[kind].format(name.removeprefix(kind).strip())
