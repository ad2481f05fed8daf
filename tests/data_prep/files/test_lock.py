"""One writer a folder: a second process is refused in one line, the dead hold nothing."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from data_prep.errors import UserError
from data_prep.files import lock
from data_prep.files.durable import write_durably
from data_prep.files.lock import LOCK, lock_of
from tests.sealed import leave_unfinished

HOLDING = """
import sys, pathlib
from data_prep.files.lock import lock_of
held = lock_of(pathlib.Path(sys.argv[1]))
held.hold()
print("held", flush=True)
input()
"""


@contextmanager
def other_at_work(folder) -> Iterator[subprocess.Popen]:
    """Another process that has the lock."""
    line = [sys.executable, "-c", HOLDING, str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(line, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_process_is_refused_and_told_who_is_at_work(tmp_path):
    mine = lock_of(tmp_path)
    with other_at_work(tmp_path) as other:
        said = (
            rf"another command is at work in {tmp_path}: .*, process {other.pid} on \S+, since "
            r"\d{4}-\d\d-\d\d \d\d:\d\d: wait until it has ended, or choose another folder"
        )
        for refused in (mine.hold, mine.require_free):
            with pytest.raises(UserError, match=said):
                refused()
        with pytest.raises(UserError, match=said):
            write_durably(tmp_path / "file", b"x")
        assert not (tmp_path / "file").exists()
        assert not mine.held
    mine.require_free()
    write_durably(tmp_path / "file", b"x")
    assert mine.held


def test_a_killed_holder_holds_nothing_and_what_it_was_writing_goes(tmp_path):
    with other_at_work(tmp_path) as other:
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert (tmp_path / LOCK).exists(), "it was killed"
    left = leave_unfinished(tmp_path / "below")
    mine = lock_of(tmp_path)
    mine.require_free()
    mine.hold()
    assert not left.exists()


def test_what_was_written_already_needs_no_lock(tmp_path):
    write_durably(tmp_path / "file", b"x")
    mine = lock_of(tmp_path)
    with other_at_work(tmp_path):
        write_durably(tmp_path / "file", b"x")
        write_durably(tmp_path.parent / "elsewhere", b"x")
    assert not mine.held


def test_parts_of_a_process_share_a_lock_and_the_last_gives_it_back(tmp_path):
    one, other = lock_of(tmp_path), lock_of(tmp_path / ".")
    assert one is other
    one.hold()
    other.hold()
    del one
    assert (tmp_path / LOCK).exists()
    del other
    assert not (tmp_path / LOCK).exists()
    with other_at_work(tmp_path):
        pass


def test_a_holder_that_ends_leaves_no_file(tmp_path):
    with other_at_work(tmp_path) as other:
        other.communicate("\n")
        assert not (tmp_path / LOCK).exists()


def test_what_a_killed_holder_left_is_removed_and_what_is_held_is_not(tmp_path):
    file = tmp_path / LOCK
    file.write_text("python -m analysis.examples, process 1 on this machine, since long ago")
    lock_of(tmp_path).remove_left()
    assert not file.exists()
    lock_of(tmp_path).remove_left()  # there is none
    with other_at_work(tmp_path) as other:
        lock_of(tmp_path).remove_left()
        assert file.exists()
        other.communicate("\n")
    mine = lock_of(tmp_path)
    mine.hold()
    mine.remove_left()
    assert file.exists()


def test_a_child_does_not_give_back_what_is_its_parents(tmp_path):
    mine = lock_of(tmp_path)
    mine.hold()
    child = os.fork()
    if child == 0:
        del mine
        os._exit(0)
    os.waitpid(child, 0)
    assert (tmp_path / LOCK).exists()
    assert mine.held


def test_what_the_lock_file_says_is_shown_harmless(tmp_path):
    file = tmp_path / LOCK
    file.write_bytes(b"\x1b[2J\n\x00evil\xff" + b"x" * 10_000)
    with open(file, "rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(UserError) as refused:
            lock_of(tmp_path).require_free()
    message = str(refused.value)
    assert len(message) < 700
    assert "\x1b" not in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.EROFS, "cannot write into .*: Read-only file system"),
        (errno.EACCES, "cannot write into .*: Permission denied"),
        (errno.ENOLCK, "the file system of .* has no locks"),
        (errno.ENOSYS, "the file system of .* has no locks"),
    ],
)
def test_where_no_lock_can_be_had(tmp_path, monkeypatch, code, said):
    def fail(*_):
        raise OSError(code, os.strerror(code))

    (tmp_path / LOCK).write_bytes(b"")
    with monkeypatch.context() as patch:
        patch.setattr(lock.fcntl, "flock", fail)
        with pytest.raises(UserError, match=said):
            lock_of(tmp_path).hold()
