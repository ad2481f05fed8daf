"""The help of a command: examples first, then its options under headings, in 80 columns."""

import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import MISSING
from inspect import getdoc
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import tyro

from data_prep.option_fields import Option, options_of
from data_prep.option_groups import HEADINGS, WORK, headings_of, place_of

WIDTH = 80
_MOST_EXAMPLES = 2
_INDENT = " " * 6
_KINDS = {int: "INT", float: "NUMBER", str: "TEXT", Path: "PATH"}


def help_text(kind: type, *, command: str, default: Any = None) -> str:
    """The whole help. Defaults are those of `default`, or of the class if that is None."""
    options = sorted(options_of(kind, default), key=lambda each: place_of(each.name))
    placed = "".join(f" {each.typed.upper()} ..." for each in options if each.positional)
    parts = [
        f"usage: {command}{placed} [OPTIONS]",
        textwrap.fill(" ".join((getdoc(kind) or "").split()), WIDTH),
        *_examples(kind, command),
    ]
    for heading in HEADINGS:
        under = [each for each in options if (headings_of(each.name) or [WORK])[0] == heading]
        if heading == WORK:
            under_text = [*map(_option, under), "  -h, --help\n      Show this and end."]
        else:
            under_text = [_option(each) for each in under]
        if under_text:
            parts.append("\n".join([f"{heading}:", *under_text]))
    return "\n\n".join(parts)


def examples(kind: type, command: str) -> list[str]:
    """The uses of the command that the description of its module begins with."""
    used: list[str] = []
    for name in dict.fromkeys((kind.__module__, "__main__")):
        text = getattr(sys.modules.get(name), "__doc__", None) or ""
        text = re.sub(r" *\\\n +", " ", text)
        form = rf"(?:^    |`)({re.escape(command)}(?![\w.])[^\n`#]*)"
        used += [" ".join(each.split()) for each in re.findall(form, text, re.MULTILINE)]
    return used[:_MOST_EXAMPLES]


def _examples(kind: type, command: str) -> Iterator[str]:
    lines = []
    for each in examples(kind, command):
        broken = textwrap.wrap(
            each, WIDTH - 4, initial_indent="  ", subsequent_indent=_INDENT,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
        lines.append(" \\\n".join(broken))
    if lines:
        yield "\n".join(["Examples:", *lines])


def _option(option: Option) -> str:
    text = option.text
    if (said := _default_text(option)) and "default:" not in text.lower():
        text = f"{text} ({said})"
    body = textwrap.fill(
        text, WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False
    )
    return f"{_typed(option)}\n{body}"


def _typed(option: Option) -> str:
    """How the option is typed, with what kind of value it takes."""
    value = _value(option.hint)
    if option.positional:
        return f"  {option.typed.upper()} ..."
    if value is None:  # a switch
        return f"  --no-{option.typed}" if option.default is True else f"  --{option.typed}"
    whole = f"  --{option.typed} {value}"
    if len(whole) <= WIDTH:
        return whole
    lines = textwrap.wrap(value, WIDTH - len(_INDENT), break_on_hyphens=False)
    return "\n".join([f"  --{option.typed}", *(_INDENT + line for line in lines)])


def _value(hint: Any) -> str | None:
    """What is typed after the name of an option of this type; None if nothing is."""
    origin, parts = get_origin(hint), get_args(hint)
    if hasattr(hint, "__metadata__"):
        own = next((each for each in parts[1:] if _is_own(each)), None)
        return _value(parts[0]) if own is None else _shown_metavar(own.metavar)
    if origin in (Union, UnionType):
        kinds = [_value(each) for each in parts if each is not NoneType]
        return "|".join(dict.fromkeys(each for each in kinds if each)) or None
    if origin is Literal:
        return "|".join(str(each) for each in parts if each is not None)
    if origin is tuple:
        if Ellipsis in parts:
            return f"{_value(parts[0])} ..."
        return " ".join(str(_value(each)) for each in parts)
    return None if hint is bool else _KINDS.get(hint, "VALUE")


def _is_own(mark: Any) -> bool:
    return isinstance(mark, tyro.constructors.PrimitiveConstructorSpec)


def _shown_metavar(metavar: str) -> str:
    return metavar.strip("[]").replace(" ...]", " ...")


def _default_text(option: Option) -> str:
    value = option.default
    if value is MISSING:
        return "must be given"
    if value is None or isinstance(value, bool) or value in ((), {}, ""):
        return ""
    if isinstance(value, dict):
        value = tuple(f"{name}={text}" for name, text in value.items())
    return f"default: {' '.join(map(str, value)) if isinstance(value, tuple) else value}"
