"""Writes files so that each is either complete or absent: under another name first, synced, then
renamed."""

import errno
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from data_prep.errors import UserError
from data_prep.files.lock import hold_for
from data_prep.files.unfinished import unfinished_name

_FREE = "free space or choose another folder and run again; what is already written is kept"
_REMEDIES: Mapping[int, str] = {
    errno.EROFS: "it can be read only; choose another folder",
    errno.EACCES: "it can be read only; choose another folder, or make this one writable",
    errno.EPERM: "it can be read only; choose another folder, or make this one writable",
    errno.ENAMETOOLONG: "choose a folder or name that is shorter",
    errno.ENOENT: "its folder is gone; make it, or choose another folder",
    errno.ENOTDIR: "a file stands where its folder should be; choose another folder",
    errno.EISDIR: "a folder has its name; move that away, or choose another folder",
    errno.ELOOP: "its folder is a link to itself; choose another folder",
}
# Of file systems that cannot sync a folder; they keep the order of renames by themselves or never.
_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF}


def write_durably(path: Path, content: bytes) -> None:
    """Write `content` to `path` so that a kill, a crash or a full disk never leaves a partial file.

    The rename is atomic on POSIX file systems. The folder is synced too, because otherwise a power
    loss may undo the rename. A file that already has this content is left as it is, so that what
    is finished can lie where nothing can be written. UserError if the disk is full, the folder
    cannot be written, or another process is writing the run that the file belongs to.
    """
    if not _holds(path, content):
        _write(path, lambda: (content,))


def write_parts_durably(path: Path, parts: Callable[[], Iterable[bytes | memoryview]]) -> None:
    """Like `write_durably`, for content that is larger than memory and made part by part.

    `parts` may be called twice: to compare with a file that is there, and to write.
    """
    if not _holds_parts(path, parts()):
        _write(path, parts)


def _write(path: Path, parts: Callable[[], Iterable[bytes | memoryview]]) -> None:
    hold_for(path)
    temporary = path.with_name(unfinished_name())
    try:
        with open(temporary, "wb") as file:
            for part in parts():
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except BaseException as error:
        with suppress(OSError):  # whatever hindered the writing may hinder this
            temporary.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        remedy = _REMEDIES.get(error.errno or 0, _FREE)
        size = sum(memoryview(part).nbytes for part in parts())
        raise UserError(
            f"cannot write {path} ({size:,} bytes): {error.strerror or error}: {remedy}"
        ) from error


def _holds_parts(path: Path, parts: Iterable[bytes | memoryview]) -> bool:
    """Whether the file is there and has just this content."""
    try:
        with open(path, "rb") as file:
            alike = all(file.read(memoryview(part).nbytes) == part for part in parts)
            return alike and not file.read(1)
    except OSError:
        return False


def _holds(path: Path, content: bytes) -> bool:
    """Whether the file is there and has just this content."""
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(descriptor)
