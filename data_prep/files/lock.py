"""One writer a folder: a lock that a process takes when it first writes, and that says who has it.

The system gives the lock back when its process ends, however it ends (flock), so none is left
behind by a killed one. Who only reads takes no lock, and so can read where nothing can be written.
"""

import errno
import fcntl
import os
import socket
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from data_prep.errors import UserError
from data_prep.files.unfinished import remove_unfinished, temporary_folder

LOCK = ".lock"
_TRIES, _PAUSE_SECONDS = 4, 0.05
_MOST_SHOWN = 300
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


class FolderLock:
    """The lock of one folder in this process. It is free again when nothing refers to it.

    Other folders of this process are not concerned; neither is a child that it forks, which works
    for it. Where several such children work at once they take turns at what is read and then
    written changed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / LOCK
        self._thread = threading.RLock()
        self._free: weakref.finalize | None = None
        self._turns: Path | None = None
        self._in_turn = False

    @property
    def held(self) -> bool:
        """Whether this process has the lock."""
        return self._free is not None and self._free.alive

    def hold(self) -> None:
        """Takes the lock, unless this process has it already, and then deletes what killed
        processes were writing in the folder.

        UserError if another process has it, or if the folder cannot be written.
        """
        with self._thread:
            if self.held:
                return
            try:
                descriptor = self._taken()
            except OSError as error:
                raise _unusable(self.folder, error) from error
            self._free = weakref.finalize(self, _give_back, descriptor, self._file, os.getpid())
            remove_unfinished(self.folder, nobody_writes=True)

    def require_free(self) -> None:
        """UserError if another process has the lock. Nothing is written, and no lock is taken."""
        if self.held:
            return
        try:
            descriptor = os.open(self._file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:  # none has been made, or none can be
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            _refuse(self.folder, descriptor)
        except OSError as error:
            raise _unusable(self.folder, error) from error
        finally:
            os.close(descriptor)

    def remove_left(self) -> None:
        """Removes the file that a killed holder has left, where this process may. Whoever opened it
        meanwhile sees that it is gone, and makes another."""
        if self.held:
            return
        with suppress(OSError):
            descriptor = os.open(self._file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_file(descriptor, self._file):
                    self._file.unlink()
            finally:
                os.close(descriptor)

    @contextmanager
    def shared_with_children(self) -> Iterator[None]:
        """Context manager in which processes that this one forks work in the folder side by side.
        Takes the lock; UserError as of `hold`."""
        self.hold()
        with temporary_folder() as room:
            self._turns = room / "turns"
            self._turns.touch()
            try:
                yield
            finally:
                self._turns = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Context manager around reading and then writing changed what siblings change, too: one of
        them at a time. Takes the lock; UserError as of `hold`."""
        self.hold()
        with self._thread:
            if self._turns is None or self._in_turn:
                yield
                return
            # Opened here: a descriptor that was inherited is one lock for all who inherited it.
            descriptor = os.open(self._turns, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                self._in_turn = True
                yield
            finally:
                self._in_turn = False
                os.close(descriptor)

    def _taken(self) -> int:
        """The descriptor of the lock file, locked."""
        for rest in reversed(range(_TRIES)):
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Whoever gives the lock back deletes its file: this one may be gone by now.
                if _is_file(descriptor, self._file):
                    os.ftruncate(descriptor, 0)
                    os.pwrite(descriptor, _holder().encode(), 0)
                    return descriptor
            except BlockingIOError:
                if not rest:  # otherwise it may only have been looked at
                    _refuse(self.folder, descriptor)
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
            time.sleep(_PAUSE_SECONDS)
        _refuse(self.folder, None)


_LOCKS: "weakref.WeakValueDictionary[str, FolderLock]" = weakref.WeakValueDictionary()


def lock_of(folder: Path) -> FolderLock:
    """The lock of a folder, the same for all parts of this process; it is not taken yet.

    As long as the caller keeps it, whatever this process writes below the folder takes it first.
    """
    place = os.path.realpath(folder)
    lock = _LOCKS.get(place)
    if lock is None:
        lock = _LOCKS[place] = FolderLock(folder)
    return lock


def hold_for(path: Path) -> None:
    """Takes the locks that writing this file needs: those of the folders around it which this
    process works in. UserError if another process has one."""
    if not _LOCKS:
        return
    around = Path(os.path.realpath(path.parent))
    for folder in (around, *around.parents):
        lock = _LOCKS.get(str(folder))
        if lock is not None:
            lock.hold()


def _is_file(descriptor: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(file))
    except FileNotFoundError:
        return False


def _give_back(descriptor: int, file: Path, process: int) -> None:
    with suppress(OSError):
        # A forked child shares the lock, but it is not the child's to give back.
        if process == os.getpid() and _is_file(descriptor, file):
            file.unlink()
    with suppress(OSError):
        os.close(descriptor)


def _holder() -> str:
    now = datetime.now().astimezone()
    return f"{_command()}, process {os.getpid()} on {socket.gethostname()}, since {now:%F %H:%M}"


def _command() -> str:
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if spec is not None and spec.name:
        return f"python -m {spec.name.removesuffix('.__main__')}"
    return Path(sys.argv[0] or "python").name


def _refuse(folder: Path, descriptor: int | None) -> NoReturn:
    """Raises the UserError that says who has the lock; closes the descriptor of its file."""
    content = b""
    if descriptor is not None:
        with suppress(OSError):
            content = os.pread(descriptor, _MOST_SHOWN, 0)
    said = "".join(each for each in content.decode("utf-8", "replace") if each.isprintable())
    raise UserError(
        f"another command is at work in {folder}{': ' if said else ''}{said}: wait until it has "
        "ended, or choose another folder with --run"
    )


def _unusable(folder: Path, error: OSError) -> UserError:
    if error.errno in _NO_LOCKS:
        return UserError(
            f"the file system of {folder} has no locks ({error.strerror}), by which two commands "
            "are kept from writing one run: choose a folder on another one with --run"
        )
    return UserError(
        f"cannot write into {folder}: {error.strerror or error}: choose another folder with --run, "
        "or make this one writable"
    )
