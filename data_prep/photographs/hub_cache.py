"""Keeps the rows of a data set that were streamed once: each image as an encoded file, and all
labels.

So images can be opened in any order with little memory, and a study that is continued needs no
network. The rows are in the folder ONSET_CACHE, or else in the user's cache folder; delete it to
fetch them again.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from data_prep.errors import UserError
from data_prep.files.tree import Folder

_ROWS = "rows.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One image (its encoded bytes) with its labels by attribute. Attributes without a label are
    left out."""

    image: bytes
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRows:
    """Rows that are completely stored on disk."""

    folder: Path
    labels: tuple[Mapping[str, str], ...]
    """The labels of each row by attribute, in the order of the data set."""
    is_all: bool
    """Whether these are all rows of the data set."""

    @property
    def tree(self) -> Folder:
        """The folder with the images. Their names are given by `image_name` of the row's number."""
        return Folder(self.folder)


def image_name(number: int) -> str:
    """File name of the image in row `number`. The alphabetical order of the names is the order of
    the rows."""
    return f"{number:08d}"


def cache_folder(identity: Mapping[str, Any]) -> Path:
    """The folder in which the rows of the data set described by `identity` are kept."""
    root = os.environ.get("ONSET_CACHE")
    if root is None:
        home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        root = str(Path(home) / "onset")
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return Path(root) / "hub" / digest[:20]


def kept_rows(folder: Path, limit: int | None) -> KeptRows | None:
    """The first `limit` rows, or all if it is None. None if that many have not been stored yet;
    UserError if the stored list is damaged."""
    file = folder / _ROWS
    if not file.exists():
        return None
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        labels, is_all = [dict(each) for each in content["labels"]], bool(content["is_all"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{str(file)!r} is damaged ({error}): delete the folder") from error
    if limit is None and not is_all:
        return None
    if limit is not None and limit > len(labels) and not is_all:
        return None
    return KeptRows(
        folder=folder,
        labels=tuple(labels[:limit]),
        is_all=is_all and (limit is None or limit >= len(labels)),
    )


def keep_rows(folder: Path, rows: Iterable[Row], limit: int | None) -> None:
    """Store the first `limit` rows, or all if it is None, one after the other. UserError if they
    cannot be written."""
    labels: list[Mapping[str, str]] = []
    is_all = True
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shown = tqdm(rows, desc="fetch", unit="row", total=limit, disable=None)
        for number, row in enumerate(shown):
            if number == limit:
                is_all = False
                break
            _put(folder / image_name(number), row.image)
            labels.append(row.labels)
        # Last: with it the rows are there.
        _put(folder / _ROWS, json.dumps({"labels": labels, "is_all": is_all}).encode())
    except OSError as error:
        raise UserError(
            f"cannot keep the images in {str(folder)!r} ({error}): free space, or set ONSET_CACHE"
        ) from error


def _put(file: Path, content: bytes) -> None:
    """Write a file either whole or not at all, even if two commands write the same file."""
    unfinished = file.with_name(f"{file.name}.{os.getpid()}.writing")
    unfinished.write_bytes(content)
    unfinished.replace(file)
