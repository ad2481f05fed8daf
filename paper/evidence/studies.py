"""The readouts by their names, the one that the main text reports, and what probes have found."""

from analysis.probes.found import Probed
from analysis.wording import READOUT_NAMES
from paper.evidence.record import RunRecord

__all__ = ["ANSWER", "READOUTS", "READOUT_NAMES", "main_readout", "probes"]

READOUTS = tuple(READOUT_NAMES)
ANSWER = "answer"
"""The position whose readings the main text reports."""


def main_readout(record: RunRecord) -> str:
    """The logit lens, or the first readout that the run has."""
    return next(name for name in READOUTS if record.findings(name))


def probes(record: RunRecord) -> dict[str, dict[str, Probed]]:
    """By position, then attribute."""
    return {
        position: {name: record.read(Probed, one) for name, one in by_attribute.items()}
        for position, by_attribute in (record.study("probes") or {}).items()
    }
