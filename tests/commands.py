"""Commands run in this process, and how they ended, as a shell would see it."""

import signal
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from data_prep.errors import one_line_errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def refusal(self) -> str:
        """What a command said that must have been refused: in one line, with code 2."""
        assert self.code == 2, (self.out, self.err)
        assert self.err.startswith("error: ")
        assert self.err.endswith("\n")
        assert self.err.count("\n") == 1
        return self.err.removeprefix("error: ").rstrip()


def run_command(capsys: pytest.CaptureFixture[str], call: Callable[[], object]) -> Ended:
    """Calls what a command does between its name and its exit; it gives the code, None for 0."""
    capsys.readouterr()
    try:
        with one_line_errors():
            code = call()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    shown = capsys.readouterr()
    # A study gives its result, which is for Python and not for the shell.
    return Ended(code=code if isinstance(code, int) else 0, out=shown.out, err=shown.err)


def hears_ctrl_c() -> None:
    """For a child of tests that were started in the background, where shells have it ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
