"""A data set's files read from its zip archive, without unpacking it.

An archive from elsewhere is not trusted: one that holds links, names that lead out of it or occur
twice, files that share their bytes, or sizes that no data set has, is refused before anything in it
is read.
"""

import io
import stat
import zipfile
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath

from data_prep.errors import UserError
from data_prep.files.foreign_json import MAX_JSON_BYTES
from data_prep.files.image_file import MAX_FILE_BYTES
from data_prep.files.tree import Stream, leaves

MAX_MEMBER_BYTES = MAX_JSON_BYTES
"""Largest size in bytes of an unpacked file in an archive. Other files than JSON have at most
MAX_FILE_BYTES when they are opened."""
MAX_RATIO = 100
"""Largest allowed ratio of unpacked to packed size, of one file and of the archive as a whole.
CLEVR's JSON has about 20; deflate can reach 1,032."""
MAX_MEMBERS = 500_000
"""Largest number of files and folders in an archive; CLEVR has 100,000 images."""
_MAX_LIST_BYTES = 2**26
_SMALL_BYTES = 2**24
_HEADER_BYTES = 30


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
        self._zip, members = _read_list(path)
        self._members = {member.filename: member for member in members}
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
        if member.file_size > MAX_FILE_BYTES and not name.endswith(".json"):
            raise OSError(f"{member.file_size:,} bytes are too many, in {self._path.name}")
        try:
            with self._zip.open(member) as file:
                # Not read(): that unpacks all there is, even if the list says that it is less.
                content = file.read(member.file_size)
        except Exception as error:  # on damaged bytes zipfile raises whatever comes
            reason = str(error) or "damaged"
            raise OSError(f"{reason}, in {self._path.name}") from error
        if len(content) < member.file_size:
            raise OSError(f"cut short, in {self._path.name}")
        return io.BytesIO(content)

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


class _Bounded(io.BufferedReader):
    """A file of which only so much may be read at once: zipfile reads an archive's list of files as
    a whole, however long it says it is."""

    limit = _MAX_LIST_BYTES

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > self.limit:
            raise zipfile.BadZipFile(f"its list of files would have {size:,} bytes")
        return super().read(size)


def _read_list(path: Path) -> tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]:
    """The archive, opened, and the files of its list, which is harmless. UserError otherwise."""
    try:
        with _Bounded(io.FileIO(path)) as file:
            members = zipfile.ZipFile(file).infolist()
        members = [member for member in members if not _is_extra(member)]
        _require_harmless(members, path)
        return zipfile.ZipFile(path), members
    except UserError:
        raise
    except Exception as error:  # on damaged bytes zipfile raises whatever comes
        reason = str(error) or "its list of files is damaged"
        raise UserError(
            f"{str(path)!r} cannot be read as a zip archive ({reason}): download it again"
        ) from error


def _require_harmless(members: Sequence[zipfile.ZipInfo], path: Path) -> None:
    """UserError for a list of files that no harmless archive has."""
    if len(members) > MAX_MEMBERS:
        raise _refused(path, f"it lists {len(members):,} files, at most {MAX_MEMBERS:,} are read")
    names: set[str] = set()
    for member in members:
        if fault := _fault(member):
            raise _refused(path, f"{member.filename!r} {fault}")
        if member.filename in names:
            raise _refused(path, f"{member.filename!r} is listed twice")
        names.add(member.filename)
    _require_apart(members, path)
    packed, unpacked = path.stat().st_size, sum(member.file_size for member in members)
    if unpacked > max(_SMALL_BYTES, MAX_RATIO * packed):
        raise _refused(path, f"it would unpack to {unpacked:,} bytes from {packed:,}")


def _fault(member: zipfile.ZipInfo) -> str:
    """What is wrong with one file of an archive; empty if nothing is."""
    kind = stat.S_IFMT(member.external_attr >> 16)
    too_large = member.file_size > MAX_MEMBER_BYTES
    ratio = member.file_size / max(member.compress_size, 1)
    if leaves(member.filename):
        return "has a name that leads out of the archive"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device, not a file"
    if too_large or (member.file_size > _SMALL_BYTES and ratio > MAX_RATIO):
        return f"would unpack to {member.file_size:,} bytes from {member.compress_size:,}"
    if member.flag_bits & 1:
        return "is encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is packed in a way that is not read"
    return ""


def _require_apart(members: Sequence[zipfile.ZipInfo], path: Path) -> None:
    """UserError unless every file has bytes of its own: in an archive whose files share them, a few
    bytes unpack to as many as one likes."""
    end, before = 0, ""
    for member in sorted(members, key=lambda each: each.header_offset):
        if member.header_offset < end:
            raise _refused(path, f"{member.filename!r} shares its bytes with {before!r}")
        end = member.header_offset + _HEADER_BYTES + member.compress_size
        before = member.filename
    if end > path.stat().st_size:
        raise _refused(path, f"{before!r} lies beyond its end, so it is cut short")


def _refused(path: Path, why: str) -> UserError:
    return UserError(
        f"the archive {str(path)!r} is refused: {why}: take the official archive, or unpack it "
        "yourself and name the folder"
    )


def _common_folder(names: list[str]) -> str:
    """The single top folder with a slash, such as "CLEVR_v1.0/"; empty if there is none."""
    tops = {PurePosixPath(name).parts[0] for name in names}
    (top,) = tops if len(tops) == 1 else ("",)
    return f"{top}/" if top and all(name.startswith(f"{top}/") for name in names) else ""
