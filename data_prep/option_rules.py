"""What a value of an option must be, beside its type: said where the option is, checked in one way.

A field of a configuration says it in its annotation, `items: Annotated[int, AtLeast(1)] = 25`, and
so do those that it inherits: `require_rules` looks at all of them, whichever class was made.
"""

from dataclasses import dataclass, fields
from typing import Any, Protocol, get_type_hints, runtime_checkable

from data_prep.errors import UserError


@runtime_checkable
class Rule(Protocol):
    """What a value must be."""

    @property
    def remedy(self) -> str:
        """What a user may do, or what is usual; empty if that goes without saying."""
        ...

    def broken(self, value: Any) -> str | None:
        """What `value` must be and is not, as in "must be at least 1"; None if it is."""
        ...


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A number that is no smaller, or several such; a text or None in its place is let pass."""

    least: int | float
    otherwise: str = ""
    """What is allowed besides, as in ", or auto"."""
    remedy: str = ""

    def broken(self, value: Any) -> str | None:
        numbers = value if isinstance(value, tuple) else (value,)
        if all(each >= self.least for each in numbers if isinstance(each, int | float)):
            return None
        return f"must be at least {self.least:g}{self.otherwise}"


@dataclass(frozen=True, slots=True)
class Between:
    """A number strictly between two others."""

    low: int | float
    high: int | float
    remedy: str = ""

    def broken(self, value: int | float) -> str | None:
        within = self.low < value < self.high  # false of NaN as well
        return None if within else f"must lie between {self.low:g} and {self.high:g}"


@dataclass(frozen=True, slots=True)
class Filled:
    """At least one of several values, or a text that is not empty."""

    needs: str
    """As in "at least one attribute"."""
    remedy: str = ""

    def broken(self, value: tuple[Any, ...] | str) -> str | None:
        filled = value.strip() if isinstance(value, str) else value
        return None if filled else f"needs {self.needs}"


def require_rules(options: Any, *, typed: bool) -> None:
    """UserError for the first field of a dataclass whose value breaks a rule of its own.

    `typed` says whether fields are named as one types them, --batch-size, or as in a file.
    """
    hints = get_type_hints(type(options), include_extras=True)
    for each in fields(options):
        value = getattr(options, each.name)
        for rule in getattr(hints[each.name], "__metadata__", ()):
            if not isinstance(rule, Rule) or (broken := rule.broken(value)) is None:
                continue
            name = f"--{each.name.replace('_', '-')}" if typed else each.name
            remedy = f": {rule.remedy}" if rule.remedy else ""
            raise UserError(f"{name} {broken}, got {_shown(value)}{remedy}")


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value)) or "none"
    return value.strip() or "an empty one" if isinstance(value, str) else str(value)
