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
    """The folder of the comparison of exactly these runs: `named`, or else one beside the runs.
    None if there is none. UserError in the cases that `find_joint` lists."""
    return find_joint(_STUDY, runs, named)


def read_comparison(folder: Path) -> Record:
    """Read the comparison in `folder`. UserError if it is damaged."""
    return read_joint(_STUDY, folder)


def compared(record: Record) -> Compared:
    """The comparison as a typed object. OtherShape if the file has another structure than this
    version writes."""
    return record.read(Compared, record.results)
