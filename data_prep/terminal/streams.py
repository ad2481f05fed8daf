"""The two streams of a command: they take any text, show it harmlessly, and never end a study.

What the terminal's encoding lacks is shown by stand-ins. If nobody reads any longer, or nothing can
be written, the rest is dropped and `failure` says why: the files of a run matter more than what is
printed about them, so the command goes on and its end says so.
"""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from data_prep.terminal.visible import visible

# What we print ourselves, in every encoding; other signs that it lacks are written as \u4e2d.
_PLAIN = str.maketrans(
    {"\u2500": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-", "\u00d7": "x", "\u00b7": ".",
     "\u2026": "...", "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"',
     "\u2264": "<=", "\u2265": ">="}
)  # fmt: skip
# Sent by tqdm to go up to a bar above: no name of a bar holds it.
_UP = "\x1b[A"


@runtime_checkable
class Target(Protocol):
    """What Python, a library or a test has set up to be written to."""

    def write(self, text: str, /) -> int: ...
    def flush(self) -> None: ...
    def isatty(self) -> bool: ...


class Stream:
    """A text stream in place of another, which it writes to."""

    def __init__(self, target: Target | None, *, bars: bool) -> None:
        """With `bars` it is made for progress bars: it lets pass what moves the cursor from bar to
        bar, and says of itself that it is a terminal where it is one. Without, libraries are to
        take it for a file, so that they send no colours."""
        self._target, self._bars = target, bars
        self.failure: OSError | None = None

    def write(self, text: str) -> int:
        """Writes the text, or drops it if an earlier one could not be written."""
        if self._target is None:
            self.failure = OSError(errno.EBADF, "it is closed")
        elif self.failure is None:
            try:
                self._target.write(self._shown(text, self._target))
            except OSError as error:
                self._give_up(error)
        return len(text)

    def flush(self) -> None:
        """Hands on what is still held back."""
        if self._target is not None and self.failure is None:
            try:
                self._target.flush()
            except OSError as error:
                self._give_up(error)

    def writelines(self, lines: Any) -> None:
        """Writes the lines one after another."""
        for line in lines:
            self.write(line)

    def isatty(self) -> bool:
        """Whether progress bars and colours may be drawn."""
        return self._bars and self._target is not None and self._target.isatty()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def _shown(self, text: str, target: Target) -> str:
        text = _bar(text) if self._bars else visible(text)
        encoding = getattr(target, "encoding", None) or "utf-8"
        try:
            text.encode(encoding)
        except UnicodeEncodeError:
            plain = text.translate(_PLAIN)
            text = plain.encode(encoding, "backslashreplace").decode(encoding)
        return text

    def _give_up(self, error: OSError) -> None:
        """Remembers the error, and lets what is held back go nowhere: otherwise Python would try to
        write it once more when it ends, and complain."""
        self.failure = error
        with suppress(OSError, ValueError):  # a stream of a test has no number
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)


def _bar(text: str) -> str:
    """What tqdm sends: steps from bar to bar, or a line that begins and ends where lines begin."""
    if not text.replace(_UP, "").strip("\n"):
        return text
    line = text.lstrip("\r")
    before = text[: len(text) - len(line)]
    line = line.rstrip("\r")
    return before + visible(line) + text[len(before) + len(line) :]


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """What stands in place of sys.stdout and sys.stderr."""

    out: Stream
    err: Stream


@contextmanager
def harmless_streams() -> Iterator[Streams]:
    """Context manager in which everything printed goes through our streams."""
    old_out, old_err = sys.stdout, sys.stderr
    streams = Streams(out=Stream(old_out, bars=False), err=Stream(old_err, bars=True))
    sys.stdout, sys.stderr = streams.out, streams.err  # pyright: ignore[reportAttributeAccessIssue]
    try:
        yield streams
    finally:
        streams.out.flush()
        streams.err.flush()
        if sys.stdout is streams.out:
            sys.stdout = old_out
        if sys.stderr is streams.err:
            sys.stderr = old_err
