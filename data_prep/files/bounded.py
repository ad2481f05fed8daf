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
    # SIM115 wants it closed here; it is given open to the caller, who closes it.
    stream = open(path, "rb", opener=_at_once)  # noqa: SIM115
    try:
        mode = os.fstat(stream.fileno()).st_mode
        if not stat.S_ISREG(mode):
            raise NoFileError(errno.EINVAL, "It is no file", str(path))
        os.set_blocking(stream.fileno(), True)
    except BaseException:
        stream.close()
        raise
    return stream


def _at_once(path: str, flags: int) -> int:
    """Opens without waiting for whoever writes into a pipe."""
    try:
        return os.open(path, flags | os.O_NONBLOCK)
    except BlockingIOError:  # a file that a server has lent to others: it asks for it back
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise
        return os.open(path, flags)


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
    waiting, seen = [folder], set[tuple[int, int]]()
    while waiting:
        for path in sorted(waiting.pop().glob("*")):
            try:
                told = path.stat()
            except OSError:
                continue
            if stat.S_ISDIR(told.st_mode):
                place = told.st_dev, told.st_ino
                # Links may lead in a circle.
                if not path.name.startswith(".") and place not in seen:
                    seen.add(place)
                    waiting.append(path)
            elif not stat.S_ISREG(told.st_mode):
                return path
    return None
