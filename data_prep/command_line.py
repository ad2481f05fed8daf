"""Command lines generated from configurations; what cannot be parsed is one line, like any error.

tyro draws boxes of a dozen lines on stderr. Scripts, logs and people want the line that says what
is wrong.
"""

import io
import re
from collections.abc import Sequence
from contextlib import redirect_stderr
from itertools import dropwhile, takewhile
from typing import TypeVar

import tyro

from data_prep.errors import UserError

Config = TypeVar("Config")
_COLORS = re.compile(r"\x1b\[[0-9;]*m")
_RULE = re.compile("[-─╭╮╰╯]*")  # ASCII where the terminal has no other signs


def from_command_line(
    kind: type[Config],
    *,
    command: str,
    arguments: Sequence[str] | None = None,
    default: Config | None = None,
) -> Config:
    """The configuration that the arguments (of this process, unless given) describe.

    `command` is what the user typed before them, for the help. Defaults come from `default`, or
    from the configuration itself. UserError for an unknown option or a value of another kind.
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
    """The text below the title, up to the first empty line or rule."""
    lines = [line.strip("│ ") for line in _COLORS.sub("", boxed).splitlines()[1:]]
    texts = dropwhile(_RULE.fullmatch, lines)
    sentence = " ".join(takewhile(lambda line: not _RULE.fullmatch(line), texts))
    return sentence.rstrip(".:").removeprefix("Error parsing ")
