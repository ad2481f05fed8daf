"""Files are looked at before they are read."""

import os
import tracemalloc

import pytest

from data_prep.files.bounded import NoFileError, TooLargeError, bounded_content


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
