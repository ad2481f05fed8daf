"""Where each study keeps its numbers: the one place that knows the shapes of results.json."""

from collections.abc import Mapping
from typing import Any

from analysis.wording import READOUT_NAMES
from paper.evidence.record import RunRecord

__all__ = ["ANSWER", "READOUTS", "READOUT_NAMES", "main_readout", "probes", "tuned_lens"]

READOUTS = tuple(READOUT_NAMES)
ANSWER = "answer"
"""The position whose readings the main text reports."""


def main_readout(record: RunRecord) -> str:
    """The logit lens, or the first readout that the run has."""
    return next(name for name in READOUTS if record.findings(name))


def probes(record: RunRecord) -> dict[str, Mapping[str, Any]]:
    """By position, then attribute; a run from before positions has the answer position only."""
    found = record.study("probes")
    if not found:
        return {}
    if all(_is_one(one) for one in found.values()):
        return {ANSWER: found}
    return {
        position: {name: one for name, one in by_attribute.items() if _is_one(one)}
        for position, by_attribute in found.items()
        if isinstance(by_attribute, Mapping)
    }


def _is_one(found: object) -> bool:
    """Whether it is what the probes of one attribute at one position have found."""
    return isinstance(found, Mapping) and "layers" in found


def tuned_lens(record: RunRecord) -> dict[str, Mapping[str, Any]]:
    """By position; a run from before positions has the answer position only."""
    found = record.study("tuned_lens")
    if not found:
        return {}
    return dict(found["positions"]) if "positions" in found else {ANSWER: found}
