"""Writes files so that each is either complete or absent: under another name first, synced, then
renamed."""

import os
from pathlib import Path

from data_prep.errors import UserError

_TEMPORARY = ".writing"


def write_durably(path: Path, content: bytes) -> None:
    """Write `content` to `path` so that a kill, a crash or a full disk never leaves a partial file.

    The rename is atomic on POSIX file systems. The folder is synced too, because otherwise a power
    loss may undo the rename. UserError if the disk is full or the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}{_TEMPORARY}")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UserError(
            f"cannot write {path} ({len(content):,} bytes): {error.strerror or error}: free space "
            "or choose another folder and run again; what is already written is kept"
        ) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def remove_unfinished(folder: Path) -> None:
    """Delete the partial files that a killed process left in `folder`."""
    for path in folder.glob(f".*{_TEMPORARY}"):
        path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
