"""A study file: the plan of a study, and the options of the commands that take part in it."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from analysis.run.study import Study
from data_prep.errors import UserError

COMMANDS = (
    "emergence", "order", "probes", "tuned_lens", "trajectory", "confusion", "concept", "examples",
    "explore", "paraphrase", "causes", "ablation", "hallucination", "mitigation",
)  # fmt: skip
"""The commands that work on a run. In a study file, a table with a command's name holds options of
that command."""


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
                    f"unknown key {name!r} in [{command}] of {self.file}: the keys of {command} "
                    f"are {', '.join(names) or 'none'}"
                )
            typed += _typed(name, value, f"{name} in [{command}] of {self.file}")
        return typed


def read_study(file: Path) -> StudyFile:
    """Reads a study file. UserError if the file is none, and for unknown keys or values of a wrong
    type."""
    try:
        content: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read the study file {file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"the study file {file} is not valid TOML: {error}") from error
    names = [each.name for each in fields(Study)]
    tables = {name: content.pop(name) for name in COMMANDS if isinstance(content.get(name), dict)}
    for name, value in content.items():
        if name not in names:
            raise UserError(
                f"unknown key {name!r} in {file}: the keys of a study are {', '.join(names)}; "
                f"options of a command go into a table of its name, like [{COMMANDS[0]}]"
            )
        content[name] = _checked(name, value, file)
    return StudyFile(file=file, plan=Study(**content), options=tables)


def _checked(name: str, value: Any, file: Path) -> Any:
    """The value in the type of the plan's field. UserError if it is of another type."""
    kind = get_type_hints(Study, include_extras=True)[name]
    try:
        # Through JSON, where alone a list is taken for a tuple and a text for nothing but a text.
        return TypeAdapter(kind).validate_json(json.dumps(value), strict=True)
    except (ValidationError, TypeError) as error:
        raise UserError(f"{name} in {file} must be {_wanted(kind)}, got {value!r}") from error


_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def _wanted(kind: Any) -> str:
    """Says in words what values a type has."""
    origin, parts = get_origin(kind), [each for each in get_args(kind) if each is not NoneType]
    if kind in _WORDS:
        return _WORDS[kind]
    if origin is Literal:
        return f"one of {', '.join(map(str, parts))}"
    if origin is dict:
        return 'like {name = "text"}'
    if origin is tuple and Ellipsis not in parts:
        return f"a list of {len(parts)} numbers"
    if origin is tuple:
        return "a list of texts"
    return _wanted(parts[0])  # Annotated, or one that may be None


def _typed(name: str, value: Any, where: str) -> list[str]:
    """An option and its value as words of a command line."""
    option = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return [option if value else option.replace("--", "--no-", 1)]
    named = value if isinstance(value, dict) else {}
    each = list(named.values()) if named else value if isinstance(value, list) else [value]
    if not all(type(one) in (str, int, float) for one in each):
        raise UserError(
            f"{where} must be text, a number or a list of these, got {value!r}: see --help"
        )
    words = [f"{name}={one}" for name, one in named.items()] or [str(one) for one in each]
    for word in words:
        # It would be read as an option, of which a file must not set any but the command's own.
        if word.startswith("-"):
            raise UserError(f"{where} must not begin with a hyphen, got {word!r}: leave it out")
    return [option, *words]
