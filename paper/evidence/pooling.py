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
    """The folder of the pooling of exactly these runs: `named`, or else one beside the runs. None
    if there is none. UserError in the cases that `find_joint` lists."""
    return find_joint(_STUDY, runs, named)


def read_pooling(folder: Path) -> Record:
    """Read the pooling in `folder`. UserError if it is damaged."""
    return read_joint(_STUDY, folder)


def pooled(record: Record) -> Pooling:
    """The pooling as a typed object. OtherShape if the file has another structure than this version
    writes."""
    return record.read(Pooling, record.results)
