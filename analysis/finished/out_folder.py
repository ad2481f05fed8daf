"""The folder that a study over several runs writes into: new, or one that it has begun."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from data_prep.errors import UserError
from data_prep.files.durable import remove_unfinished


@contextmanager
def usable(folder: Path) -> Iterator[None]:
    """What the system refuses meanwhile is the folder's fault: UserError says so."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"cannot use the folder {folder}: {error.strerror}: choose another with --out"
        ) from error


def make_new(folder: Path, what: str, is_ours: Callable[[Path], bool]) -> None:
    """Makes the folder of `what`. UserError if it holds more than a killed command leaves behind.

    That is hidden files, and those of which `is_ours` is true.
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
