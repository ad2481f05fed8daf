"""Which scenes two runs are compared on: the same ones as pairs, or others as two samples."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from analysis.finished.arms import Arm
from data_prep.errors import UserError

# Of the smaller run's scenes: from here on pairing keeps enough of them to be the better design.
_SHARE_TO_PAIR = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two arms, and the rows of each by which they are compared."""

    first: Arm
    second: Arm
    paired: bool
    """The rows of both are the same scenes; else no scene is in both."""
    rows: tuple[list[int], list[int]]
    n_shared: int
    """Scenes that both have."""


def pairs_of(arms: Sequence[Arm]) -> Iterator[Pair]:
    """Of one attribute: every two arms that differ in the run or in the readout, not in both."""
    for first, second in combinations(arms, 2):
        if (first.run.key == second.run.key) != (first.readout == second.readout):
            yield _pair(first, second)


def _pair(first: Arm, second: Arm) -> Pair:
    """Paired where at least half of the smaller run's scenes are shared.

    With fewer, the shared ones are left out of the larger run, so that the samples are
    independent; of different data nothing is shared, whatever the scenes' names.
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
