"""The options of a command, one by one: what a class of options declares, as tyro types it."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from typing import Any, get_args, get_type_hints

import tyro


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of a command."""

    name: str
    """The name of its field, with dots where an object holds it."""
    typed: str
    """The name as it is typed, without the hyphens in front."""
    hint: Any
    """Its type with all marks."""
    default: Any
    """The value that it has unless given; dataclasses.MISSING if it must be given."""
    text: str
    """What its field says of it."""

    @property
    def positional(self) -> bool:
        """Whether it is typed without a name."""
        return tyro.conf.Positional in get_args(self.hint)


def options_of(kind: type, default: Any = None) -> Iterator[Option]:
    """The options of a class in the order of its fields. What stands in a field without a name of
    its own, as the plan does, stands among the others.

    Values are those of `default`, or of the class if that is None.
    """
    yield from _options(kind, default, name="", typed="")


def _options(kind: type, given: Any, *, name: str, typed: str) -> Iterator[Option]:
    hints = get_type_hints(kind, include_extras=True)
    texts = _texts(kind)
    for each in fields(kind):
        hint = hints[each.name]
        inner, *marks = get_args(hint) or [hint]
        if tyro.conf.Suppress in marks:
            continue
        value = _default(each) if given is None else getattr(given, each.name)
        own = _own_name(marks)
        word = each.name.replace("_", "-") if own is None else own
        if is_dataclass(inner) and isinstance(inner, type):
            dotted, outer = f"{name}{each.name}.", f"{typed}{word}." if word else typed
            held = None if value is MISSING else value
            yield from _options(inner, held, name=dotted if word else name, typed=outer)
        else:
            yield Option(
                name=name + each.name,
                typed=typed + word,
                hint=hint,
                default=value,
                text=texts.get(each.name, ""),
            )


def _own_name(marks: list[Any]) -> str | None:
    """The name that a mark of tyro gives an option, if one does."""
    return next((each.name for each in marks if hasattr(each, "name")), None)


def _default(each: Any) -> Any:
    if each.default is not MISSING:
        return each.default
    return MISSING if each.default_factory is MISSING else each.default_factory()


@cache
def _texts(kind: type) -> dict[str, str]:
    """What stands below each field of a class and of those that it is derived from."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if is_dataclass(each) and each.__module__ in sys.modules:
            found |= _own_texts(each)
    return found


def _own_texts(kind: type) -> dict[str, str]:
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            found[field.target.id] = " ".join(str(text.value.value).split())
    return found
