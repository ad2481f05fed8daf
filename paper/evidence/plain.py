"""Numbers as they are printed: rounded once, here, and nowhere else."""

import re
from collections.abc import Sequence

from analysis.wording import Bounds, Ends, layers_text, p_text

_MINUS = "\u2212"
_NEGATIVE = re.compile(r"(?<![\w.])-(?=\d)")


def number(value: float, digits: int = 2) -> str:
    """With a real minus sign, and never a negative zero."""
    shown = f"{value:,.{digits}f}"
    if not shown.strip("-0.,"):
        shown = shown.lstrip("-")
    return shown.replace("-", _MINUS)


def with_minus_signs(text: str) -> str:
    """Sentences of the commands, which write negative numbers with a hyphen, as print has them."""
    return _NEGATIVE.sub(_MINUS, text)


def of_h(value: float, digits: int = 2) -> str:
    """A share of the answers' entropy, never broken over lines."""
    return f"{number(value, digits)}\u00a0H"


def small(value: float) -> str:
    """Two significant digits, for numbers of any size."""
    return f"{value:.2g}".replace("-", _MINUS)


def percent(share: float, digits: int = 0) -> str:
    """A share as percentage."""
    return f"{number(100 * share, digits)}%"


def level(value: float) -> str:
    """A confidence level."""
    return f"{100 * value:g}%"


def interval(row: Bounds, digits: int = 2) -> str:
    """Low to high."""
    return f"{number(row.low, digits)} to {number(row.high, digits)}"


def p_said(p: float) -> str:
    """A p-value for running text, never broken over lines."""
    return p_text(p).replace(" ", "\u00a0")


def layer_set(ends: Ends) -> str:
    """Layers that a forward-backward set holds."""
    if ends.high is None:
        return f"{ends.low} or later"
    return str(ends.low) if ends.low == ends.high else f"{ends.low} to {ends.high}"


def layers_said(layers: Sequence[int]) -> str:
    """ "layers 0 to 2 and 5 to 10", for running text."""
    before, comma, last = layers_text(layers).rpartition(", ")
    return f"{before} and {last}" if comma else last


def span(numbers: Sequence[int]) -> str:
    """Smallest to largest, or the one there is."""
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def listed(parts: Sequence[str]) -> str:
    """a; a and b; a, b and c."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
