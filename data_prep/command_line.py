"""Parses command lines into configurations, and reports an error in them as a single line.

By default tyro prints an error as a box of a dozen lines on stderr. Scripts, logs and people need
only the line that says what is wrong.
"""

import io
import re
from collections.abc import Sequence
from contextlib import redirect_stderr
from itertools import dropwhile, takewhile
from typing import Annotated, TypeVar

import tyro

from data_prep.errors import UserError

Config = TypeVar("Config")


def _named_texts(words: Sequence[str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    for word, (name, sign, _) in zip(words, pairs, strict=True):
        if not name or not sign:
            raise ValueError(f"write NAME=TEXT, got {word!r}")
    if len({name for name, *_ in pairs}) < len(pairs):
        raise ValueError(f"a name stands twice in {' '.join(words)}")
    return {name: text for name, _, text in pairs}


NamedTexts = Annotated[
    dict[str, str],
    tyro.constructors.PrimitiveConstructorSpec(
        nargs="*",
        metavar="[NAME=TEXT ...]",
        instance_from_str=_named_texts,
        is_instance=lambda value: isinstance(value, dict),
        str_from_instance=lambda value: [f"{name}={text}" for name, text in value.items()],
    ),
]
"""Type of an option that holds texts by name, typed as NAME=TEXT. tyro's own form of a dict, NAME
TEXT NAME TEXT, changes to --option.NAME TEXT as soon as the option has a default, such as one from
a study file."""
_COLORS = re.compile(r"\x1b\[[0-9;]*m")
_RULE = re.compile("[-─╭╮╰╯]*")  # ASCII where the terminal has no other signs


def from_command_line(
    kind: type[Config],
    *,
    command: str,
    arguments: Sequence[str] | None = None,
    default: Config | None = None,
) -> Config:
    """Parse `arguments`, or the arguments of this process if None, into a configuration of type
    `kind`.

    `command` is what the user typed before the arguments; the help shows it. Defaults come from
    `default`, or from the class `kind` if that is None. UserError for an unknown option or a value
    of the wrong type.
    """
    complaint = io.StringIO()
    try:
        with redirect_stderr(complaint):
            return tyro.cli(
                kind,
                prog=command,
                args=arguments,
                default=tyro.MISSING_NONPROP if default is None else default,
            )
    except SystemExit as end:
        if not end.code:  # --help
            raise
        raise UserError(f"{_first_sentence(complaint.getvalue())}: see {command} --help") from None


def _first_sentence(boxed: str) -> str:
    """The message inside one of tyro's boxes: the text below the title, up to the first empty line
    or rule."""
    lines = [line.strip("│ ") for line in _COLORS.sub("", boxed).splitlines()[1:]]
    texts = dropwhile(_RULE.fullmatch, lines)
    sentence = " ".join(takewhile(lambda line: not _RULE.fullmatch(line), texts))
    return sentence.rstrip(".:").removeprefix("Error parsing ")
