"""Formats numbers for print. This is the only place at which numbers are rounded."""

import re
from collections.abc import Sequence

from analysis.wording import Bounds, Ends, layers_text, p_text

_MINUS = "\u2212"
_NEGATIVE = re.compile(r"(?<![\w.])-(?=\.?\d)")


def number(value: float, digits: int = 2) -> str:
    """A number with `digits` decimal places and a real minus sign; a negative zero is printed as
    zero."""
    shown = f"{value:,.{digits}f}"
    if not shown.strip("-0.,"):
        shown = shown.lstrip("-")
    return shown.replace("-", _MINUS)


def with_minus_signs(text: str) -> str:
    """The text with a real minus sign in place of the hyphen before each negative number."""
    return _NEGATIVE.sub(_MINUS, text)


def of_h(value: float, digits: int = 2) -> str:
    """A share of the entropy of the answers as text that is never broken over lines."""
    return f"{number(value, digits)}\u00a0H"


def small(value: float) -> str:
    """A number of any size as text with two significant digits."""
    return f"{value:.2g}".replace("-", _MINUS)


def percent(share: float, digits: int = 0) -> str:
    """A share (0 to 1) as a percentage with `digits` decimal places."""
    return f"{number(100 * share, digits)}%"


def level(value: float) -> str:
    """A confidence level (0 to 1) as text."""
    return f"{100 * value:g}%"


def interval(row: Bounds, digits: int = 2) -> str:
    """The lower and the upper bound of an interval as text."""
    return f"{number(row.low, digits)} to {number(row.high, digits)}"


def p_said(p: float) -> str:
    """A p-value for running text, never broken over lines."""
    return p_text(p).replace(" ", "\u00a0")


def layer_set(ends: Ends) -> str:
    """The layers that a forward-backward set holds, as text."""
    if ends.high is None:
        return f"{ends.low} or later"
    return str(ends.low) if ends.low == ends.high else f"{ends.low} to {ends.high}"


def layers_said(layers: Sequence[int]) -> str:
    """Layers for running text, such as "layers 0 to 2 and 5 to 10"."""
    before, comma, last = layers_text(layers).rpartition(", ")
    return f"{before} and {last}" if comma else last


def span(numbers: Sequence[int]) -> str:
    """The smallest and the largest number as a range, or the number itself if all are the same."""
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
