"""Files are whole or absent, and a writing that fails says why in one line and leaves nothing."""

import errno
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from data_prep.errors import UserError
from data_prep.files import durable, unfinished
from data_prep.files.durable import write_durably
from data_prep.files.unfinished import (
    is_unfinished,
    remove_unfinished,
    temporary_folder,
    unfinished_name,
)
from tests.sealed import leave_unfinished

ROOT = Path(__file__).parents[3]


def failing(code: int):
    def fail(*_args, **_named):
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize("call", ["fsync", "replace", "open"])
@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errno.ENOSPC, "free space or choose another folder"),
        (errno.EDQUOT, "free space or choose another folder"),
        (errno.EROFS, "it can be read only"),
        (errno.EACCES, "it can be read only"),
        (errno.EIO, "free space or choose another folder"),
    ],
)
def test_a_failure_is_one_line_even_if_nothing_can_be_deleted(
    tmp_path, monkeypatch, call, code, remedy
):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with monkeypatch.context() as patch:
        if call == "open":
            patch.setattr(durable, "open", failing(code), raising=False)
        else:
            patch.setattr(os, call, failing(code))
        patch.setattr(Path, "unlink", failing(code))
        with pytest.raises(UserError, match=rf"cannot write .*file \(3 bytes\): .*: {remedy}"):
            write_durably(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_name_that_is_taken_too_long_or_nowhere(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"x")
    for path, remedy in (
        (tmp_path / "folder", "a folder has its name"),
        (tmp_path / "none" / "file", "its folder is gone"),
        (tmp_path / "file" / "file", "a file stands where its folder should be"),
        (tmp_path / ("x" * 300), "a folder or name that is shorter"),
    ):
        with pytest.raises(UserError, match=remedy):
            write_durably(path, b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_the_longest_name_can_be_written(tmp_path):
    write_durably(tmp_path / ("x" * 255), b"x")
    assert (tmp_path / ("x" * 255)).read_bytes() == b"x"


def test_the_same_content_needs_no_right_to_write(tmp_path, monkeypatch):
    write_durably(tmp_path / "file", b"content")
    monkeypatch.setattr(durable, "open", failing(errno.EROFS), raising=False)
    write_durably(tmp_path / "file", b"content")
    with pytest.raises(UserError, match="it can be read only"):
        write_durably(tmp_path / "file", b"CONTENT")


def test_a_file_system_that_cannot_sync_a_folder_is_no_failure(tmp_path, monkeypatch):
    real = os.fsync

    def fsync(descriptor):
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    write_durably(tmp_path / "file", b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_leftovers_of_the_dead_go_and_those_of_the_living_stay(tmp_path):
    below = tmp_path / "readouts" / "logit_lens"
    dead = [leave_unfinished(tmp_path), leave_unfinished(below)]
    mine = below / unfinished_name()
    mine.write_bytes(b"half")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        theirs = tmp_path / mine.name.replace(f"-{os.getpid()}-", f"-{other.pid}-")
        theirs.write_bytes(b"half")
        users = tmp_path / ".hidden"
        users.write_bytes(b"mine")
        remove_unfinished(tmp_path)
        assert not [path for path in dead if path.exists()]
        assert mine.exists()
        assert theirs.exists()
        other.communicate(b"\n")
    remove_unfinished(tmp_path)
    assert not theirs.exists()
    remove_unfinished(tmp_path, nobody_writes=True)
    assert not mine.exists()
    assert users.exists()
    assert not is_unfinished(users)


def test_leftovers_of_other_machines_go_when_they_are_old(tmp_path, monkeypatch):
    foreign = tmp_path / ".00000000-1-00000000.writing"
    former = tmp_path / ".results.json.writing"
    for path in (foreign, former):
        path.write_bytes(b"half")
    remove_unfinished(tmp_path)
    assert foreign.exists()
    assert former.exists()
    days = time.time() + 2 * 24 * 60 * 60
    monkeypatch.setattr(unfinished.time, "time", lambda: days)
    remove_unfinished(tmp_path)
    assert not list(tmp_path.iterdir())


def test_temporary_folders_of_the_dead_go_and_those_of_the_living_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    killed = "import os; from data_prep.files.unfinished import temporary_folder\n"
    killed += "with temporary_folder() as room:\n"
    killed += "    (room / 'within').mkdir(); (room / 'within/file').touch(); os.abort()"
    subprocess.run(
        [sys.executable, "-c", killed], cwd=ROOT, env=os.environ | {"TMPDIR": str(tmp_path)}
    )
    (left,) = tmp_path.iterdir()
    others = tmp_path / "onset.mine.writing"
    others.mkdir()
    with temporary_folder() as room, temporary_folder() as second:
        assert not left.exists()
        assert not list(room.iterdir())
        assert room.stat().st_mode & 0o77 == 0
        assert {*tmp_path.iterdir()} == {others, room, second}
    assert [*tmp_path.iterdir()] == [others]


def test_what_cannot_be_deleted_is_no_error(tmp_path, monkeypatch):
    left = leave_unfinished(tmp_path)
    monkeypatch.setattr(Path, "unlink", failing(errno.EROFS))
    remove_unfinished(tmp_path)
    assert left.exists()
