"""Paths as users type them."""

from pathlib import Path

from data_prep.errors import UserError


def path_of(text: str) -> Path:
    """The path that a user means, with ~ as the home folder. UserError for what no file system can
    hold: the character NUL, a name that is too long, the home folder of nobody."""
    try:
        path = Path(text).expanduser()
        path.is_file()  # raises for a name that is too long
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(
            f"{text[:80]!r} cannot be the path of a file or folder ({reason}): name another"
        ) from error
    if "\0" in text:
        raise UserError(
            f"{text[:80]!r} cannot be the path of a file or folder (it holds NUL): name another"
        )
    return path
