"""Finds the images below a folder: each once, and none left out without a word."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from data_prep.errors import UserError
from data_prep.files.images import ENDINGS
from data_prep.files.names import is_plain
from data_prep.files.tree import INSTEAD_OF_LINKS, inside

UNREAD_ENDINGS = frozenset((
    ".ai", ".arw", ".cr2", ".cr3", ".dcm", ".dds", ".dib", ".dng", ".emf", ".eps", ".exr", ".hdr",
    ".heic", ".heics", ".heif", ".hif", ".icns", ".jxl", ".jxr", ".nef", ".orf", ".pcx", ".pef",
    ".ps", ".psb", ".psd", ".qoi", ".raf", ".raw", ".rw2", ".srw", ".svg", ".svgz", ".wdp", ".wmf",
    ".x3f", ".xcf",
))  # fmt: skip
"""File name endings, in lower case, of images of kinds that are not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundImages:
    """The images below a folder."""

    names: Sequence[str]
    """Their names from the folder on, in alphabetical order."""
    other_links: Mapping[str, Sequence[str]]
    """For an image that several links lead to, those that are not in `names`."""
    unread_notes: Sequence[str]
    """What is said of images of kinds that are not read, with their number."""
    link_notes: Sequence[str]
    """What is said of names that are left out because their images are counted under others."""


@dataclass(frozen=True, slots=True)
class _Met:
    """What is met on the way through a folder, by name from the folder on."""

    own: list[str] = field(default_factory=list)
    """Images that no link is on the way to."""
    linked: dict[str, Path] = field(default_factory=dict)
    """Images by way of a link, with where they really are."""
    unread: list[str] = field(default_factory=list)
    folder_links: list[str] = field(default_factory=list)
    """Links to folders whose images are met under their own names, or by way of another link."""
    out: list[str] = field(default_factory=list)
    """Links to elsewhere or to nothing, and what else is no file."""


def find_images(folder: Path) -> FoundImages:
    """All images below `folder`, in its sub-folders too.

    Hidden files and folders, and files that do not end like an image, are passed over. A link that
    stays inside of the folder is followed. An image that several names lead to is counted once: by
    the link to it, because someone has put it there, and not by the name that it is stored under.
    UserError if there is none, for a link that leads elsewhere or to nothing, and for a name that
    cannot be written.
    """
    if not folder.is_dir():
        raise UserError(f"no folder {str(folder)!r}: give the one that holds the images")
    met = _met(folder)
    unread = _unread_notes(met.unread)
    if met.out:
        more = f" and {len(met.out) - 1} more" if len(met.out) > 1 else ""
        raise UserError(
            f"an image must be a file inside {str(folder)!r}, got {min(met.out)!r}, which leads "
            f"elsewhere or to no file{more}: {INSTEAD_OF_LINKS}"
        )
    if not (met.own or met.linked):
        but = f", but {unread[0]}" if unread else ""
        raise UserError(
            f"need at least 1 image, got none in {str(folder)!r}{but}: put some there "
            f"({', '.join(sorted(ENDINGS))})"
        )
    for name in (*met.own, *met.linked):
        if not is_plain(name):
            raise UserError(
                f"an image needs a name in readable UTF-8 without control characters, got "
                f"{name!r}: rename it"
            )
    names, other_links, hidden_by = _each_once(folder, met)
    return FoundImages(
        names=names,
        other_links=other_links,
        unread_notes=unread,
        link_notes=[
            f"{what}: {len(left_out):,}, first {min(left_out)!r}"
            for what, left_out in (
                ("other names of images, which are counted once", hidden_by),
                ("links to folders whose images are counted already", met.folder_links),
            )
            if left_out
        ],
    )


def _met(folder: Path) -> _Met:
    """Everything below the folder. A folder that links lead to is looked into once, so that links
    in a circle end."""
    met, home = _Met(), folder.resolve()
    waiting: list[tuple[str, bool]] = [("", False)]
    seen: set[Path] = set()
    while waiting:
        place, by_link = waiting.pop()
        for entry in _entries(folder / place):
            name = f"{place}/{entry.name}" if place else entry.name
            if entry.is_dir(follow_symlinks=False):
                waiting.append((name, by_link))
            elif not entry.is_symlink():
                _sort(met, folder, name, is_file=entry.is_file(), by_link=by_link)
            elif (path := inside(folder, name)) is None or not path.exists():
                if _is_wanted(folder, name):
                    met.out.append(name)
            elif not path.is_dir():
                _sort(met, folder, name, is_file=path.is_file(), by_link=True)
            elif path in seen or not _is_hidden(path.relative_to(home)):
                met.folder_links.append(name)
            else:
                seen.add(path)
                waiting.append((name, True))
    return met


def _entries(place: Path) -> list[os.DirEntry[str]]:
    """What is directly in a folder, without what is hidden."""
    try:
        with os.scandir(place) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        raise UserError(
            f"the folder {str(place)!r} cannot be read ({error.strerror}): correct its permissions"
        ) from error


def _sort(met: _Met, folder: Path, name: str, *, is_file: bool, by_link: bool) -> None:
    """Puts a name that is no folder where it belongs."""
    ending = PurePosixPath(name).suffix.lower()
    if ending in UNREAD_ENDINGS:
        met.unread.append(name)
    elif ending not in ENDINGS:
        return
    elif not is_file:  # a pipe, a socket, a device
        met.out.append(name)
    elif by_link:
        met.linked[name] = (folder / name).resolve()
    else:
        met.own.append(name)


def _is_wanted(folder: Path, name: str) -> bool:
    """Whether a link to elsewhere, or to nothing, stands for an image or for a folder of them."""
    ending, target = PurePosixPath(name).suffix.lower(), folder / name
    is_lost = not ending and not os.path.exists(target)  # perhaps a folder on another disk
    return ending in ENDINGS or os.path.isdir(target) or is_lost


def _is_hidden(place: Path) -> bool:
    return any(part.startswith(".") for part in place.parts)


def _each_once(folder: Path, met: _Met) -> tuple[list[str], dict[str, list[str]], list[str]]:
    """One name for every image, in alphabetical order; for some of these, other links to the same
    image; and all names that are left out."""
    home = folder.resolve()
    links: dict[Path, list[str]] = {}
    for name, path in sorted(met.linked.items()):
        links.setdefault(path, []).append(name)
    stored = [name for name in met.own if links and home / name in links]
    kept = sorted([*(set(met.own) - set(stored)), *(names[0] for names in links.values())])
    others = {names[0]: names[1:] for names in links.values() if len(names) > 1}
    return kept, others, [*stored, *(name for names in others.values() for name in names)]


def _unread_notes(unread: Sequence[str]) -> list[str]:
    if not unread:
        return []
    counts = Counter(PurePosixPath(name).suffix.lower() for name in unread)
    kinds = ", ".join(f"{ending} {number:,}" for ending, number in sorted(counts.items()))
    return [
        f"images of a kind that is not read, to be converted to JPEG or PNG: {len(unread):,} "
        f"({kinds}), first {min(unread)!r}"
    ]
