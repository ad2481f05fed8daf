"""The one form of every readout: residuals in, a distribution over the answer set out."""

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
"""log2 p over the answer set of some items. Places are the nodes of the answer tree, or a single
one; the slice says which of the items these are; the scenes are those that each residual shows; of
a blank image, the scene whose item it is a control of: a fitted readout never reads a scene that it
was fitted on."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """What a readout is made for: the items of one attribute, with their residuals."""

    opened: OpenRun
    items: pd.DataFrame
    residuals: ItemResiduals
    folder: Path
    """Where the run keeps what the readout fits."""
    position: PositionName = "answer"
    lens: Path | None = None
    """Folder of a tuned lens trained elsewhere."""
    allow_other_head: bool = False

    @property
    def item_trees(self) -> ItemTrees:
        """How the answers of the items are read through the vocabulary."""
        answers = self.opened.data.answer_set(self.items)
        trees = answer_trees(self.opened, answers, self.items["question"])
        return ItemTrees(trees=trees.of(self.items["question"]), places=self.residuals.real.nodes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A readout of one attribute, fitted if need be."""

    read: Read
    notes: tuple[str, ...]
    """What the reader of a report should know of it."""
    whole: Read | None = None
    """The same from the probability of whole words, where it differs."""
