"""Stopping a command: by Ctrl-C, or by the signal with which schedulers and `kill` end a process.

Both end it in one line, which says how to go on. Within a command they raise, so that files are
closed and parts kept. While a command is still importing, which takes seconds, nothing is open yet,
and it ends at once.
"""

import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from data_prep.terminal.visible import visible

KEPT = "what is finished is kept, run again to go on"
# A longer command is not typed, it stands in a script.
_MOST_TYPED = 1000
_WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
# Only what is as Python sets it up: a process may be started so that it ignores one of them.
_USUAL = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}


class Stopped(KeyboardInterrupt):
    """Raised within a command by a signal that asks it to end. It is a KeyboardInterrupt, so that
    whatever tidies up after Ctrl-C does so too."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def stopped_line(number: int) -> str:
    """What a command says that was stopped by the signal of this number: also how to go on."""
    typed = typed_command(sys.orig_argv)
    return f"{_WORDS[signal.Signals(number)]}: {KEPT}{f': {typed}' if typed else ''}"


def typed_command(words: Sequence[str]) -> str | None:
    """The command as it can be typed again, given the words that the process was started with.

    None if it was not begun as a module is (a notebook, a test), if one line cannot hold it, or if
    showing it would steer a terminal.

    >>> typed_command(["python", "-m", "analysis.emergence", "--ask", "label=What is it?"])
    "python -m analysis.emergence --ask 'label=What is it?'"
    >>> typed_command(["python", "script.py"])
    """
    if "-m" not in words:
        return None
    typed = shlex.join(words)
    shown = visible(typed) == typed and len(typed.splitlines()) == 1 and "\t" not in typed
    return typed if shown and len(typed) <= _MOST_TYPED else None


def exit_code(number: int) -> int:
    """The exit code by which shells tell that a process was stopped by this signal."""
    return 128 + number


def end_at_once() -> None:
    """From now on, until a command begins, both signals end the process in one line."""

    def end(number: int, frame: FrameType | None) -> NoReturn:
        os.write(2, f"{stopped_line(number)}\n".encode())
        os._exit(exit_code(number))

    for number, usual in _USUAL.items():
        if signal.getsignal(number) == usual:
            signal.signal(number, end)


@contextmanager
def raising_when_stopped() -> Iterator[None]:
    """Context manager in which both signals raise `Stopped`, unless the process ignores them.

    Only the main thread may say what a signal does; in others nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    owner = os.getpid()

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        if os.getpid() != owner:  # a copy made by fork ends by itself, without a word
            os._exit(exit_code(number))
        raise Stopped(number)

    before = {number: signal.getsignal(number) for number in _USUAL}
    ours = [number for number, was in before.items() if was not in (signal.SIG_IGN, None)]
    for number in ours:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])
