"""The gate: what the view reads from a model must be what the model computes."""

from probes.gate.check import Check
from probes.gate.checks import check_gate, checks_of

__all__ = ["Check", "check_gate", "checks_of"]
