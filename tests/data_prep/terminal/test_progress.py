"""Progress: plain lines where there is no terminal, a bar where there is one, nothing if quiet."""

import io
import sys
from collections.abc import Iterator

import pytest

from data_prep.terminal import progress as module
from data_prep.terminal.amounts import duration_text, size_text
from data_prep.terminal.progress import Progress, show_progress


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Iterator[Clock]:
    found = Clock()
    monkeypatch.setattr(module._shown, "clock", found)
    show_progress(quiet=False)
    yield found
    show_progress(quiet=False)


def worked(clock: Clock, bar: Progress, *, times: int, seconds: float, n: int = 1) -> None:
    for _ in range(times):
        clock.now += seconds
        bar.update(n)


def test_a_line_after_half_a_minute_and_then_every_minute(clock, capsys):
    with Progress(total=1000, what="capture color", unit="item") as bar:
        worked(clock, bar, times=29, seconds=1)
        assert capsys.readouterr().err == ""
        worked(clock, bar, times=1, seconds=1)
        first = "capture color: 30/1,000 items, 1.0 items/s, 16 min left\n"
        assert capsys.readouterr().err == first
        worked(clock, bar, times=59, seconds=1)
        assert capsys.readouterr().err == ""
        worked(clock, bar, times=61, seconds=1)
        assert capsys.readouterr().err.splitlines() == [
            "capture color: 90/1,000 items, 1.0 items/s, 15 min left",
            "capture color: 150/1,000 items, 1.0 items/s, 14 min left",
        ]


def test_what_was_done_before_is_no_speed(clock, capsys):
    bar = Progress(total=1000, what="go on", unit="item", done=900)
    worked(clock, bar, times=1, seconds=40, n=10)
    assert capsys.readouterr().err == "go on: 910/1,000 items, 15.0 items/min, 6 min left\n"


def test_many_short_works_are_one_long_one(clock, capsys):
    """Each over in 20 seconds: without a common clock none of them would ever say a word."""
    for number in range(6):
        with Progress(total=2, what=f"part {number}", unit="step") as bar:
            worked(clock, bar, times=2, seconds=10)
    told = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in told] == ["part 1", "part 4"]


def test_quiet_shows_nothing(clock, capsys, monkeypatch):
    show_progress(quiet=True)
    for terminal in (False, True):
        monkeypatch.setattr(sys.stderr, "isatty", lambda shown=terminal: shown)
        worked(clock, Progress(total=9, what="work"), times=5, seconds=100)
        assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar_and_no_lines(clock, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress(total=4, what="work", unit="step") as bar:
        worked(clock, bar, times=4, seconds=100)
    assert "work" in terminal.getvalue()
    assert "\r" in terminal.getvalue()
    assert "steps" not in terminal.getvalue()


def test_it_goes_through_anything(clock, capsys):
    assert list(Progress(iter("ab"), unit="row")) == ["a", "b"]
    assert list(Progress([], unit="row")) == []
    bar = Progress(iter("ab"), what="fetch", unit="row")
    worked(clock, bar, times=1, seconds=50, n=100)
    assert capsys.readouterr().err == "fetch: 100 rows, 2.0 rows/s\n"


def test_an_error_inside_is_not_swallowed(clock):
    with pytest.raises(KeyError), Progress(total=1):
        raise KeyError


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "under 1 s"), (59.6, "60 s"), (90, "2 min"), (3569, "59 min"), (3570, "1 h 00 min"),
     (86_399, "24 h 00 min"), (90_000, "1 d 1 h")],
)  # fmt: skip
def test_durations(seconds, text):
    assert duration_text(seconds) == text


def test_sizes():
    assert [size_text(each) for each in (0, 1023, 1024, 2**40, 2**52)] == [
        "0 B", "1023 B", "1.0 KiB", "1.0 TiB", "4096.0 TiB",
    ]  # fmt: skip
