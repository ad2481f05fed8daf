"""The comparison of the runs of a report, as `python -m analysis.compare` wrote it."""

from collections.abc import Sequence
from pathlib import Path

from analysis.compare.found import Compared
from paper.evidence.joint import Joint, find_joint, read_joint
from paper.evidence.record import Record

COMPARISON = "compare.json"
_STUDY = Joint(
    key="comparison",
    file=COMPARISON,
    folders="compare-*",
    parts=("plan", "differ", "arms", "comparisons"),
    command="python -m analysis.compare",
    again="compare",
    done="compared",
    least=2,
)


def find_comparison(runs: Sequence[Path], named: Path | None) -> Path | None:
    """The folder of the comparison of just these runs, named or beside them; None if there is
    none. UserError as `find_joint` says."""
    return find_joint(_STUDY, runs, named)


def read_comparison(folder: Path) -> Record:
    """The comparison in `folder`; UserError if it is damaged."""
    return read_joint(_STUDY, folder)


def compared(record: Record) -> Compared:
    """What the file holds, typed. OtherShape if it has another shape than this version writes."""
    return record.read(Compared, record.results)
