"""Questions that a study asks beside those of its items; their residuals are captured once, into
the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from analysis.capture.answer_trees import answer_trees
from analysis.capture.residuals import StoredPasses, stored_words
from analysis.run.opened import OpenRun
from data_prep.attributes import Attribute
from data_prep.errors import UserError
from data_prep.items import attribute_of_items

if TYPE_CHECKING:  # transformers takes seconds to import, and a captured run does not need it
    from probes.residuals.rows import StoredRows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """The residuals at which answers to other questions are read, by the id of the forward pass."""

    stored: StoredPasses
    numbers: Mapping[str, int]
    """The number of each pass in the store, by its id."""

    def rows(self, pass_ids: Sequence[str]) -> "StoredRows":
        """The residuals of these passes, in this order; they stay on disk until they are read."""
        return self.stored.rows([self.numbers[pass_id] for pass_id in pass_ids])


def ask_of(
    opened: OpenRun,
    items: pd.DataFrame,
    passes: list[tuple[str, str, str]],
    words: Attribute,
    *,
    folder: str,
) -> Asked:
    """The residuals at the answers of passes, given as (id, image, question); from the run or
    captured now.

    They are kept at all tokens that the spellings of `words` need, in the run's folder `folder` of
    the attribute of `items`. Its name must tell the questions' texts: other texts need another
    folder. UserError if the residuals are neither kept nor can be captured here.
    """
    place = opened.run.residuals(attribute_of_items(items), folder)
    if not any(place.parent.glob(f"{place.name}*/manifest.json")):
        try:
            opened.load_model()
        except UserError as error:
            raise UserError(
                f"{opened.run.folder} holds no answers to {passes[0][2]!r}, and the model is not "
                f"here ({error}): run this once where it is, and copy the run folder"
            ) from error
    trees = answer_trees(opened, words, (text for _, _, text in passes))
    return Asked(
        stored=stored_words(opened, items, passes, trees, folder=folder),
        numbers={pass_id: number for number, (pass_id, _, _) in enumerate(passes)},
    )
