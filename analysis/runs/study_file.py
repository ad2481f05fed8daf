"""A study file: the plan, and what the commands that take part in the study are told besides."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from analysis.runs.study import Study
from data_prep.errors import UserError

COMMANDS = (
    "emergence", "order", "probes", "tuned_lens", "trajectory", "confusion", "concept", "examples",
    "explore",
)  # fmt: skip
"""Those that work on a run; a table of that name holds the options of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFile:
    """What is declared in a study file."""

    file: Path
    plan: Study
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By command."""

    def arguments(self, command: str, names: Sequence[str]) -> list[str]:
        """The options of a command as one would type them; `names` are those that it has.

        UserError for others, and for values that no option takes.
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
    """UserError for a file that is no study, unknown keys and values of another kind."""
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


_KINDS: dict[str, tuple[type, ...]] = {
    "quantize": (int,), "scenes": (int,), "min_scenes_per_text": (int,),
    "min_scenes_per_answer": (int,),
    "swaps": (int,), "horizon": (int,),
    "n_resamples": (int,), "seed": (int,), "margin": (int, float), "level": (int, float),
}  # fmt: skip
_CHOICES = {
    "prompt_style": ("card", "one_word", "bare"), "quantize": (4, 8),
    "questions": ("referring", "main", "all", "foremost"),
    "negatives": ("random", "popular", "adversarial"),
}  # fmt: skip


def _checked(name: str, value: Any, file: Path) -> Any:
    if name == "plateau":
        if not (isinstance(value, list) and [type(v) for v in value] == [int, int]):
            raise UserError(f"plateau in {file} must be two layers like [8, 10], got {value!r}")
        return tuple(value)
    if name == "lens_attributes":
        if not (isinstance(value, list) and all(isinstance(each, str) for each in value)):
            raise UserError(f"{name} in {file} must be a list of attributes, got {value!r}")
        return tuple(value)
    if name in ("columns", "ask"):
        if not (isinstance(value, dict) and all(isinstance(each, str) for each in value.values())):
            raise UserError(f'{name} in {file} must be like {{name = "text"}}, got {value!r}')
        return value
    if name in ("skip_broken", "whole_words"):
        if not isinstance(value, bool):
            raise UserError(f"{name} in {file} must be true or false, got {value!r}")
        return value
    kinds = _KINDS.get(name, (str,))
    if not isinstance(value, kinds) or isinstance(value, bool):
        wanted = "text" if kinds == (str,) else "a number"
        raise UserError(f"{name} in {file} must be {wanted}, got {value!r}")
    if name in _CHOICES and value not in _CHOICES[name]:
        raise UserError(
            f"{name} in {file} must be one of {', '.join(_CHOICES[name])}, got {value!r}"
        )
    return float(value) if float in kinds else value


def _typed(name: str, value: Any, where: str) -> list[str]:
    """An option with its value, as words of a command line."""
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
