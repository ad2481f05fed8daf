"""Opens and reads files from elsewhere, once they are known to be files, and not too large."""

import errno
import io
import os
import stat
from pathlib import Path


class NoFileError(OSError):
    """A pipe or a device, whose reading might never end."""


class TooLargeError(ValueError):
    """A file of more bytes than are read."""


def open_file(path: Path) -> io.BufferedReader:
    """Like `path.open("rb")`, but NoFileError for what is neither file nor folder, instead of
    waiting for ever: a pipe that nobody writes into, a link to a device."""
    # A pipe is opened at once in this mode; to files it means nothing.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise NoFileError(errno.EINVAL, "It is no file", str(path))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_file(path: Path) -> bytes:
    """The content of a file. OSError as `open_file`."""
    with open_file(path) as stream:
        return stream.read()


def bounded_content(file: Path, most_bytes: int) -> bytes:
    """The content of a file of at most so many bytes. NoFileError and TooLargeError say that it is
    none, or larger; OSError that it cannot be read."""
    try:
        stream = open_file(file)
    except IsADirectoryError as error:
        raise NoFileError(errno.EINVAL, "It is no file", str(file)) from error
    with stream:
        # Asked for that many bytes instead, Python would take room for all of them.
        size = os.fstat(stream.fileno()).st_size
        if size > most_bytes:
            raise TooLargeError(f"it has {size:,} bytes, and {most_bytes:,} are read at most")
        return stream.read()


def no_file_in(folder: Path) -> Path | None:
    """The first thing at any depth below a folder that is neither file nor folder, with links
    followed; None if there is none. Links to nothing are passed over, and what hidden folders hold,
    as other programs may keep pipes there."""
    for path in sorted(folder.rglob("*")):
        if any(part.startswith(".") for part in path.relative_to(folder).parts[:-1]):
            continue
        try:
            mode = path.stat().st_mode
        except OSError:
            continue
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            return path
    return None
