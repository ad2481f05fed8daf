"""Rules for the values of options beyond their type, all checked by one function.

A field of a configuration declares its rule in its annotation, as in `items: Annotated[int,
AtLeast(1)] = 25`. `require_rules` checks all fields of an object, inherited ones included.
"""

from dataclasses import dataclass, fields
from typing import Any, Protocol, get_type_hints, runtime_checkable

from data_prep.errors import UserError


@runtime_checkable
class Rule(Protocol):
    """A rule that the value of an option must keep."""

    @property
    def remedy(self) -> str:
        """Advice for the user, such as a usual value; empty if no advice is needed."""
        ...

    def broken(self, value: Any) -> str | None:
        """What `value` must be, as in "must be at least 1"; None if it keeps the rule."""
        ...


@dataclass(frozen=True, slots=True)
class AtLeast:
    """The value, or each number of a tuple, must be at least `least`. Texts and None are
    accepted."""

    least: int | float
    otherwise: str = ""
    """Words for the message about other accepted values, such as ", or auto"."""
    remedy: str = ""

    def broken(self, value: Any) -> str | None:
        numbers = value if isinstance(value, tuple) else (value,)
        if all(each >= self.least for each in numbers if isinstance(each, int | float)):
            return None
        return f"must be at least {self.least:g}{self.otherwise}"


@dataclass(frozen=True, slots=True)
class Between:
    """The value must be a number strictly between `low` and `high`."""

    low: int | float
    high: int | float
    remedy: str = ""

    def broken(self, value: int | float) -> str | None:
        within = self.low < value < self.high  # false of NaN as well
        return None if within else f"must lie between {self.low:g} and {self.high:g}"


@dataclass(frozen=True, slots=True)
class Filled:
    """The value must be a tuple with at least one element, or a text that is not blank."""

    needs: str
    """Words for the message, such as "at least one attribute"."""
    remedy: str = ""

    def broken(self, value: tuple[Any, ...] | str) -> str | None:
        filled = value.strip() if isinstance(value, str) else value
        return None if filled else f"needs {self.needs}"


def require_rules(options: Any, *, typed: bool) -> None:
    """Raise UserError for the first field of the dataclass `options` whose value breaks a rule.

    With `typed` the message names the field as it is typed on the command line (--batch-size),
    otherwise as it is written in a file.
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
