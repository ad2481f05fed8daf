"""The main readout of a run, the position that the main text reports, and the results of probes."""

from analysis.probes.found import Probed
from analysis.wording import READOUT_NAMES
from paper.evidence.record import RunRecord

__all__ = ["ANSWER", "READOUTS", "READOUT_NAMES", "main_readout", "probes"]

READOUTS = tuple(READOUT_NAMES)
ANSWER = "answer"
"""Name of the token position whose readings the main text reports."""


def main_readout(record: RunRecord) -> str:
    """Name of the readout that the main text reports: the logit lens, or else the run's first
    readout."""
    return next(name for name in READOUTS if record.findings(name))


def probes(record: RunRecord) -> dict[str, dict[str, Probed]]:
    """Results of the probes, by token position and then by attribute."""
    return {
        position: {name: record.read(Probed, one) for name, one in by_attribute.items()}
        for position, by_attribute in (record.study("probes") or {}).items()
    }
