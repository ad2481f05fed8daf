"""Keeps the rows of a data set that were streamed once: each image as an encoded file, and all
labels.

So images can be opened in any order with little memory, and a study that is continued needs no
network. The rows are in the folder ONSET_CACHE, or else in the user's cache folder; delete it to
fetch them again.

The name under which an image is kept ends in the checksum of its content, so that a damaged one is
told, and so that two commands that fetch the same rows at once write the same bytes under one name.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data_prep.errors import UserError
from data_prep.files.bounded import open_file, read_file
from data_prep.files.tree import Stream
from data_prep.files.unfinished import remove_unfinished, unfinished_name
from data_prep.terminal.progress import Progress

_ROWS = "rows.json"
# A part of what identifies the rows: those that another form keeps are not looked at.
_FORM = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One image (its encoded bytes) with its labels by attribute. Attributes without a label are
    left out. A row that has no image has no bytes, and so a broken image."""

    image: bytes
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class KeptImages:
    """The images of kept rows as a tree of files, whose names are given by `image_name`."""

    root: Path
    checksums: Sequence[str] = field(hash=False)
    """The SHA-256 of each row's image, in hexadecimal digits."""

    def is_file(self, name: str) -> bool:
        """Whether a row of this name is among the kept ones."""
        return name.isdecimal() and int(name) < len(self.checksums)

    def names(self, folder: str) -> list[str]:
        """The names of all images; there are no sub-folders."""
        return [] if folder else [image_name(number) for number in range(len(self.checksums))]

    def open(self, name: str) -> Stream:
        """The encoded image of a row. OSError if the row has none."""
        if self._checksum(name) == _checksum(b""):
            raise OSError(f"row {int(name)} of the data set holds no image")
        return open_file(self._path(name))

    def mark(self, name: str) -> bytes:
        """The checksum of the image's content, which is compared here, before any work: a data set
        that was damaged after it was fetched is no longer the one that a study names."""
        path, checksum = self._path(name), self._checksum(name)
        try:
            intact = _checksum(read_file(path)) == checksum
        except FileNotFoundError:
            intact = False
        if not intact:
            raise UserError(
                f"{str(path)!r}, the image of row {int(name)}, is damaged since it was fetched: "
                f"delete the folder {str(self.root)!r}, so that it is fetched again"
            )
        return checksum.encode()

    def _checksum(self, name: str) -> str:
        if not self.is_file(name):
            raise FileNotFoundError(f"no row {name} in {str(self.root)!r}")
        return self.checksums[int(name)]

    def _path(self, name: str) -> Path:
        return self.root / _kept_name(int(name), self._checksum(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRows:
    """Rows that are completely stored on disk."""

    folder: Path
    labels: tuple[Mapping[str, str], ...]
    """The labels of each row by attribute, in the order of the data set."""
    images: tuple[str, ...]
    """The checksum of each row's image."""
    is_all: bool
    """Whether these are all rows of the data set."""

    @property
    def tree(self) -> KeptImages:
        """The images. Their names are given by `image_name` of the row's number."""
        return KeptImages(self.folder, self.images)

    def first(self, limit: int | None) -> "KeptRows | None":
        """The first `limit` rows, or all if it is None; None if these are not that many."""
        if not self.is_all and (limit is None or limit > len(self.labels)):
            return None
        return KeptRows(
            folder=self.folder,
            labels=self.labels[:limit],
            images=self.images[:limit],
            is_all=self.is_all and (limit is None or limit >= len(self.labels)),
        )


def image_name(number: int) -> str:
    """File name of the image in row `number`. The alphabetical order of the names is the order of
    the rows."""
    return f"{number:08d}"


def _kept_name(number: int, checksum: str) -> str:
    return f"{image_name(number)}-{checksum}"


def cache_folder(identity: Mapping[str, Any]) -> Path:
    """The folder in which the rows of the data set described by `identity` are kept."""
    root = os.environ.get("ONSET_CACHE")
    if root is None:
        home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        root = str(Path(home) / "onset")
    content = json.dumps({**identity, "form": _FORM}, sort_keys=True)
    return Path(root) / "hub" / _checksum(content.encode())[:20]


def kept_rows(folder: Path, limit: int | None) -> KeptRows | None:
    """The first `limit` rows, or all if it is None. None if that many have not been stored yet;
    UserError if the stored list is damaged."""
    file = folder / _ROWS
    try:
        if not file.exists():
            return None
        content = json.loads(read_file(file))
        told = content["rows"]
        if content["sha256"] != _checksum(_canonical(told)):
            raise ValueError("its checksum differs")
        kept = KeptRows(
            folder=folder,
            labels=tuple(told["labels"]),
            images=tuple(told["images"]),
            is_all=told["is_all"],
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(
            f"{str(file)!r} is damaged ({error}): delete the folder, so that it is fetched again"
        ) from error
    return kept.first(limit)


def keep_rows(folder: Path, rows: Iterable[Row], limit: int | None) -> KeptRows:
    """Store the first `limit` rows, or all if it is None, one after the other. UserError if they
    cannot be written."""
    labels: list[Mapping[str, str]] = []
    images: list[str] = []
    is_all = True
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_unfinished(folder)
        shown = Progress(rows, what="fetch", unit="row", total=limit)
        for number, row in enumerate(shown):
            if number == limit:
                is_all = False
                break
            images.append(_checksum(row.image))
            labels.append(row.labels)
            _put(folder / _kept_name(number, images[-1]), row.image)
        # Last: with it the rows are there.
        told = {"labels": labels, "images": images, "is_all": is_all}
        listed = {"rows": told, "sha256": _checksum(_canonical(told))}
        _put(folder / _ROWS, json.dumps(listed).encode())
    except OSError as error:
        raise UserError(
            f"cannot keep the images in {str(folder)!r} ({error.strerror or error}): free space, "
            "or set ONSET_CACHE"
        ) from error
    return KeptRows(folder=folder, labels=tuple(labels), images=tuple(images), is_all=is_all)


def _canonical(told: Any) -> bytes:
    return json.dumps(told, sort_keys=True).encode()


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _put(file: Path, content: bytes) -> None:
    """Write a file either whole or not at all, even if two commands write the same file."""
    unfinished = file.with_name(unfinished_name())
    try:
        unfinished.write_bytes(content)
        os.replace(unfinished, file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
