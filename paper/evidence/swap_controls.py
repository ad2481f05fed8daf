"""Shares of an effect that swaps move, and the controls of the swaps, as cells of tables."""

from collections.abc import Iterator

from analysis.causes.control_rows import control_rows
from analysis.causes.found import Caused
from analysis.effects.found import Interval
from analysis.wording import p_value
from paper.evidence.plain import interval, number

_FAR = 1e6
"""An end of an interval as far away as this stands for one that there is not."""


def share_text(share: Interval) -> str:
    """A share with its interval, or "unbounded" where it has none."""
    if max(abs(share.low), abs(share.high)) > _FAR:
        return "unbounded"
    return f"{number(share.estimate)} ({interval(share)})"


def control_cells(found: Caused) -> Iterator[dict[str, str]]:
    """The controls as rows of cells."""
    for row in control_rows(found):
        moves = row.moves
        yield {
            "what is done": row.what,
            "pairs": str(row.n_pairs),
            "layer": str(row.layer),
            "moves (CI)": share_text(moves) if isinstance(moves, Interval) else number(moves),
            "p": "" if row.p is None else p_value(row.p),
            "claim": row.claim,
        }
