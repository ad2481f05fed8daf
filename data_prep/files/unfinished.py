"""Names of files that are still being written, and the removal of those that nobody writes any
more.

The name says which process writes the file, so that no other one takes it for a leftover.
"""

import os
import re
import secrets
import socket
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

_NAME = re.compile(r"\.(?P<host>[0-9a-f]{8})-(?P<process>[0-9]{1,10})-[0-9a-f]{8}\.writing")
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


def _is_left(path: Path) -> bool:
    """Whether the process that was writing this file is gone."""
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
