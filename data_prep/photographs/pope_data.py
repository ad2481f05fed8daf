"""The questions of POPE, or of a file in its form, as data to ask: all of them, about images in a
folder."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pandas as pd

from data_prep.absence.pope import read_pope, with_corrected_labels
from data_prep.errors import UserError
from data_prep.files.tree import Folder, require_own_files
from data_prep.photographs.labels import PRESENCE, LabelQuestions, yes_no_attribute
from data_prep.photographs.photograph_data import photograph_data
from data_prep.questions import Question
from data_prep.scene_data import SceneData
from data_prep.scenes import Photograph


def open_pope(folder: Path, file: Path, corrected: Path | None = None) -> SceneData:
    """The questions of `file` about the images in `folder`; with `corrected`, a file of RePOPE, by
    its labels and without what it leaves out.

    An image is one scene, asked several questions; a study that asks one question of each scene
    chooses among them. An image that is missing is a broken one, unless all are. UserError for any
    fault of the files.
    """
    if not folder.is_dir():
        raise UserError(f"no folder {str(folder)!r}: give the one that holds the images of {file}")
    tree = Folder(folder)
    items = read_pope(file)
    images = sorted(set(items["image"]))
    if not any(map(tree.is_file, images)):
        raise UserError(
            f"{str(folder)!r} must hold the images that {file.name} asks about, all {len(images)} "
            f"missing, first {images[0]!r}: give their folder"
        )
    require_own_files({image: folder / image for image in images})
    if corrected is not None:
        items = with_corrected_labels(items, corrected)
    photographs = [
        Photograph(scene_id=image, image=image, split="", labels={})
        for image in sorted(set(items["image"]))
    ]
    offers = _by_image(items)
    asking = LabelQuestions(
        attributes={PRESENCE: yes_no_attribute(PRESENCE)},
        texts={PRESENCE: ""},
        presence=lambda photograph: offers[photograph.image],
    )
    names = ":".join(each.name for each in (folder.resolve(), file, corrected) if each is not None)
    data = photograph_data(photographs, asking, tree, name=f"pope:{names}")
    asked = sha256(items.to_csv(index=False).encode()).hexdigest()
    fingerprint = sha256(f"{data.fingerprint} {asked}".encode()).hexdigest()
    return replace(data, fingerprint=fingerprint, absence=items)


def _by_image(items: pd.DataFrame) -> dict[str, tuple[Question, ...]]:
    found: dict[str, list[Question]] = {}
    columns = (items[name] for name in ("image", "question", "answer"))
    for image, text, answer in zip(*columns, strict=True):
        asked = Question(attribute=PRESENCE, template="presence", text=text, answer=answer)
        found.setdefault(image, []).append(asked)
    return {image: tuple(each) for image, each in found.items()}
