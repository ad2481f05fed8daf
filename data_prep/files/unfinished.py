"""Names of files that are still being written and of temporary folders, and the removal of those
that nobody uses any more.

The name says which process it is, so that no other one takes the file for a leftover.
"""

import os
import re
import secrets
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from shutil import rmtree

_ROOM = "onset"
_OWN = r"\.(?P<host>[0-9a-f]{8})-(?P<process>[0-9]{1,10})-[0-9a-f]{8}\.writing"
_NAME = re.compile(f"(?:{_ROOM})?{_OWN}")
# A write takes seconds: what a machine that cannot be asked began a day ago is not going on.
_OLD_SECONDS = 24 * 60 * 60


def unfinished_name() -> str:
    """A name for a file that this process is writing; no other one has it."""
    return f".{_host()}-{os.getpid()}-{secrets.token_hex(4)}.writing"


def is_unfinished(path: Path) -> bool:
    """Whether a path is named like a file that is being written, by whichever version."""
    return path.name.startswith(".") and path.name.endswith(".writing")


def remove_unfinished(folder: Path, *, nobody_writes: bool = False) -> None:
    """Deletes what killed processes were writing in a folder and in those below.

    With `nobody_writes` the caller knows that no other process is writing there; otherwise a file
    stays whose process lives, or may live on another machine. What cannot be deleted stays too.
    """
    for path in folder.rglob(".*.writing"):
        with suppress(OSError):
            if nobody_writes or _is_left(path):
                path.unlink()


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Context manager that gives an empty folder in the system's place for such, which is gone
    afterwards. With it go those that killed processes left there."""
    place = Path(tempfile.gettempdir())
    for path in place.glob(f"{_ROOM}.*.writing"):
        with suppress(OSError):
            if _is_left(path):
                rmtree(path)
    room = place / f"{_ROOM}{unfinished_name()}"
    room.mkdir(mode=0o700)
    try:
        yield room
    finally:
        rmtree(room, ignore_errors=True)


def _is_left(path: Path) -> bool:
    """Whether the process that was using this file or folder is gone."""
    named = _NAME.fullmatch(path.name)
    if named is not None and named["host"] == _host():
        return not _lives(int(named["process"]))
    return time.time() - path.stat().st_mtime > _OLD_SECONDS


def _lives(process: int) -> bool:
    if process == os.getpid():
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # of another user
        return True
    return True


def _host() -> str:
    return sha256(socket.gethostname().encode()).hexdigest()[:8]
