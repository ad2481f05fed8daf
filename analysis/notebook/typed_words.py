"""Options given in Python as the words that one would type.

So there is one way from options to a study: what is refused on the command line is refused here,
in the same words, and a study file or a run is taken as the start by the same rules.
"""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from difflib import get_close_matches
from inspect import Parameter
from typing import Any

from data_prep.errors import UserError
from data_prep.option_fields import Option, options_of
from data_prep.option_texts import as_repr

_OF_COMMANDS = ("plan_only",)
"""Fields of options with which a command prints something and ends, instead of giving a result."""


def option_parameters(kind: type) -> list[Parameter]:
    """The options of a command as parameters of a function, with types and defaults. Options that
    an object holds are given by that object, or as a dict of its fields."""
    found = {}
    for name, (option, *more) in _options(kind).items():
        default = Parameter.empty if option.default is MISSING else option.default
        found[name] = Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            default=None if more else default,
            annotation=Mapping[str, Any] if more else option.hint,
        )
    return list(found.values())


def command_words(kind: type, options: Mapping[str, Any]) -> list[str]:
    """The words of a command line that gives these options, by the names of the fields of `kind`.

    UserError for a name that no option has, and for a value that cannot be typed.
    """
    known = _options(kind)
    placed: list[str] = []
    typed: list[str] = []
    for name, value in options.items():
        if name not in known:
            near = get_close_matches(name, known, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"choose from {', '.join(known)}"
            raise UserError(f"unknown option {as_repr(name)}: {remedy}")
        option, *more = known[name]
        if option.positional:
            placed += _texts(name, value)
        elif more:
            typed += list(_held_words(option.typed.partition(".")[0], value))
        else:
            typed += list(_words(option.typed, value))
    return [*placed, *typed]


def _options(kind: type) -> dict[str, list[Option]]:
    """The options by the name of their field; several where an object holds them."""
    found: dict[str, list[Option]] = {}
    for each in options_of(kind):
        first = each.name.partition(".")[0]
        if first not in _OF_COMMANDS:
            found.setdefault(first, []).append(each)
    return found


def _held_words(name: str, value: Any) -> Iterator[str]:
    """The options of an object, each with its value."""
    if is_dataclass(value) and not isinstance(value, type):
        value = {each.name: getattr(value, each.name) for each in fields(value)}
    if not isinstance(value, Mapping):
        raise UserError(f"{name} must be a dict of its fields, got {as_repr(value)}: see --help")
    for field, each in value.items():
        yield from _words(f"{name}.{str(field).replace('_', '-')}", each)


def _words(name: str, value: Any) -> Iterator[str]:
    """An option and its value."""
    option = f"--{name}"
    if isinstance(value, bool):
        yield option if value else option.replace("--", "--no-", 1)
    elif isinstance(value, Mapping):
        yield from (option, *_texts(name, [f"{key}={text}" for key, text in value.items()]))
    elif isinstance(value, tuple | list):
        yield from (option, *_texts(name, value))
    else:
        yield f"{option}={value}"  # so that a value may begin with a hyphen


def _texts(name: str, value: Any) -> list[str]:
    each = [str(one) for one in (value if isinstance(value, tuple | list) else [value])]
    for word in each:
        if word.startswith("-"):
            raise UserError(
                f"{name} must not begin with a hyphen, got {as_repr(word)}: it would be read as "
                "an option"
            )
    return each
