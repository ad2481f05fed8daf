"""Keeps what a decoder writes to standard error by itself from the user's terminal."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_STDERR = 2


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Context manager within which nothing gets to standard error, not even from C.

    libtiff writes a line there for every fault that it finds in a file, beside the exception that
    says the same. Standard error belongs to the whole process, so this is for short work, and does
    nothing in other threads than the main one, which may be drawing a progress bar meanwhile.
    """
    kept = _duplicate() if threading.current_thread() is threading.main_thread() else None
    if kept is None:
        yield
        return
    if sys.stderr is not None:
        sys.stderr.flush()
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), _STDERR)
    try:
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)


def _duplicate() -> int | None:
    """Another descriptor of standard error; None if it is closed."""
    try:
        return os.dup(_STDERR)
    except OSError:
        return None
