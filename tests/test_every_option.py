"""Every option of every command: numbers have rules with both ends, and no value that is typed
gives more than one line."""

import ast
import importlib
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass
from inspect import get_annotations
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
import tyro

from analysis.commands.options import RunOptions, parse_options
from data_prep.command_line import from_command_line
from data_prep.errors import UserError
from data_prep.option_rules import Between, Within

ROOT = Path(__file__).parents[1]
PACKAGES = ("analysis", "data_prep", "paper", "probes")
PARSERS = ("from_command_line", "parse_options")


@dataclass(frozen=True)
class Option:
    """One option of a command."""

    owner: type
    name: str
    """As it is typed, with dots where an object holds it."""
    hint: Any
    default: Any

    @property
    def number(self) -> type | None:
        """int or float if it takes numbers, alone or several."""
        return next((kind for kind in (int, float) if kind in parts(self.hint)), None)

    @property
    def marks(self) -> tuple[Any, ...]:
        return get_args(self.hint)[1:] if get_origin(self.hint) is Annotated else ()


def parts(hint: Any) -> set[Any]:
    """The types that a hint is made of; not the values of a Literal."""
    if get_origin(hint) is Annotated:
        return parts(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType, tuple, dict):
        return set().union(*map(parts, get_args(hint)))
    return set() if get_origin(hint) is Literal else {hint}


def options_of(kind: type, prefix: str = "") -> Iterator[Option]:
    hints = get_type_hints(kind, include_extras=True)
    for each in fields(kind):
        hint, (inner, *_) = hints[each.name], parts(hints[each.name]) or {str}
        if not (isinstance(inner, type) and is_dataclass(inner)):
            yield Option(kind, prefix + each.name.replace("_", "-"), hint, each.default)
            continue
        unnamed = "name=''" in repr(get_args(hint)[1:])
        yield from options_of(inner, prefix if unnamed else f"{prefix}{each.name}.")


def found_commands() -> dict[str, type]:
    """The class of options of every command, by the command's module."""
    found = {}
    for file in sorted(path for each in PACKAGES for path in (ROOT / each).rglob("*.py")):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(call, ast.Call) and getattr(call.func, "id", "") in PARSERS):
                continue
            first = call.args[0] if call.args else None
            if isinstance(first, ast.Name):
                name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
                kind = getattr(importlib.import_module(name), first.id, None)
                if isinstance(kind, type):
                    found[name.removesuffix(".__main__")] = kind
    return found


COMMANDS = found_commands()


def own_options() -> list[Any]:
    """Every option with a command that has it: those that commands inherit with one of them."""
    found = {}
    for command, kind in COMMANDS.items():
        for option in options_of(kind):
            home = next(each for each in reversed(option.owner.__mro__) if has(each, option))
            found.setdefault(
                (home.__qualname__, home.__module__, option.name),
                pytest.param(kind, option, id=f"{command}-{option.name}"),
            )
    return list(found.values())


def has(kind: type, option: Option) -> bool:
    name = option.name.rpartition(".")[2].replace("-", "_")
    return name in get_annotations(kind)


OWN = own_options()
NUMBERS = [each for each in OWN if each.values[1].number]
TEXTS = [each for each in OWN if str in parts(each.values[1].hint)]


def typed(kind: type, *arguments: str) -> Any:
    """The options as the command reads them; those that must be given are."""
    given: list[str] = []
    for each in fields(kind):
        if each.default is not MISSING or each.default_factory is not MISSING:
            continue
        hint = get_type_hints(kind, include_extras=True)[each.name]
        if tyro.conf.Positional in get_args(hint):
            given = ["a", "b", "c", *given]
        elif f"--{each.name}" not in arguments:
            given += [f"--{each.name}", "a"]
    parse = parse_options if issubclass(kind, RunOptions) else from_command_line
    return parse(kind, command="it", arguments=[*given, *arguments])


def test_all_commands_are_found():
    assert len(COMMANDS) >= 26, sorted(COMMANDS)
    assert {"analysis.power", "paper.build", "data_prep.render", "probes.bundled.train"} < set(
        COMMANDS
    )


def test_every_number_has_a_rule_with_both_ends():
    lacking = [
        f"{option.owner.__module__}.{option.owner.__name__}: {option.name}"
        for kind in COMMANDS.values()
        for option in options_of(kind)
        if option.number and not any(isinstance(each, Within | Between) for each in option.marks)
    ]
    assert not lacking, "annotate with Within(least, most)"


def told(kind: type, *arguments: str) -> str:
    """What is said of arguments that must be refused."""
    with pytest.raises(UserError) as refused:
        typed(kind, *arguments)
    message = str(refused.value)
    assert len(message) < 1000
    assert "\n" not in message
    assert "Error" not in message, "no class"
    assert f"{kind.__name__}:" not in message
    return message


@pytest.mark.parametrize(("kind", "option"), NUMBERS)
def test_no_number_is_out_of_bounds(kind, option):
    name = option.name.rpartition(".")[2]
    for text in ("9" * 400, "nan"):
        twice = [text] * (2 if name == "plateau" else 1)
        assert name in told(kind, f"--{option.name}", *twice).replace("_", "-")


@pytest.mark.parametrize("name", ["layers", "effect", "scenes", "onset"])
@pytest.mark.parametrize(
    "text", ["9" * 5000, "1e308", "inf", "-inf", "-1", "1e-400x", "abc", "", "0x10", "\0", "--"]
)
def test_what_is_no_number_is_told_in_one_line(name, text):
    told(COMMANDS["analysis.power"], f"--{name}", text)


@pytest.mark.parametrize(("kind", "option"), TEXTS)
def test_no_text_is_endless(kind, option):
    pairs = "PrimitiveConstructorSpec" in repr(option.hint)
    told(kind, f"--{option.name}", f"label={'x' * 20_000}" if pairs else "x" * 20_000)


@pytest.mark.parametrize("name", ["attr", "ask", "lens-attributes", "model", "revision", "run"])
@pytest.mark.parametrize("text", ["", "a\0b", "\ud800", "x\x1b[31m"], ids=ascii)
def test_what_no_text_may_hold_is_told_in_one_line(name, text):
    if name in ("model", "run") and text.isascii() and "\0" not in text and text:
        return  # a folder may be called so
    if (name, text) == ("run", "\ud800"):
        return  # a byte of a file name that is not UTF-8
    value = f"label={text}" if name == "ask" else text
    told(COMMANDS["analysis.emergence"], f"--{name}", value)


def test_an_error_of_a_plan_is_told_without_its_class():
    for command, arguments, message in (
        ("analysis.pope_labels", ("--level", "2"), "--level must lie between 0 and 1"),
        ("analysis.tuned_lens", ("--recipe.rank", "0"), "rank must be at least 1"),
        ("analysis.emergence", ("--level", "2"), "level must lie between 0 and 1"),
    ):
        assert told(COMMANDS[command], *arguments).startswith(message)
