"""A data set's files read from its zip archive, without unpacking it.

An archive from elsewhere is not trusted: one that holds links, names that lead out of it, or
sizes that no data set has is refused before anything in it is read.
"""

import io
import stat
import zipfile
import zlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path, PurePosixPath

from data_prep.errors import UserError
from data_prep.files.tree import Stream, leaves

MAX_MEMBER_BYTES = 8 * 2**30
"""Largest size in bytes of an unpacked file in an archive; no file of CLEVR, COCO or similar data
is larger."""
MAX_RATIO = 100
"""Largest allowed ratio of unpacked to packed size of one file. CLEVR's JSON has about 20; deflate
can reach 1,032."""
_SMALL_BYTES = 2**24


def open_archive(path: Path) -> "Archive":
    """The archive at `path`, in its present state. It is opened only once, because its list of
    files can be long."""
    state = path.stat()
    return _opened(path.resolve(), state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4)
def _opened(path: Path, changed_ns: int, size: int) -> "Archive":
    return Archive(path)


class Archive:
    """The files of a zip archive. If a single top folder holds everything, names are relative to
    it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._zip = zipfile.ZipFile(path)
        # zipfile says NotImplementedError for a kind of archive that it does not know.
        except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise UserError(
                f"{str(path)!r} cannot be read as a zip archive ({error}): download it again"
            ) from error
        self._members = {
            member.filename: member for member in self._zip.infolist() if not _is_extra(member)
        }
        try:
            for member in self._members.values():
                _require_harmless(member, path)
        except UserError:
            self._zip.close()
            raise
        self._prefix = _common_folder(list(self._members))

    def __reduce__(self) -> tuple[Callable[[Path], "Archive"], tuple[Path]]:
        # An open file cannot be sent to another process: there it is opened anew.
        return open_archive, (self._path,)

    @property
    def root(self) -> Path:
        return self._path

    def is_file(self, name: str) -> bool:
        member = self._members.get(self._prefix + name)
        return member is not None and not member.is_dir()

    def names(self, folder: str) -> list[str]:
        start = f"{self._prefix}{folder}/"
        below = (name.removeprefix(start) for name in self._members if name.startswith(start))
        return sorted(name for name in below if name and "/" not in name)

    def open(self, name: str) -> Stream:
        """The content of a file, unpacked in memory and compared with its checksum. May be called
        from several threads."""
        member = self._member(name)
        try:
            return io.BytesIO(self._zip.read(member))
        # NotImplementedError: packed in a way that zipfile does not know.
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise OSError(f"{error}, in {self._path.name}") from error

    def mark(self, name: str) -> bytes:
        """The size and the checksum of a file, taken from the archive's list."""
        member = self._member(name)
        return f"{member.file_size} {member.CRC:08x}".encode()

    def _member(self, name: str) -> zipfile.ZipInfo:
        if not self.is_file(name):
            raise FileNotFoundError(f"no {name} in {self._path.name}")
        return self._members[self._prefix + name]


def _is_extra(member: zipfile.ZipInfo) -> bool:
    """Whether the file is one that macOS adds to archives."""
    return member.filename.startswith("__MACOSX/") or member.filename.endswith("/.DS_Store")


def _require_harmless(member: zipfile.ZipInfo, path: Path) -> None:
    kind = stat.S_IFMT(member.external_attr >> 16)
    too_large = member.file_size > MAX_MEMBER_BYTES
    ratio = member.file_size / max(member.compress_size, 1)
    if leaves(member.filename):
        fault = "has a name that leads out of the archive"
    elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        fault = "is a link or a device, not a file"
    elif too_large or (member.file_size > _SMALL_BYTES and ratio > MAX_RATIO):
        fault = f"would unpack to {member.file_size:,} bytes from {member.compress_size:,}"
    elif member.flag_bits & 1:
        fault = "is encrypted"
    else:
        return
    raise UserError(
        f"the archive {str(path)!r} is refused: {member.filename!r} {fault}: take the official "
        "archive, or unpack it yourself and name the folder"
    )


def _common_folder(names: list[str]) -> str:
    """The single top folder with a slash, such as "CLEVR_v1.0/"; empty if there is none."""
    tops = {PurePosixPath(name).parts[0] for name in names}
    (top,) = tops if len(tops) == 1 else ("",)
    return f"{top}/" if top and all(name.startswith(f"{top}/") for name in names) else ""
