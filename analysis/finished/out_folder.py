"""The folder that a study over several runs writes into: a new one, or one that the study has
begun."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from data_prep.errors import UserError
from data_prep.files.unfinished import remove_unfinished


@contextmanager
def usable(folder: Path) -> Iterator[None]:
    """Turns errors of the system meanwhile into a UserError, which says that the folder cannot be
    used."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"cannot use the folder {folder}: {error.strerror}: choose another with --out"
        ) from error


def make_new(folder: Path, what: str, is_ours: Callable[[Path], bool]) -> None:
    """Makes the folder; `what` says to a user what it is for. UserError if it holds more than a
    killed command leaves behind.

    Such leftovers are hidden files, and files for which `is_ours` is true.
    """
    with usable(folder):
        if folder.exists() and (not folder.is_dir() or _holds_others(folder, is_ours)):
            raise UserError(
                f"{folder} holds files but no {what}: choose an empty or new folder with --out"
            )
        folder.mkdir(parents=True, exist_ok=True)
        remove_unfinished(folder)


def _holds_others(folder: Path, is_ours: Callable[[Path], bool]) -> bool:
    return any(not path.name.startswith(".") and not is_ours(path) for path in folder.iterdir())
