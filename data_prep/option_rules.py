"""Rules for the values of options beyond their type, all checked by one function.

A field of a configuration declares its rule in its annotation, as in `items: Annotated[int,
Within(1, 100)] = 25`. `require_rules` checks all fields of an object, inherited ones included, and
those of the objects in it. Every number has a rule, with both ends: beyond a generous last one a
command would not end, or would ask for more memory than there is. Every text is checked as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Protocol, get_type_hints, runtime_checkable

from data_prep.errors import UserError
from data_prep.option_texts import require_texts, shown

MOST_SEED = 2**63 - 1
"""The largest seed that every generator of random numbers takes."""
MOST_SCENES = 10_000_000
MOST_STEPS = 10_000_000
"""Of a training."""
MOST_THREADS = 1024
MOST_LAYERS = 10_000
MOST_RESAMPLES = 1_000_000
MOST_TOKENS = 10_000
"""Of most probable tokens that are kept; no page or table holds more."""


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
class Within:
    """The value, or each number of a tuple, must be at least `least` and at most `most`. Texts and
    None are accepted."""

    least: int | float
    most: int | float
    otherwise: str = ""
    """Words for the message about other accepted values, such as ", or auto"."""
    remedy: str = ""

    def broken(self, value: Any) -> str | None:
        numbers = value if isinstance(value, tuple) else (value,)
        for each in numbers:
            if not isinstance(each, int | float) or self.least <= each <= self.most:
                continue
            if each < self.least:
                return f"must be at least {_number(self.least)}{self.otherwise}"
            if each > self.most:
                return f"must be at most {_number(self.most)}{self.otherwise}"
            return f"must be a number{self.otherwise}"  # NaN is neither
        return None


@dataclass(frozen=True, slots=True)
class Between:
    """The value must be a number strictly between `low` and `high`, or None."""

    low: int | float
    high: int | float
    remedy: str = ""

    def broken(self, value: int | float | None) -> str | None:
        within = value is None or self.low < value < self.high  # false of NaN as well
        return None if within else f"must lie between {_number(self.low)} and {_number(self.high)}"


@dataclass(frozen=True, slots=True)
class Filled:
    """The value must be a tuple with at least one element, or a text that is not blank."""

    needs: str
    """Words for the message, such as "at least one attribute"."""
    remedy: str = ""

    def broken(self, value: tuple[Any, ...] | str) -> str | None:
        filled = value.strip() if isinstance(value, str) else value
        return None if filled else f"needs {self.needs}"


@dataclass(frozen=True, slots=True)
class Place:
    """Marks a text that names a folder or file, or begins with one. File names may hold what other
    texts may not."""


def require_rules(options: Any, *, typed: bool) -> None:
    """Raise UserError for the first field of the dataclass `options` whose value breaks a rule.

    With `typed` the message names the field as it is typed on the command line (--batch-size),
    otherwise as it is written in a file.
    """
    for name, value, marks, default in _leaves(options, prefix=""):
        called = f"--{name.replace('_', '-')}" if typed else name
        for rule in marks:
            if isinstance(rule, Rule) and (broken := rule.broken(value)) is not None:
                remedy = f": {rule.remedy}" if rule.remedy else ""
                raise UserError(f"{called} {broken}, got {shown(value)}{remedy}")
        place = any(isinstance(mark, Place) for mark in marks)
        require_texts(called, value, default=default, place=place)


def _leaves(options: Any, *, prefix: str) -> Iterator[tuple[str, Any, tuple[Any, ...], Any]]:
    """Every field that is no object with fields of its own: its name on the command line, its
    value, what its annotation says beside the type, and its default."""
    hints = get_type_hints(type(options), include_extras=True)
    for each in fields(options):
        value, marks = getattr(options, each.name), getattr(hints[each.name], "__metadata__", ())
        if not is_dataclass(value):
            yield f"{prefix}{each.name}", value, marks, each.default
            continue
        # tyro.conf.arg(name="") puts the fields of an object among those of its owner.
        unnamed = any(getattr(mark, "name", None) == "" for mark in marks)
        yield from _leaves(value, prefix=prefix if unnamed else f"{prefix}{each.name}.")


def _number(value: int | float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"
