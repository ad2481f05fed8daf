"""A user's own images: labels from sub-folders or a CSV, or a contrast to another folder.

    FOLDER/<label>/**/*.jpg        attribute `label`
    FOLDER/**/*.jpg and a CSV      an attribute per column, see label_table
    FOLDER and a contrast folder   attribute `shown`: yes in FOLDER, no in the other

Hidden files, and those whose ending is not that of an image, are passed over. Images of kinds that
are not read are counted in a note.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_prep.errors import UserError
from data_prep.files.tree import Folder, Stream, require_own_files
from data_prep.photographs.found_images import FoundImages, find_images
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

    def path(self, name: str) -> Path:
        folder, rest = self._where(name)
        return folder.path(rest)

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
    images = find_images(folder)
    if table is not None:
        inner = folder / table
        found = read_label_table(
            inner if os.path.lexists(inner) else table, Folder(folder), needed=contrast is None
        )
    else:
        found = _from_sub_folders(folder, images, needed=contrast is None)
    attributes = {name: label_attribute(name, values) for name, values in found.values.items()}
    texts = {name: default_text(name) for name in attributes}
    labels = found.labels
    if table is not None:
        labels = _labels_of_files(folder, labels, None if contrast is None else images.names)
    photographs = [
        Photograph(scene_id=name, image=name, split="", labels=labels.get(name, {}))
        for name in (labels if table is not None else images.names)
    ]
    tree: Folder | _Both = Folder(folder)
    notes = [*images.unread_notes, *(images.link_notes if table is None else ())]
    if contrast is not None:
        others = find_images(contrast)
        photographs = _contrasted(photographs, others.names, folder, contrast)
        notes += [f"{note} (contrast)" for note in (*others.unread_notes, *others.link_notes)]
        tree = _Both(Folder(folder), Folder(contrast))
        attributes[SHOWN] = yes_no_attribute(SHOWN)
        texts[SHOWN] = f"Does the image show {_words(folder)}?"
    require_own_files({each.image: tree.path(each.image) for each in photographs})
    asking = LabelQuestions(
        attributes=attributes, texts=question_texts(texts, ask or {}), left_out=found.left_out
    )
    name = f"images:{folder.resolve().name}"
    if contrast is not None:
        name += f" against {contrast.resolve().name}"
    return photograph_data(photographs, asking, tree, name=name, notes=notes)


def _from_sub_folders(folder: Path, images: FoundImages, *, needed: bool) -> LabelTable:
    """A table with the one attribute `label`, taken from the names of sub-folders. With a single
    sub-folder it has no attribute, unless one is `needed`."""
    labels = {}
    for name in images.names:
        labels[name] = _label_by_place(name)
        for other in images.other_links.get(name, ()):
            if _label_by_place(other) != labels[name]:
                raise UserError(
                    f"an image may have one label, got {name!r} and {other!r} in "
                    f"{str(folder)!r}, which link to the same file: remove one of the links"
                )
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


def _labels_of_files(
    folder: Path, labels: Mapping[str, Mapping[str, str]], names: Sequence[str] | None
) -> Mapping[str, Mapping[str, str]]:
    """The labels that the rows of a CSV give, for the images called `names`, or, if that is None,
    for those that have a row. A row may name an image by another link to it. UserError for two rows
    about one file."""
    rows: dict[Path, str] = {}
    for name in labels:
        first = rows.setdefault((folder / name).resolve(), name)
        if first != name:
            raise UserError(
                f"an image needs one row, got {first!r} and {name!r} in {str(folder)!r}, which are "
                "one file: remove one of the rows"
            )
    if names is None:
        return labels
    row_of = {name: rows.get((folder / name).resolve()) for name in names}
    return {name: {} if row is None else labels[row] for name, row in row_of.items()}


def _label_by_place(name: str) -> dict[str, str]:
    """The label of an image: the sub-folder it is in, if it is in one."""
    label, slash, _ = name.partition("/")
    return {_LABEL: label} if slash else {}


def _contrasted(
    photographs: Sequence[Photograph], others: Sequence[str], folder: Path, contrast: Path
) -> list[Photograph]:
    """The images of both folders, labelled by the folder they are in."""
    if contrast.resolve() == folder.resolve():
        raise UserError(f"the contrast must be another folder, got {str(contrast)!r} for both")
    for outer, inner in ((folder, contrast), (contrast, folder)):
        if inner.resolve().is_relative_to(outer.resolve()):
            raise UserError(
                f"the contrast must be another folder, got {str(inner)!r} inside of "
                f"{str(outer)!r}, whose images would be both: move one of them"
            )
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
