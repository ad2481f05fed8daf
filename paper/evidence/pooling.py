"""The pooling of the runs of a report, as `python -m analysis.pool` wrote it."""

from collections.abc import Sequence
from pathlib import Path

from analysis.pool.found import Pooling
from paper.evidence.joint import Joint, find_joint, read_joint
from paper.evidence.record import Record

POOLING = "pool.json"
_STUDY = Joint(
    key="pooling",
    file=POOLING,
    folders="pool-*",
    parts=("plan", "differ", "attributes", "differences"),
    command="python -m analysis.pool",
    again="pool",
    done="pooled",
    least=3,
)


def find_pooling(runs: Sequence[Path], named: Path | None) -> Path | None:
    """The folder of the pooling of just these runs, named or beside them; None if there is none.
    UserError as `find_joint` says."""
    return find_joint(_STUDY, runs, named)


def read_pooling(folder: Path) -> Record:
    """The pooling in `folder`; UserError if it is damaged."""
    return read_joint(_STUDY, folder)


def pooled(record: Record) -> Pooling:
    """What the file holds, typed. OtherShape if it has another shape than this version writes."""
    return record.read(Pooling, record.results)
