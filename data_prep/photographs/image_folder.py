"""A user's own images: labels from sub-folders or a CSV, or a contrast to another folder.

    FOLDER/<label>/**/*.jpg        attribute `label`
    FOLDER/**/*.jpg and a CSV      an attribute per column, see label_table
    FOLDER and a contrast folder   attribute `shown`: yes in FOLDER, no in the other

Hidden files, and those whose ending is not that of an image, are passed over.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from data_prep.errors import UserError
from data_prep.files.images import ENDINGS
from data_prep.files.tree import Folder, Stream, Tree
from data_prep.photographs.label_table import LabelTable, read_label_table
from data_prep.photographs.labels import (
    LabelQuestions,
    default_text,
    label_attribute,
    question_texts,
    yes_no_attribute,
)
from data_prep.photographs.photograph_data import photograph_data
from data_prep.scene_data import SceneData
from data_prep.scenes import Photograph

SHOWN = "shown"
_LABEL = "label"
_OWN, _CONTRAST = "own", "contrast"


@dataclass(frozen=True, slots=True)
class _Both:
    """Two folders seen as one tree, each below its own top-level name."""

    own: Folder
    contrast: Folder

    @property
    def root(self) -> Path:
        return self.own.root

    def is_file(self, name: str) -> bool:
        folder, rest = self._where(name)
        return folder.is_file(rest)

    def names(self, folder: str) -> list[str]:
        where, rest = self._where(folder)
        return where.names(rest)

    def open(self, name: str) -> Stream:
        folder, rest = self._where(name)
        return folder.open(rest)

    def mark(self, name: str) -> bytes:
        folder, rest = self._where(name)
        return folder.mark(rest)

    def _where(self, name: str) -> tuple[Folder, str]:
        side, _, rest = name.partition("/")
        return (self.contrast if side == _CONTRAST else self.own), rest


def open_images(
    folder: Path,
    table: Path | None = None,
    *,
    contrast: Path | None = None,
    ask: Mapping[str, str] | None = None,
) -> SceneData:
    """The data for a folder of images. Labels come from sub-folders, a CSV file, or a contrast
    folder.

    A relative path `table` is looked for in the folder first. UserError for any fault in the files.
    """
    names = _images(folder)
    if table is not None:
        inner = folder / table
        found = read_label_table(
            inner if inner.is_file() else table, Folder(folder), needed=contrast is None
        )
    else:
        found = _from_sub_folders(folder, names, needed=contrast is None)
    attributes = {name: label_attribute(name, values) for name, values in found.values.items()}
    texts = {name: default_text(name) for name in attributes}
    photographs = [
        Photograph(scene_id=name, image=name, split="", labels=found.labels.get(name, {}))
        for name in (found.labels if table is not None and contrast is None else names)
    ]
    tree: Tree = Folder(folder)
    if contrast is not None:
        photographs = _contrasted(photographs, _images(contrast), folder, contrast)
        tree = _Both(Folder(folder), Folder(contrast))
        attributes[SHOWN] = yes_no_attribute(SHOWN)
        texts[SHOWN] = f"Does the image show {_words(folder)}?"
    asking = LabelQuestions(
        attributes=attributes, texts=question_texts(texts, ask or {}), left_out=found.left_out
    )
    name = f"images:{folder.resolve().name}"
    if contrast is not None:
        name += f" against {contrast.resolve().name}"
    return photograph_data(photographs, asking, tree, name=name)


def _images(folder: Path) -> list[str]:
    """Names of all images below the folder, including sub-folders, in alphabetical order."""
    if not folder.is_dir():
        raise UserError(f"no folder {str(folder)!r}: give the one that holds the images")
    tree, found = Folder(folder), []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and Path(name).suffix.lower() in ENDINGS:
                found.append((Path(place) / name).relative_to(folder).as_posix())
    if not found:
        raise UserError(
            f"need at least 1 image, got none in {str(folder)!r}: put some there "
            f"({', '.join(sorted(ENDINGS))})"
        )
    for name in found:
        if not name.isprintable():
            raise UserError(f"an image needs a name in readable UTF-8, got {name!r}: rename it")
        if not tree.is_file(name):
            raise UserError(
                f"an image must be a file inside {str(folder)!r}, got {name!r}, which leads "
                "elsewhere: put a copy there instead of a link"
            )
    return sorted(found)


def _from_sub_folders(folder: Path, names: Sequence[str], *, needed: bool) -> LabelTable:
    """A table with the one attribute `label`, taken from the names of sub-folders. With a single
    sub-folder it has no attribute, unless one is `needed`."""
    labels = {}
    for name in names:
        parts = PurePosixPath(name).parts
        labels[name] = {_LABEL: parts[0]} if len(parts) > 1 else {}
    values = {each[_LABEL] for each in labels.values() if each}
    if len(values) >= 2:
        return LabelTable(labels=labels, values={_LABEL: values}, left_out={})
    if needed:
        got = f"1 ({min(values)!r})" if values else "0"
        raise UserError(
            f"{str(folder)!r} must hold at least 2 sub-folders with images, one per label, got "
            f"{got}: add one, name a CSV (images:FOLDER:CSV), or a contrast folder"
        )
    return LabelTable(labels={}, values={}, left_out={})


def _contrasted(
    photographs: Sequence[Photograph], others: Sequence[str], folder: Path, contrast: Path
) -> list[Photograph]:
    """The images of both folders, labelled by the folder they are in."""
    if contrast.resolve() == folder.resolve():
        raise UserError(f"the contrast must be another folder, got {str(contrast)!r} for both")
    own = [(each.image, each.labels, "yes") for each in photographs]
    return [
        Photograph(
            scene_id=f"{side}/{image}",
            image=f"{side}/{image}",
            split="",
            labels={**labels, SHOWN: answer},
        )
        for side, images in (
            (_OWN, own),
            (_CONTRAST, [(image, {}, "no") for image in others]),
        )
        for image, labels, answer in images
    ]


def _words(folder: Path) -> str:
    return " ".join(folder.resolve().name.lower().replace("_", " ").replace("-", " ").split())
