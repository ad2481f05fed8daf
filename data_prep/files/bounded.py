"""Reads a whole file from elsewhere, once it is known to be one, and not too large."""

import os
from pathlib import Path


class NoFileError(ValueError):
    """A folder, a pipe or a device, whose reading might never end."""


class TooLargeError(ValueError):
    """A file of more bytes than are read."""


def bounded_content(file: Path, most_bytes: int) -> bytes:
    """The content of a file of at most so many bytes. NoFileError and TooLargeError say that it is
    none, or larger; OSError that it cannot be read."""
    if file.exists() and not file.is_file():
        raise NoFileError("it is no file")
    with file.open("rb") as stream:
        # Asked for that many bytes instead, Python would take room for all of them.
        size = os.fstat(stream.fileno()).st_size
        if size > most_bytes:
            raise TooLargeError(f"it has {size:,} bytes, and {most_bytes:,} are read at most")
        return stream.read()
