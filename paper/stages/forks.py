"""Runs commands in copies of this process, which has paid for the imports already."""

import ctypes
import os
import runpy
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from paper.stages.stage import Stage

# PR_SET_PDEATHSIG of <linux/prctl.h>.
_DEATH_SIGNAL = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A stage at work."""

    stage: Stage
    process: int
    began: float
    """Seconds of the monotonic clock."""
    shown: Path
    """Folder of what it prints: the files out and err."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A stage that has ended."""

    stage: Stage
    began: float
    seconds: float
    cpu_seconds: float
    code: int
    """Its exit code; 128 and the number of the signal that ended it."""
    out: str
    err: str


def begin(stage: Stage, folder: Path) -> Running:
    """Starts a stage. What it prints goes into files in `folder`."""
    shown = folder / stage.name.replace(" ", "-")
    shown.mkdir()
    sys.stdout.flush()
    sys.stderr.flush()
    began = time.monotonic()
    process = os.fork()
    if process == 0:
        _work(stage, shown)
    return Running(stage=stage, process=process, began=began, shown=shown)


def wait_for_one(running: list[Running]) -> Ended:
    """Waits until one of these stages has ended, and takes it out of the list."""
    while True:
        process, status, used = os.wait4(-1, 0)
        for each in running:
            if each.process == process:
                running.remove(each)
                return Ended(
                    stage=each.stage,
                    began=each.began,
                    seconds=time.monotonic() - each.began,
                    cpu_seconds=used.ru_utime + used.ru_stime,
                    code=_code(status),
                    out=_text(each.shown / "out"),
                    err=_text(each.shown / "err"),
                )


def end_all(running: list[Running]) -> None:
    """Ends stages as `kill` does, so that they keep what is finished, and waits for them."""
    for each in running:
        os.kill(each.process, signal.SIGTERM)
    while running:
        wait_for_one(running)


def _code(status: int) -> int:
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def _text(file: Path) -> str:
    return file.read_text(errors="replace") if file.exists() else ""


def _work(stage: Stage, shown: Path) -> NoReturn:
    """In the copy: becomes the command, and ends with its exit code."""
    code = 1
    try:
        _redirect(shown)
        _end_with_parent()
        if stage.is_program:
            os.execvp(stage.words[0], stage.words)
        sys.argv = list(stage.words)
        # Whoever forked may have imported it; as a command it begins anew.
        sys.modules.pop(f"{stage.words[0]}.__main__", None)
        runpy.run_module(stage.words[0], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:  # whatever it is, it is told, and must not go on into the parent's code
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _end_with_parent() -> None:
    """On Linux, has the system end this process when its parent is killed: nobody would wait for
    it, and it would keep the run to itself. Elsewhere it works to its end."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGTERM)


def _redirect(shown: Path) -> None:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(shown / name, os.O_WRONLY | os.O_CREAT, 0o600), number)
    # The old streams may hold a terminal; new ones find none, and so no bars are drawn.
    sys.stdout, sys.stderr = (
        os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace") for number in (1, 2)
    )
