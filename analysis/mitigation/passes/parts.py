"""The items on which methods are tuned, and those on which they are judged."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from torch import Tensor

from analysis.absence.passes import Condition, Passes, passes_of
from analysis.absence.questions import Questions
from analysis.run.opened import OpenRun
from analysis.streams import Stream
from data_prep.attributes import stream_key
from data_prep.errors import UserError
from probes.answers.tree import different, places_of

if TYPE_CHECKING:
    from probes.answers.tree import AnswerTree, Node

_LEAST_GROUPS = 8


class PartTooSmall(UserError):
    """A part that lacks things that are there, or things that are not, or groups of scenes."""


_SHARED: tuple[Condition, ...] = ("real", "blank", "other")
"""Conditions whose passes are made for all items, since other parts and studies need them too."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """Some items of some questions, and the passes over them."""

    opened: OpenRun
    whole: Questions
    rows: Int[ndarray, " item"]
    """Which of the items."""
    questions: Questions = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "questions", self.whole.part(self.rows))

    def __len__(self) -> int:
        return len(self.rows)

    def passes(self, condition: Condition) -> Passes:
        """The passes of a condition over these items, from the run or captured now."""
        if condition not in _SHARED:
            return passes_of(self.opened, self.questions, condition)
        found = passes_of(self.opened, self.whole, condition)
        return Passes(
            rows=found.rows.select(self.rows.tolist()),
            trees=tuple(found.trees[row] for row in self.rows.tolist()),
            n_passes=found.n_passes,
        )

    def last(self, condition: Condition) -> Float[Tensor, "item place d_model"]:
        """The last residuals of a condition at the nodes of the answers."""
        rows = self.passes(condition).rows
        places = [rows.nodes.index(node) for node in self.nodes]
        return torch.cat([block[:, places, -1] for _, block in rows.place_blocks()])

    @property
    def trees(self) -> "tuple[AnswerTree, ...]":
        return self.passes("real").trees

    @property
    def nodes(self) -> "tuple[Node, ...]":
        """The nodes at which the answers of these items differ; no others are read."""
        return places_of(different(self.trees))

    @property
    def right_answer(self) -> Int[ndarray, " item"]:
        return self.questions.right_answer

    @property
    def absent(self) -> Bool[ndarray, " item"]:
        return self.questions.absent


def two_parts(
    opened: OpenRun, questions: Questions, *, tuned_on: Collection[str] = ()
) -> tuple[Part, Part]:
    """The items to tune on and the items to judge by: a third of the groups of scenes, drawn at
    random, and the rest.

    Groups with a scene in `tuned_on`, on which something is tuned elsewhere, are not among those to
    judge by, and fill the third first. PartTooSmall, which is a UserError, if either part lacks
    things that are there, or things that are not.
    """
    groups = questions.groups
    names = np.unique(groups)
    rng = opened.run.study.rng(Stream.MITIGATION_SPLIT, stream_key(questions.name))
    seen = set(groups[questions.items["scene_id"].isin(list(tuned_on))].tolist())
    order = sorted(rng.permutation(names).tolist(), key=lambda group: group not in seen)
    tuned = np.isin(groups, order[: max(len(names) // 3, len(seen))])
    found = []
    for name, rows in (("tuning", np.flatnonzero(tuned)), ("judging", np.flatnonzero(~tuned))):
        part = Part(opened=opened, whole=questions, rows=rows)
        if len(set(part.absent.tolist())) < 2 or part.questions.n_groups < _LEAST_GROUPS:
            raise PartTooSmall(
                f"the part for {name} needs things that are there and things that are not, and "
                f"{_LEAST_GROUPS} groups of scenes, got {int(part.absent.sum())} absent among "
                f"{len(part)} questions in {part.questions.n_groups} groups: ask about more scenes"
            )
        found.append(part)
    return found[0], found[1]
