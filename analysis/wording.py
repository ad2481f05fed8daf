"""Numbers and names in words, the same on the terminal, in figures and in the paper."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from analysis.effects.found import Finding
from analysis.readouts.registry import READOUTS

READOUT_NAMES = {name: each.words for name, each in READOUTS.items()}


@runtime_checkable
class Bounds(Protocol):
    """Anything with a lower and an upper end, such as an interval."""

    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


@runtime_checkable
class Estimated(Bounds, Protocol):
    """Anything with an estimate and the two ends of its interval."""

    @property
    def estimate(self) -> float: ...


@runtime_checkable
class Ends(Protocol):
    """Anything with the first and the last layer of a set."""

    @property
    def low(self) -> int: ...
    @property
    def high(self) -> int | None:
        """The last layer of the set; None where the set has no upper end."""
        ...


def p_value(p: float) -> str:
    """The p-value with three digits, or "<.001" where these would show 0, which p never is."""
    return "<.001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def p_text(p: float) -> str:
    """For running text: "p < .001" or "p = .012"."""
    shown = p_value(p)
    return f"p < {shown[1:]}" if shown.startswith("<") else f"p = {shown}"


def set_text(ends: Ends) -> str:
    """The set in words, from its first to its last layer; where the last is None, the set has no
    upper end."""
    if ends.high is None:
        return f"{ends.low} or later"
    return f"{ends.low} to {ends.high}"


def layers_text(layers: Sequence[int]) -> str:
    """The layers in words, neighbours joined into ranges: "layers 2 to 5, 8"."""
    runs: list[list[int]] = []
    for layer in layers:
        if runs and layer == runs[-1][1] + 1:
            runs[-1][1] = layer
        else:
            runs.append([layer, layer])
    shown = ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in runs)
    return f"layer{'s' if len(layers) > 1 else ''} {shown}"


def survives(found: Finding) -> bool:
    """Whether the finding is still significant after Holm's adjustment over all findings of its
    run."""
    return found.omnibus_p_holm <= 1 - found.level + 1e-12


def listed(parts: Sequence[str]) -> str:
    """The parts as a list in words: "a", "a and b", or "a, b and c"."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
