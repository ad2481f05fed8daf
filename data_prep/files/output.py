"""Checks where a command is asked to write before it works, and not when it has."""

import os
from pathlib import Path

from data_prep.errors import UserError


def require_output_file(path: Path, option: str) -> None:
    """UserError unless a file can be written there, new or in place of another. Nothing is
    written.

    Devices and pipes are refused: a finished file is renamed to its place, which would replace
    them.
    """
    try:
        if path.is_dir():
            raise UserError(f"{option} must be a file, got the folder {path}: add a name")
        if path.exists() and not path.is_file():
            raise UserError(f"{option} must be a file, got {path}, which is none: choose another")
        if not path.parent.is_dir():
            raise UserError(f"{option} must lie in a folder that is there, got {path}: make it")
    except OSError as error:
        raise _unusable(path, option, error.strerror) from error
    _require_writable(path.parent, path, option)


def require_output_folder(path: Path, option: str) -> None:
    """UserError unless files can be written into the folder, or the folder can be made. Nothing is
    written."""
    place = path.absolute()
    try:
        while not place.exists() and place != place.parent:
            place = place.parent
        if not place.is_dir():
            raise UserError(f"{option} must be a folder, got {path}, but {place} is a file")
    except OSError as error:
        raise _unusable(path, option, error.strerror) from error
    _require_writable(place, path, option)


def _require_writable(folder: Path, path: Path, option: str) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _unusable(path, option, f"{folder} can be read only")


def _unusable(path: Path, option: str, why: str | None) -> UserError:
    return UserError(f"{option} cannot be written at {path}: {why}: choose another place")
