"""Files are looked at before they are read."""

import os
import tracemalloc

import pytest

from data_prep.files.bounded import (
    NoFileError,
    TooLargeError,
    bounded_content,
    no_file_in,
    open_file,
    read_file,
)


@pytest.mark.parametrize("size", [0, 5, 6])
def test_the_bound_itself_is_still_read(size, tmp_path):
    (tmp_path / "file").write_bytes(b"x" * size)
    if size <= 5:
        assert bounded_content(tmp_path / "file", 5) == b"x" * size
    else:
        with pytest.raises(TooLargeError, match="it has 6 bytes, and 5 are read at most"):
            bounded_content(tmp_path / "file", 5)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(NoFileError):
            bounded_content(place, 5)
    with pytest.raises(FileNotFoundError):
        bounded_content(tmp_path / "none", 5)


def test_a_small_file_takes_no_room_for_the_largest_that_is_read(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    tracemalloc.start()
    try:
        bounded_content(tmp_path / "file", 2**30)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_a_file_is_read_and_what_is_none_is_named_at_once(tmp_path):
    (tmp_path / "file").write_bytes(b"it")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    assert read_file(tmp_path / "file") == b"it"
    for name in ("pipe", "link"):
        with pytest.raises(NoFileError, match="no file") as told:
            open_file(tmp_path / name)
        assert told.value.strerror == "It is no file"
    for name, kind in ((".", IsADirectoryError), ("none", FileNotFoundError)):
        with pytest.raises(kind):
            open_file(tmp_path / name)


def test_nothing_stays_open(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    before = len(os.listdir("/dev/fd"))
    for name in ("pipe", "."):
        with pytest.raises(OSError, match=r"no file|[Dd]irectory"):
            open_file(tmp_path / name)
    assert len(os.listdir("/dev/fd")) == before


def test_what_is_neither_file_nor_folder_is_found_at_any_depth(tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "file").touch()
    (tmp_path / "to nothing").symlink_to("nowhere")
    (tmp_path / ".git").mkdir()
    os.mkfifo(tmp_path / ".git" / "of another program")
    assert no_file_in(tmp_path) is None
    (tmp_path / "deep" / "circle").symlink_to(tmp_path)
    assert no_file_in(tmp_path) is None
    (tmp_path / "deep" / "er" / "it").symlink_to("/dev/null")
    assert no_file_in(tmp_path) == tmp_path / "deep" / "er" / "it"


def test_what_linked_folders_hold_is_looked_at(tmp_path):
    (tmp_path / "it").mkdir()
    (tmp_path / "elsewhere").mkdir()
    os.mkfifo(tmp_path / "elsewhere" / "pipe")
    (tmp_path / "it" / "link").symlink_to(tmp_path / "elsewhere")
    assert no_file_in(tmp_path / "it") == tmp_path / "it" / "link" / "pipe"


def test_a_file_that_is_open_is_read_as_usual(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"it")
    with open_file(tmp_path / "file") as stream:
        assert os.get_blocking(stream.fileno())
    opened = os.open

    def lent(path, flags, *rest):
        if flags & os.O_NONBLOCK:
            raise BlockingIOError
        return opened(path, flags, *rest)

    monkeypatch.setattr(os, "open", lent)
    assert read_file(tmp_path / "file") == b"it"
