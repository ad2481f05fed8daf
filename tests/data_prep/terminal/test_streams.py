"""The streams of a command take any text, and no failure to write ends what is going on."""

import io
import sys
from typing import Any, cast

import pytest
from tqdm import tqdm

from data_prep.terminal.streams import Stream, harmless_streams


class Broken(io.StringIO):
    """Nobody reads it any longer."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def encoded(encoding: str) -> tuple[io.BytesIO, io.TextIOWrapper]:
    raw = io.BytesIO()
    return raw, io.TextIOWrapper(raw, encoding=encoding, newline="")


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("utf-8", "λ ─ 中 é"), ("cp1252", r"\u03bb - \u4e2d é"), ("ascii", r"\u03bb - \u4e2d \xe9")],
)
def test_signs_that_the_encoding_lacks_have_stand_ins(encoding, shown):
    raw, target = encoded(encoding)
    with_any = Stream(target, bars=False)
    with_any.write("λ ─ 中 é")
    with_any.flush()
    assert raw.getvalue().decode(encoding) == shown


def test_what_is_printed_cannot_steer(capsys):
    with harmless_streams():
        print("a\x1b[2Jb\u202e\x00\udc80")
        print("c\x1b]0;title\x07", file=sys.stderr)
    shown = capsys.readouterr()
    assert shown.out == "a\\x1b[2Jb\\u202e\\x00\\udc80\n"
    assert shown.err == "c\\x1b]0;title\\x07\n"


def test_the_streams_are_given_back():
    before = sys.stdout, sys.stderr
    with harmless_streams() as streams:
        assert (sys.stdout, sys.stderr) == (streams.out, streams.err)
    assert (sys.stdout, sys.stderr) == before


def test_libraries_take_stdout_for_a_file_and_stderr_for_what_it_is():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert not Stream(Terminal(), bars=False).isatty()
    assert Stream(Terminal(), bars=True).isatty()
    assert not Stream(io.StringIO(), bars=True).isatty()


def test_bars_in_bars_move_as_they_do_without():
    def drawn(file, desc: str) -> None:
        for _ in tqdm(range(2), file=file, desc=desc, bar_format="{desc} {n}", mininterval=0):
            for _ in tqdm(range(2), file=file, desc="in", bar_format="{desc} {n}", mininterval=0):
                pass

    raw, ours = io.StringIO(), io.StringIO()
    drawn(raw, "out")
    drawn(Stream(ours, bars=True), "out")
    assert "\x1b[A" in raw.getvalue()
    assert ours.getvalue() == raw.getvalue()
    hostile = io.StringIO()
    drawn(Stream(hostile, bars=True), "\x1b[2J")
    assert "\x1b[2J" not in hostile.getvalue()


@pytest.mark.parametrize("target", [Broken(), None])
def test_a_stream_that_fails_is_remembered_and_the_work_goes_on(target):
    stream = Stream(target, bars=False)
    assert stream.failure is None
    assert print("a", file=cast(Any, stream)) is None
    stream.writelines(["b", "c"])
    stream.flush()
    assert isinstance(stream.failure, OSError)
