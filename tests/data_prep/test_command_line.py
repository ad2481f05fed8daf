"""What cannot be parsed is told in one line, whatever the terminal."""

from dataclasses import dataclass, field
from functools import partial

import pytest
import tyro

from data_prep.command_line import NamedTexts, from_command_line
from data_prep.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Config:
    """A command."""

    scenes: int
    """How many."""
    limit: int | None = None
    """At most."""


def parse(*arguments: str, **options) -> Config:
    return from_command_line(Config, command="python -m it", arguments=arguments, **options)


def test_reads_what_it_is_given():
    assert parse("--scenes", "3") == Config(scenes=3)
    assert parse("--limit", "2", default=Config(scenes=5)) == Config(scenes=5, limit=2)


@pytest.mark.parametrize("signs", [True, False])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scenes", "x"], "--scenes: invalid literal for int() with base 10: 'x'"),
        (["--scenes", "1", "--limit", "x"], "--limit: no type matching {None}|INT could be "
         "instantiated from ['x']"),
        (["--scenes", "1", "--nope"], "Unrecognized options: --nope"),
        ([], "Missing from python -m it: --scenes INT How many. (required)"),
    ],
)  # fmt: skip
def test_says_in_one_line_what_is_wrong(arguments, message, signs, monkeypatch, capsys):
    monkeypatch.setattr(tyro._fmtlib, "_FORCE_UTF8_BOXES", signs)
    with pytest.raises(UserError) as refused:
        parse(*arguments)
    assert str(refused.value) == f"{message}: see python -m it --help"
    assert capsys.readouterr().err == ""


def test_help_is_no_error(capsys):
    with pytest.raises(SystemExit) as end:
        parse("--help")
    assert end.value.code == 0
    assert "usage: python -m it" in capsys.readouterr().out


@dataclass(frozen=True, kw_only=True)
class WithTexts:
    """A command with texts by name."""

    ask: NamedTexts = field(default_factory=dict)
    """Own texts."""


@pytest.mark.parametrize("default", [None, WithTexts(ask={"label": "What?"})])
def test_texts_by_name_are_typed_alike_with_and_without_a_default(default, capsys):
    read = partial(from_command_line, WithTexts, command="it", default=default)
    typed = ["--ask", "label=What is this?", "kind=a = b"]
    assert read(arguments=typed).ask == {"label": "What is this?", "kind": "a = b"}
    assert read(arguments=[]) == (default or WithTexts())
    assert read(arguments=["--ask"]).ask == {}
    with pytest.raises(UserError, match=r"^--ask: write NAME=TEXT, got '=x': see it --help$"):
        read(arguments=["--ask", "=x"])
