"""The same items asked with "3D" in the question, so that the answer should be a solid and not a
flat figure."""

import re
from hashlib import sha256
from typing import TYPE_CHECKING

import pandas as pd

from analysis.capture.other_questions import ask_of
from analysis.run.opened import OpenRun
from data_prep.attributes import Attribute
from data_prep.errors import UserError
from data_prep.items import attribute_of_items

if TYPE_CHECKING:  # transformers takes seconds to import, and a captured run does not need it
    from probes.residuals.rows import StoredRows

_SAID = "3D"


def with_3d(question: str, attribute: str) -> str:
    """The question with "3D" before the attribute's name: "What 3D shape is the red thing?".

    UserError for a text that does not name its attribute.
    """
    words = re.escape(attribute.replace("_", " "))
    named = re.search(rf"\b{words}\b", question, re.IGNORECASE)
    if named is None:
        raise UserError(
            f"--say-3d puts {_SAID} before the attribute's name, got the question {question!r} "
            f"without {attribute!r}: leave --say-3d out"
        )
    rest = question[named.start() :]
    if named.start() == 0:  # "Shape of the main object:"
        rest = rest[0].lower() + rest[1:]
    return f"{question[: named.start()]}{_SAID} {rest}"


def items_with_3d(items: pd.DataFrame) -> pd.DataFrame:
    """The items with their changed questions."""
    attribute = attribute_of_items(items)
    return items.assign(question=[with_3d(text, attribute) for text in items["question"]])


def rows_with_3d(opened: OpenRun, items: pd.DataFrame, words: Attribute) -> "StoredRows":
    """The residuals where answers to the changed questions are read, one row per item of `items`,
    at all tokens that the spellings of `words` need."""
    columns = [items[name].tolist() for name in ("item_id", "image", "question")]
    passes = [(f"say-3d:{item}", image, text) for item, image, text in zip(*columns, strict=True)]
    texts = "\n".join(sorted({text for _, _, text in passes}))
    folder = f"say-3d-{sha256(texts.encode()).hexdigest()[:12]}"
    asked = ask_of(opened, items, passes, words, folder=folder)
    return asked.rows([each for each, _, _ in passes])
