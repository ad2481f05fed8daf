"""Access to the files of a data set by name. A name never leads out of the data set's folder."""

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol, TypeAlias, runtime_checkable

from data_prep.errors import UserError
from data_prep.files.bounded import open_file

Stream: TypeAlias = io.BufferedReader | io.BytesIO
"""The content of a file, which can be read from any position."""
INSTEAD_OF_LINKS = "put copies there instead of links (cp -rL copies what links point to)"
"""The remedy for links that lead out of a data set's folder."""
_TAIL_BYTES = 64


@runtime_checkable
class Tree(Protocol):
    """A set of files with names such as images/val/a.png, in a folder or an archive."""

    @property
    def root(self) -> Path:
        """The folder or archive itself, for messages."""
        ...

    def is_file(self, name: str) -> bool:
        """Whether a file of this name exists in the tree."""
        ...

    def names(self, folder: str) -> list[str]:
        """Names of the files directly in `folder` (not in its sub-folders), in alphabetical
        order."""
        ...

    def open(self, name: str) -> Stream:
        """The content of a file. OSError if the file does not exist or cannot be read."""
        ...

    def mark(self, name: str) -> bytes:
        """Bytes that change when the file's content changes, found without reading the whole
        file."""
        ...


def inside(root: Path, name: str) -> Path | None:
    """The file that `name` refers to below `root`, with links followed. None if it lies outside of
    `root`."""
    try:
        path = (root / name).resolve()
        if not path.is_relative_to(root.resolve()):
            return None
        path.is_file()  # raises for a name that is too long
    except (OSError, RuntimeError, ValueError):  # also: links in a circle, a null character
        return None
    return path


def link_out(root: Path, name: str) -> str | None:
    """The part of `name` that is a link out of `root`, in a circle, or to nothing. None if no part
    is: then a file that is not there is just missing."""
    if leaves(name):
        return None
    place = ""
    for part in PurePosixPath(name).parts:
        place = f"{place}/{part}" if place else part
        try:
            if not (root / place).is_symlink():
                continue
            path = inside(root, place)
            if path is None or not path.exists():
                return place
        except OSError:  # a name that is too long
            return None
    return None


def require_own_files(files: Mapping[str, Path]) -> None:
    """Raise UserError for two names of one file, be it by links or by hard links: what is one image
    would count as two. `files` gives the path for each name; those that are not there are passed
    over."""
    first: dict[tuple[int, int], str] = {}
    for name, path in files.items():
        try:
            told = os.stat(path)
        except OSError:
            continue
        other = first.setdefault((told.st_dev, told.st_ino), name)
        # Some file systems give one number to two files.
        if other != name and (told.st_nlink > 1 or path.resolve() == files[other].resolve()):
            raise UserError(
                f"an image needs one name, got {other!r} and {name!r}, which are one file: leave "
                "one of them out, or put a copy there if it is to count twice"
            )


def leaves(name: str) -> bool:
    """Whether a name found in a file or archive is absolute or leads out of its folder."""
    name = name.replace("\\", "/")
    parts = PurePosixPath(name).parts
    has_drive = name[1:2] == ":"
    return not parts or name.startswith("/") or ".." in parts or has_drive or "\0" in name


@dataclass(frozen=True, slots=True)
class Folder:
    """A tree of files in a folder on disk."""

    root: Path

    def is_file(self, name: str) -> bool:
        path = inside(self.root, name)
        return path is not None and path.is_file()

    def names(self, folder: str) -> list[str]:
        return sorted(path.name for path in (self.root / folder).glob("*") if path.is_file())

    def open(self, name: str) -> Stream:
        return open_file(self._path(name))

    def mark(self, name: str) -> bytes:
        """The size of the file and its last bytes.

        A PNG ends with the checksums of its pixels (Adler-32, CRC-32) and a JPEG with entropy-coded
        data, so this notices a changed image without reading the whole file: the images of CLEVR's
        val split have 2.8 GB.
        """
        with self.open(name) as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            return str(size).encode() + file.read()

    def path(self, name: str) -> Path:
        """Where a file would lie, whatever lies there."""
        return self.root / name

    def _path(self, name: str) -> Path:
        path = inside(self.root, name)
        if path is not None:
            return path
        if link := link_out(self.root, name):
            raise UserError(
                f"a file must lie inside {str(self.root)!r}, got {name!r}: {link!r} is a link that "
                f"leads elsewhere: {INSTEAD_OF_LINKS}"
            )
        raise UserError(
            f"a file must lie inside {str(self.root)!r}, got {name!r}: put it there and correct "
            "its name"
        )
