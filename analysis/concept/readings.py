"""How probable each layer makes a concept's words as answer to an open question, image by image."""

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from numpy import ndarray

from analysis.capture.other_questions import ask_of
from analysis.capture.passes import BLANK
from analysis.readouts.word_readings import word_readings
from analysis.run.items import items_of
from analysis.run.opened import OpenRun
from data_prep.attributes import Attribute, attribute_of
from data_prep.errors import UserError
from data_prep.photographs.image_folder import SHOWN

if TYPE_CHECKING:  # torch takes seconds to import, and a finished run does not need it
    from probes.residuals.rows import StoredRows

CONCEPT, AGAINST = "concept", "against"
LEAST_IMAGES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ConceptReadings:
    """The scores of a concept's words, in bits; every image is a scene."""

    items: pd.DataFrame
    own: Bool[ndarray, " item"]
    """Whether the image is of the own folder (and not of the contrast)."""
    score: Float[ndarray, "item layer"]
    """log2 p(words) over the vocabulary, or log2 of the odds of the words against the others, read
    where their spellings part."""
    blank: Float[ndarray, " layer"]
    """The score under the blank image: one for all images, since the question is the same."""
    notes: tuple[str, ...]


def concept_words(words: tuple[str, ...], against: tuple[str, ...]) -> Attribute:
    """The words as groups to be scored. UserError for none, an empty one, or one in both."""
    groups: dict[str, tuple[str, ...]] = {}
    for name, given in ((CONCEPT, words), (AGAINST, against)):
        said = tuple(dict.fromkeys(" ".join(word.lower().split()) for word in given))
        if not all(said) or (name == CONCEPT and not said):
            option = "--words" if name == CONCEPT else "--against"
            raise UserError(f"{option} needs words, got {list(given)}: name at least one")
        if said:
            groups[name] = said
    return attribute_of(CONCEPT, groups)


def concept_items(opened: OpenRun) -> pd.DataFrame:
    """All images of both folders. UserError without a contrast, or for too small a folder."""
    if SHOWN not in opened.data.attributes:
        raise UserError(
            f"a concept is asked of two folders, got {opened.data.name}: give "
            "--data images:FOLDER --contrast FOLDER"
        )
    items = items_of(opened.run, opened.data, SHOWN)
    for answer, which in (("yes", "own"), ("no", "contrast")):
        n_images = items["answer"].tolist().count(answer)
        if n_images < LEAST_IMAGES:
            raise UserError(
                f"each folder needs at least {LEAST_IMAGES} images, got {n_images} in the "
                f"{which} one: add some"
            )
    return items


def concept_residuals(
    opened: OpenRun, items: pd.DataFrame, question: str, groups: Attribute
) -> "tuple[StoredRows, StoredRows]":
    """The residuals where answers to the open question are read: those of every item, and that of
    the blank image."""
    columns = items["item_id"].tolist(), items["image"].tolist()
    passes = [(f"open:{item}", image, question) for item, image in zip(*columns, strict=True)]
    blank = ("open:blank image", BLANK, question)
    folder = f"open-{sha256(question.encode()).hexdigest()[:12]}"
    asked = ask_of(opened, items, [*passes, blank], groups, folder=folder)
    return asked.rows([each for each, _, _ in passes]), asked.rows([blank[0]])


def concept_readings(
    opened: OpenRun, items: pd.DataFrame, question: str, groups: Attribute
) -> ConceptReadings:
    """The scores of all items, captured now or read from the run. UserError for words that the
    tokenizer cannot tell apart."""
    real, blank = concept_residuals(opened, items, question, groups)
    asked = items.assign(question=question)
    shown, notes = _scores(opened, asked, real, groups)
    without, _ = _scores(opened, asked.iloc[:1], blank, groups)
    return ConceptReadings(
        items=items,
        own=np.array(items["answer"] == "yes"),
        score=shown,
        blank=without[0],
        notes=notes,
    )


def _scores(
    opened: OpenRun, items: pd.DataFrame, rows: "StoredRows", groups: Attribute
) -> tuple[Float[ndarray, "item layer"], tuple[str, ...]]:
    read = word_readings(opened, items, rows, groups)
    if AGAINST in read.words:
        return read.share_of(CONCEPT) - read.share_of(AGAINST), read.notes
    return read.of(CONCEPT), read.notes
