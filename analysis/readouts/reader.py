"""The interface of every readout: residuals in, a distribution over the answer set out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from analysis.capture.answer_trees import ItemTrees, answer_trees
from analysis.capture.residuals import ItemResiduals, PositionName
from analysis.run.opened import OpenRun

Read = Callable[
    [Float[Tensor, "some place layer d_model"], slice, Sequence[str]],
    Float[ndarray, "some layer answer"],
]
"""A function that gives log2 p over the answer set for a block of items.

Its arguments are the residuals, at the nodes of the answer tree or at a single place; the slice of
all items that this block is; and for each residual the id of the scene that it shows. Of a blank
image this is the scene of the item that it is a control for, so that a fitted readout never reads a
scene that it was fitted on.
"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """What a readout is made from: the items of one attribute, with their residuals."""

    opened: OpenRun
    items: pd.DataFrame
    residuals: ItemResiduals
    folder: Path
    """The folder in which the run keeps what the readout fits."""
    position: PositionName = "answer"
    lens: Path | None = None
    """Folder of a tuned lens that was trained elsewhere; None for one fitted to the run."""
    allow_other_head: bool = False

    @property
    def item_trees(self) -> ItemTrees:
        """How the answers of the items are read through the vocabulary."""
        answers = self.opened.data.answer_set(self.items)
        trees = answer_trees(self.opened, answers, self.items["question"])
        return ItemTrees(trees=trees.of(self.items["question"]), places=self.residuals.real.nodes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A readout of one attribute, ready to read: what it needs to fit is fitted."""

    read: Read
    notes: tuple[str, ...]
    """What the reader of a report should know of this readout."""
    whole: Read | None = None
    """Like `read`, but from the probability of whole words; None where that is not another
    number."""
