"""How far long work has come: a bar on a terminal, and elsewhere a plain line now and then.

A job of a scheduler, or one that was left running with nohup, writes into a file, where a bar would
be thousands of lines. There a line stands after half a minute, and then one every minute: what is
done, how fast, and how much time is left. Work that is over sooner says nothing.
"""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, TypeVar

from tqdm import tqdm

from data_prep.terminal.amounts import duration_text

T = TypeVar("T")

FIRST_LINE_S, NEXT_LINE_S = 30.0, 60.0
# Before that much time a speed is mostly that of the beginning.
_LEAST_RATED_S = 1.0


@dataclass(slots=True)
class _Shown:
    """What is shown by this process."""

    quiet: bool = False
    clock: Callable[[], float] = time.monotonic
    since: float | None = None
    """When the last line was written, or else when the first work began."""
    lines: int = 0


_shown = _Shown()


def show_progress(*, quiet: bool) -> None:
    """Whether work that is begun from now on shows how far it has come. With `quiet` it shows
    neither bars nor lines."""
    _shown.quiet, _shown.since, _shown.lines = quiet, None, 0


def is_quiet() -> bool:
    """Whether nothing is to be said of work that goes on."""
    return _shown.quiet


class Progress(Generic[T]):
    """How far some work has come, told by `update`, or by going through things one after another.

    `what` names the work, `unit` what is counted, `total` how many there are, if that is known, and
    `done` how many were done before: they count for nothing in the speed.

    >>> list(Progress("abc", what="letters", unit="letter"))
    ['a', 'b', 'c']
    >>> with Progress(total=3, what="letters", unit="letter") as progress:
    ...     progress.update(2)
    >>> progress.n
    2
    """

    def __init__(
        self,
        things: Iterable[T] = (),
        *,
        what: str = "",
        unit: str = "item",
        total: int | None = None,
        done: int = 0,
        leave: bool = True,
    ) -> None:
        if total is None:
            length = getattr(things, "__len__", None)
            total = length() or None if length is not None else None
        self.n, self.total = done, total
        self._things, self._what, self._unit, self._done = things, what, unit, done
        self._bar: tqdm | None = None
        if not _shown.quiet and sys.stderr.isatty():
            self._bar = tqdm(total=total, initial=done, desc=what or None, unit=unit, leave=leave)
        self._began = _shown.clock()
        if _shown.since is None:
            _shown.since = self._began

    def update(self, n: int = 1) -> None:
        """Says that `n` more are done."""
        self.n += n
        if self._bar is not None:
            self._bar.update(n)
        elif not _shown.quiet:
            self._line_if_due()

    def close(self) -> None:
        """Takes the bar away, or leaves it as it is. Without a bar there is nothing to do."""
        if self._bar is not None:
            self._bar.close()

    def __iter__(self) -> Iterator[T]:
        with self:
            for each in self._things:
                yield each
                self.update()

    def __enter__(self) -> "Progress[T]":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _line_if_due(self) -> None:
        if self.n == self.total:
            return  # over, and so no longer of interest
        now = _shown.clock()
        wait = NEXT_LINE_S if _shown.lines else FIRST_LINE_S
        if now - (self._began if _shown.since is None else _shown.since) < wait:
            return
        _shown.since, _shown.lines = now, _shown.lines + 1
        print(self._line(now - self._began), file=sys.stderr, flush=True)

    def _line(self, seconds: float) -> str:
        of = "" if self.total is None else f"/{self.total:,}"
        told = [f"{self.n:,}{of} {self._unit}s"]
        fresh = self.n - self._done
        if seconds >= _LEAST_RATED_S and fresh > 0:
            told.append(_rate(fresh / seconds, self._unit))
            if self.total is not None and self.n < self.total:
                told.append(f"{duration_text((self.total - self.n) * seconds / fresh)} left")
        return f"{self._what or 'progress'}: {', '.join(told)}"


def _rate(per_s: float, unit: str) -> str:
    """A speed in words, per minute or hour where it is below one a second.

    >>> [_rate(each, "item") for each in (240.4, 2.0, 0.5, 0.001)]
    ['240 items/s', '2.0 items/s', '30.0 items/min', '3.6 items/h']
    """
    factor, name = next(
        ((each, unit_s) for each, unit_s in ((1, "s"), (60, "min")) if per_s * each >= 1),
        (3600, "h"),
    )
    number = per_s * factor
    return f"{number:.0f} {unit}s/{name}" if number >= 100 else f"{number:.1f} {unit}s/{name}"
