"""Which scenes two runs are compared on: the same scenes in pairs, or different ones as two
independent samples."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from analysis.finished.arms import Arm
from data_prep.errors import UserError

# Of the smaller run's scenes: from here on pairing keeps enough of them to be the better design.
_SHARE_TO_PAIR = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two arms, with the rows of each that they are compared on."""

    first: Arm
    second: Arm
    paired: bool
    """Whether the rows of both arms are the same scenes; if not, no scene is in both."""
    rows: tuple[list[int], list[int]]
    n_shared: int
    """The number of scenes that both runs have."""


def pairs_of(arms: Sequence[Arm]) -> Iterator[Pair]:
    """Every two arms of one attribute that differ in the run or in the readout, but not in both."""
    for first, second in combinations(arms, 2):
        if (first.run.key == second.run.key) != (first.readout == second.readout):
            yield _pair(first, second)


def _pair(first: Arm, second: Arm) -> Pair:
    """Two arms, paired if at least half of the smaller run's scenes are shared.

    If fewer are shared, these are left out of the larger run, so that the samples are independent.
    Runs on different data share no scenes, even if the scenes have the same names.
    """
    same_data = first.run.data_fingerprint == second.run.data_fingerprint
    shared = set(first.scenes) & set(second.scenes) if same_data else set()
    if len(shared) >= max(2, _SHARE_TO_PAIR * min(len(first.scenes), len(second.scenes))):
        rows = first.rows_of(shared), second.rows_of(shared)
        return Pair(first=first, second=second, paired=True, rows=rows, n_shared=len(shared))
    kept = [set(first.scenes), set(second.scenes)]
    kept[0 if len(first.scenes) > len(second.scenes) else 1] -= shared
    rows = first.rows_of(kept[0]), second.rows_of(kept[1])
    if min(map(len, rows)) < 2:
        raise UserError(
            f"need at least 2 scenes of {first.attribute} in each run, got {len(rows[0])} and "
            f"{len(rows[1])}: measure more scenes"
        )
    return Pair(first=first, second=second, paired=False, rows=rows, n_shared=len(shared))
