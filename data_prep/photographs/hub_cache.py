"""Rows of a data set that were streamed once: images as encoded, one file each, and their labels.

So that images can be opened in any order with bounded memory, and a study that goes on asks no
network. In ONSET_CACHE, or else under the user's cache folder; delete it to fetch anew.
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
    """One image with its labels; an attribute without one has none."""

    image: bytes
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRows:
    """Rows that are there in full."""

    folder: Path
    labels: tuple[Mapping[str, str], ...]
    """By row, in the order of the data set."""
    is_all: bool
    """Whether the data set has no more."""

    @property
    def tree(self) -> Folder:
        """Holds the images, under `image_name` of the row."""
        return Folder(self.folder)


def image_name(number: int) -> str:
    """Of a row, such that the alphabetical order is that of the rows."""
    return f"{number:08d}"


def cache_folder(identity: Mapping[str, Any]) -> Path:
    """Where the rows that are told by `identity` are kept."""
    root = os.environ.get("ONSET_CACHE")
    if root is None:
        home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        root = str(Path(home) / "onset")
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return Path(root) / "hub" / digest[:20]


def kept_rows(folder: Path, limit: int | None) -> KeptRows | None:
    """The first `limit` rows, or all, if they were kept before."""
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
    """Writes the first `limit` of `rows`, or all, one after the other."""
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
    """Whole or not at all, also where two commands write the same."""
    unfinished = file.with_name(f"{file.name}.{os.getpid()}.writing")
    unfinished.write_bytes(content)
    unfinished.replace(file)
