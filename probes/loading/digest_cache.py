"""The sha256 of large files, remembered between commands: weights are not read to be known again.

What is believed: a file of the same path, size, time of change (in nanoseconds) and inode has the
content that it had. Whoever changes weights and sets the time back is not found out; deleting the
cache makes every file be read again. The cache lies in ONSET_CACHE, or else in `onset` under
XDG_CACHE_HOME or ~/.cache. Where it cannot be written, or is damaged, files are read, and it is
written anew where it can be.
"""

import hashlib
import os
import re
from pathlib import Path
from typing import Any

from data_prep.errors import UserError
from data_prep.files.bounded import open_file
from data_prep.files.durable import write_durably
from data_prep.files.sealed import read_sealed_json, sealed_json

# Smaller files are read sooner than the cache is: among them all that is bundled.
LEAST_BYTES = 2**24
_FILE = "weights.json"
_MOST_FILES = 4096
_DIGEST = re.compile("[0-9a-f]{64}")
_State = tuple[int, int, int]
# Also where no file can be written, a process reads weights once.
_KNOWN: dict[str, tuple[_State, str]] = {}


def file_digest(path: Path) -> str:
    """The sha256 of a file, read only if it is small, or not known as it is now.

    >>> from probes.loading.identity import BUNDLED_FOLDER
    >>> file_digest(BUNDLED_FOLDER / "chat_template.jinja")[:8]
    '911bb7d3'
    """
    state, name = _state(path), str(path.resolve())
    if state[0] < LEAST_BYTES:
        return _sha256(path)
    found = _known(name, state)
    if found is None:
        found = _sha256(path)
        # Changed while it was read, it has no digest that could be kept.
        if _state(path) == state:
            _keep(name, state, found)
    return found


def is_known(path: Path) -> bool:
    """Whether `file_digest` need not read a large file.

    >>> from probes.loading.identity import BUNDLED_FOLDER
    >>> is_known(BUNDLED_FOLDER / "model.safetensors")  # which is not large
    True
    """
    state = _state(path)
    return state[0] < LEAST_BYTES or _known(str(path.resolve()), state) is not None


def cache_folder() -> Path:
    """The folder of what is remembered between commands for this user.

    >>> cache_folder().is_absolute()
    True
    """
    if named := os.environ.get("ONSET_CACHE"):
        return Path(named).absolute()
    shared = os.environ.get("XDG_CACHE_HOME")
    # The XDG rule: a path that is not absolute is as good as none.
    home = Path(shared) if shared and Path(shared).is_absolute() else Path.home() / ".cache"
    return home / "onset"


def _sha256(path: Path) -> str:
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _state(path: Path) -> _State:
    told = path.stat()
    return told.st_size, told.st_mtime_ns, told.st_ino


def _known(name: str, state: _State) -> str | None:
    if name not in _KNOWN and (kept := _read().get(name)) is not None:
        _KNOWN[name] = kept
    known = _KNOWN.get(name)
    return known[1] if known is not None and known[0] == state else None


def _read() -> dict[str, tuple[_State, str]]:
    """What is remembered; nothing of a cache that is damaged, or cannot be read."""
    try:
        content = read_sealed_json(cache_folder() / _FILE)
        return {name: _entry(kept) for name, kept in content["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError):
        return {}


def _entry(kept: Any) -> tuple[_State, str]:
    """An entry of the cache; ValueError if it is none."""
    state, digest = (kept["size"], kept["mtime_ns"], kept["inode"]), kept["sha256"]
    if not all(type(each) is int for each in state) or not _DIGEST.fullmatch(digest):
        raise ValueError("no entry of this cache")
    return state, digest


def _keep(name: str, state: _State, digest: str) -> None:
    _KNOWN[name] = (state, digest)
    # The newest last: they are kept when there are too many. Of two commands at once one may lose
    # its entry, and reads its file again next time.
    kept = {each: found for each, found in _read().items() if each != name}
    entries = [*kept.items(), (name, (state, digest))][-_MOST_FILES:]
    files = {
        each: {"size": size, "mtime_ns": changed, "inode": inode, "sha256": found}
        for each, ((size, changed, inode), found) in entries
    }
    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        write_durably(folder / _FILE, sealed_json({"files": files}))
    except (OSError, UserError, RuntimeError):
        pass  # a home that cannot be written, is full, or is not known: the file is read next time
