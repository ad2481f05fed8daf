"""The help of every command: each option once, under one heading, in 80 columns."""

import re
from dataclasses import dataclass

import pytest

from data_prep.command_line import from_command_line
from data_prep.option_fields import options_of
from data_prep.option_groups import headings_of, named_options
from data_prep.option_help import HEADINGS, WIDTH, examples, help_text
from tests.test_every_option import COMMANDS
from tests.test_every_option import options_of as declared

HIDDEN = {"declared"}
"""Set by commands themselves and never typed."""
AS_TYPED = {"plan-only": "plan"}


def typed(kind: type) -> list[str]:
    names = [each.name for each in declared(kind)]
    return [AS_TYPED.get(name, name) for name in names if name not in HIDDEN]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_stands_under_one_heading(command):
    names = [each.name for each in options_of(COMMANDS[command])]
    assert {name: len(headings_of(name)) for name in names} == dict.fromkeys(names, 1)


def test_no_heading_names_an_option_that_no_command_has():
    names = {each.name for kind in COMMANDS.values() for each in options_of(kind)}
    known = {f"{name.partition('.')[0]}." if "." in name else name for name in names}
    assert named_options() == known


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_lists_every_option_once_in_80_columns(command):
    kind = COMMANDS[command]
    shown = help_text(kind, command=f"python -m {command}")
    assert max(map(len, shown.splitlines())) <= WIDTH
    headings = "|".join(f"{each}:" for each in HEADINGS)
    (_, *parts) = re.split(rf"^(?:{headings})$", shown, flags=re.MULTILINE)
    listed = re.findall(r"^  (?:--(?:no-)?)?([\w.]\S*)", "".join(parts), re.MULTILINE)
    listed = [each.lower() for each in listed]
    assert sorted(listed) == sorted(typed(kind))


STUDIES = sorted(
    name
    for name in COMMANDS
    if name.startswith("analysis.")
    and name.rpartition(".")[2] not in ("model_card", "power", "validate", "worlds", "pope_labels")
)


@pytest.mark.parametrize("command", STUDIES)
def test_the_help_of_a_study_begins_with_two_uses(command):
    command = f"python -m {command}"
    used = examples(COMMANDS[command.removeprefix("python -m ")], command)
    assert len(used) == 2
    assert all(each.startswith(command) for each in used)


@dataclass(frozen=True, kw_only=True)
class Config:
    """A command of this test."""

    level: float = 0.95
    """Of intervals."""
    say: bool = True
    """Whether it says something."""
    run: str
    """A folder."""


def test_defaults_are_those_of_what_was_given_and_help_ends_with_code_0(capsys):
    with pytest.raises(SystemExit) as end:
        from_command_line(
            Config, command="it", arguments=["--level", "x", "--help"],
            default=Config(level=0.9, run="a"),
        )  # fmt: skip
    assert end.value.code == 0
    assert capsys.readouterr().out == (
        "usage: it [OPTIONS]\n\nA command of this test.\n\n"
        "What is asked:\n  --no-say\n      Whether it says something.\n\n"
        "Statistics:\n  --level NUMBER\n      Of intervals. (default: 0.9)\n\n"
        "Work and files:\n  --run TEXT\n      A folder. (default: a)\n"
        "  -h, --help\n      Show this and end.\n"
    )
    assert "(must be given)" in help_text(Config, command="it")
