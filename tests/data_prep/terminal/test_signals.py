"""A command that is stopped says how to go on, whenever it is stopped."""

import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from data_prep.terminal.signals import typed_command
from tests.commands import hears_ctrl_c

ROOT = Path(__file__).parents[3]


def test_the_command_is_shown_as_it_can_be_typed_again():
    words = ["python", "-m", "analysis.emergence", "--ask", 'label=What\'s "it"?', "--run", "a b"]
    typed = typed_command(words)
    assert typed is not None
    assert shlex.split(typed) == words


@pytest.mark.parametrize(
    "words",
    [
        ["python", "script.py"],
        ["python", "-m", "analysis.emergence", "--ask", "label=\x1b[2J"],
        ["python", "-m", "analysis.emergence", "--ask", "label=a\nb"],
        ["python", "-m", "analysis.emergence", "--attr", *["color"] * 500],
    ],
)
def test_what_one_line_cannot_hold_is_not_shown(words):
    assert typed_command(words) is None


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_stopped_while_it_imports(number, code, word, tmp_path):
    """The imports take seconds, in which no run is open yet."""
    command = [sys.executable, "-X", "importtime", "-m", "analysis.emergence", "--attr", "shape"]
    with subprocess.Popen(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True,
        preexec_fn=hears_ctrl_c,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            if line.rstrip().endswith(" numpy"):  # imported long after the first of our modules
                break
        process.send_signal(number)
        rest = process.stderr.read()
    assert process.returncode == code
    told = rest.splitlines()[-1]
    start, _, typed = told.partition(": what is finished is kept, run again to go on: ")
    assert start == word
    assert shlex.split(typed) == command
    assert not list(tmp_path.iterdir())
