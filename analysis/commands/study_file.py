"""A study file: the plan of a study, and the options of the commands that take part in it."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter

from analysis.run.study import Study
from data_prep.errors import UserError
from data_prep.files.bounded import NoFileError, TooLargeError, bounded_content
from data_prep.option_texts import as_repr, clipped

COMMANDS = (
    "emergence", "order", "probes", "tuned_lens", "trajectory", "confusion", "concept", "examples",
    "explore", "paraphrase", "causes", "ablation", "hallucination", "mitigation",
)  # fmt: skip
"""The commands that work on a run. In a study file, a table with a command's name holds options of
that command."""

_MOST_BYTES = 100_000
_MOST_DOTS = 200
"""In a line. Python's reader takes hours for a key of hundreds of thousands of parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFile:
    """What is declared in a study file."""

    file: Path
    plan: Study
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The options of commands: by the command's name, then by the option's name."""

    def arguments(self, command: str, names: Sequence[str]) -> list[str]:
        """The options of a command as one would type them; `names` are the options that it has.

        UserError for options that it does not have, and for values that no option takes.
        """
        typed: list[str] = []
        for name, value in self.options.get(command, {}).items():
            if name not in names:
                raise UserError(
                    f"unknown key {as_repr(name)} in [{command}] of {self.file}: the keys of "
                    f"{command} are {', '.join(names) or 'none'}"
                )
            typed += _typed(name, value, f"{name} in [{command}] of {self.file}")
        return typed


def read_study(file: Path) -> StudyFile:
    """Reads a study file. UserError if the file is none, and for unknown keys or values of a wrong
    type."""
    content = _content(file)
    names = [each.name for each in fields(Study)]
    tables = {name: content.pop(name) for name in COMMANDS if isinstance(content.get(name), dict)}
    for name, value in content.items():
        if name not in names:
            raise UserError(
                f"unknown key {as_repr(name)} in {file}: the keys of a study are "
                f"{', '.join(names)}; options of a command go into a table of its name, like "
                f"[{COMMANDS[0]}]"
            )
        content[name] = _checked(name, value, file)
    try:
        return StudyFile(file=file, plan=Study(**content), options=tables)
    except UserError as error:
        raise UserError(f"{error}, in the study file {file}") from error


def _content(file: Path) -> dict[str, Any]:
    """What the file holds, whatever its bytes are. UserError if that is no TOML."""
    try:
        content = bounded_content(file, _MOST_BYTES)
        # Some editors mark a file as UTF-8 by a first character that TOML does not know.
        text = content.decode("utf-8-sig")
        if any(line.count(".") > _MOST_DOTS for line in text.splitlines()):
            raise RecursionError
        return tomllib.loads(text)
    except NoFileError as error:
        raise UserError(
            f"the study file {file} is no file: give one with a study in TOML"
        ) from error
    except OSError as error:
        raise UserError(f"cannot read the study file {file}: {error.strerror}") from error
    except TooLargeError as error:
        raise UserError(
            f"the study file {file} must have at most {_MOST_BYTES} bytes, got more: give one "
            "with a study in TOML"
        ) from error
    except RecursionError as error:
        raise UserError(
            f"the study file {file} is nested too deeply: a plan has lists of texts or numbers only"
        ) from error
    # TOMLDecodeError and UnicodeDecodeError are such, and so is what `int` says of too many digits.
    except ValueError as error:
        if isinstance(error, UserError):
            raise
        reason = str(error).partition("; use sys.set_int_max_str_digits")[0]
        raise UserError(f"the study file {file} is not valid TOML: {clipped(reason)}") from error


def _checked(name: str, value: Any, file: Path) -> Any:
    """The value in the type of the plan's field. UserError if it is of another type."""
    kind = get_type_hints(Study, include_extras=True)[name]
    try:
        # Through JSON, where alone a list is taken for a tuple and a text for nothing but a text.
        return TypeAdapter(kind).validate_json(json.dumps(value), strict=True)
    # ValidationError is a ValueError, and so is what `json` says of too many digits.
    except (ValueError, TypeError, RecursionError) as error:
        raise UserError(
            f"{name} in {file} must be {_wanted(kind)}, got {as_repr(value)}"
        ) from error


_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def _wanted(kind: Any) -> str:
    """Says in words what values a type has."""
    origin, parts = get_origin(kind), [each for each in get_args(kind) if each is not NoneType]
    if kind in _WORDS:
        return _WORDS[kind]
    if origin is Literal:
        return f"one of {', '.join(map(str, parts))}" if len(parts) > 1 else str(parts[0])
    if origin in (Union, UnionType):
        return " or ".join(map(_wanted, parts))
    if origin is dict:
        return 'like {name = "text"}'
    if origin is tuple and Ellipsis not in parts:
        return f"a list of {len(parts)} numbers"
    if origin is tuple:
        return "a list of texts"
    return _wanted(parts[0])  # Annotated


def _typed(name: str, value: Any, where: str) -> list[str]:
    """An option and its value as words of a command line."""
    option = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return [option if value else option.replace("--", "--no-", 1)]
    named = value if isinstance(value, dict) else {}
    each = list(named.values()) if named else value if isinstance(value, list) else [value]
    if not all(type(one) in (str, int, float) for one in each):
        raise UserError(
            f"{where} must be text, a number or a list of these, got {as_repr(value)}: see --help"
        )
    try:
        words = [f"{name}={one}" for name, one in named.items()] or [str(one) for one in each]
    except ValueError:  # from a number of more digits than Python converts
        raise UserError(f"{where} is a number of too many digits: see --help") from None
    for word in words:
        # It would be read as an option, of which a file must not set any but the command's own.
        if word.startswith("-"):
            raise UserError(
                f"{where} must not begin with a hyphen, got {as_repr(word)}: leave it out"
            )
    return [option, *words]
