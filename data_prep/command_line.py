"""Parses command lines into configurations, and reports an error in them as a single line.

By default tyro prints an error as a box of a dozen lines on stderr. Scripts, logs and people need
only the line that says what is wrong.
"""

import io
import re
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr
from itertools import dropwhile, takewhile
from typing import Annotated, TypeVar

import tyro

from data_prep.errors import UserError
from data_prep.option_help import help_text
from data_prep.option_rules import require_rules
from data_prep.option_texts import as_repr, clipped

Config = TypeVar("Config")


def _named_texts(words: Sequence[str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    for word, (name, sign, _) in zip(words, pairs, strict=True):
        if not name or not sign:
            raise ValueError(f"write NAME=TEXT, got {as_repr(word)}")
    if len({name for name, *_ in pairs}) < len(pairs):
        raise ValueError(f"a name stands twice in {clipped(' '.join(words))}")
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
_HELP = {"-h", "--help"}
_COLORS = re.compile(r"\x1b\[[0-9;]*m")
_NO_VALUE = re.compile(r"--[\w.-]+=")
_LONGEST = 300
"""Characters of a message; one of tyro's repeats all that was typed."""
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

    `command` is what the user typed before the arguments; the help, which --help prints, shows
    it. Defaults come from `default`, or from the class `kind` if that is None. UserError for an
    unknown option, and for a value of the wrong type or one that breaks a rule of its field.
    """
    words = sys.argv[1:] if arguments is None else arguments
    require_values(words)
    if not _HELP.isdisjoint(words):
        print(help_text(kind, command=command, default=default))
        raise SystemExit(0)
    complaint, around = io.StringIO(), sys.exception()
    try:
        with redirect_stderr(complaint):
            config = tyro.cli(
                kind,
                prog=command,
                args=words,
                default=tyro.MISSING_NONPROP if default is None else default,
            )
    except SystemExit as end:
        # tyro takes our own errors for errors of its types, and puts the class before them.
        if (own := _own_error(end, around)) is not None:
            raise UserError(str(own)) from None
        raise UserError(f"{_first_sentence(complaint.getvalue())}: see {command} --help") from None
    require_rules(config, typed=True)
    return config


def require_values(arguments: Sequence[str]) -> None:
    """UserError for an argument that is empty, or holds what no argument can.

    An empty path would be taken for the folder that the command was started in.
    """
    for place, word in enumerate(arguments):
        if "\0" in word:
            raise UserError(
                f"an argument holds the character NUL, got {as_repr(word)}: leave it out"
            )
        if not word or _NO_VALUE.fullmatch(word):
            options = [each for each in arguments[:place] if each.startswith("--")]
            name = word.rstrip("=") or (options[-1] if options else "an argument")
            raise UserError(
                f"{clipped(name)} needs a text, got an empty one: write one, or leave it out"
            )


def _own_error(end: SystemExit, around: BaseException | None) -> UserError | None:
    """The UserError on account of which tyro ended the process; None if there was none.

    `around` is what was being handled before, which is no cause of the end.
    """
    cause: BaseException | None = end
    while cause is not None and cause is not around:
        if isinstance(cause, UserError):
            return cause
        cause = cause.__context__
    return None


def _first_sentence(boxed: str) -> str:
    """The message inside one of tyro's boxes: the text below the title, up to the first empty line
    or rule."""
    lines = [line.strip("│ ") for line in _COLORS.sub("", boxed).splitlines()[1:]]
    texts = dropwhile(_RULE.fullmatch, lines)
    sentence = " ".join(takewhile(lambda line: not _RULE.fullmatch(line), texts))
    # Python's advice for numbers of over 4300 digits is for programmers.
    sentence = sentence.partition("; use sys.set_int_max_str_digits")[0]
    return _shortened(sentence.rstrip(".:").removeprefix("Error parsing "))


def _shortened(sentence: str) -> str:
    """The sentence without the middle of what was typed, if that is long."""
    if len(sentence) <= _LONGEST:
        return sentence
    return f"{sentence[: _LONGEST // 2]} ... {sentence[-_LONGEST // 2 :]}"
