"""The residuals of an attribute's items under every condition, captured once per position.

A complete store is read without the model; passes that a store lacks are captured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import torch
from jaxtyping import Int
from numpy import ndarray

from analysis.capture.answer_trees import answer_trees, expected_trees
from analysis.capture.captures import captured
from analysis.capture.object_places import object_squares
from analysis.capture.passes import forward_passes
from analysis.run.opened import OpenRun
from data_prep.attributes import Attribute
from data_prep.controls import derangement
from data_prep.items import attribute_of_items

if TYPE_CHECKING:  # transformers takes seconds to import, and a captured run does not need it
    from probes.answers.tree import Node
    from probes.answers.trees import AnswerTrees
    from probes.positions import Position
    from probes.residuals.rows import StoredRows
    from probes.residuals.store import ResidualStore


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ItemResiduals:
    """The residuals of some items under each condition: one row per item, layers 0 to L. They stay
    on disk until they are read."""

    real: "StoredRows"
    blank: "StoredRows"
    swapped: "tuple[StoredRows, ...] | None"
    """One entry per swap: the residuals of the same questions with other scenes' images. None where
    every question text serves several scenes, since the `real` residuals of those scenes do for
    that."""
    swapped_scenes: tuple[tuple[str, ...], ...]
    """The id of the scene whose image is shown, per swap and item."""

    def shuffled(
        self, items: pd.DataFrame, rng: np.random.Generator
    ) -> "tuple[StoredRows, Sequence[str]]":
        """Each item's residual with another scene's image, and the ids of the scenes that are
        shown."""
        if self.swapped is not None:
            return self.swapped[0], self.swapped_scenes[0]
        donor: Int[ndarray, " item"] = derangement(items, rng)
        return self.real.select(donor.tolist()), items["scene_id"].to_numpy()[donor].tolist()


PositionName = Literal["answer", "question", "image", "object"]


def capture_residuals(
    opened: OpenRun,
    items: pd.DataFrame,
    position: PositionName = "answer",
    *,
    words: Attribute | None = None,
    folder: str | None = None,
    shuffled: bool = True,
) -> ItemResiduals:
    """The residuals at a position, from the run's store or captured now.

    "answer": the last of the prompt, and the other nodes of the answer tree; with `words`, whose
    groups are scored as answers are, all nodes of theirs. "question": the last token of the
    question. "image": the mean over all image tokens. "object": the mean over the image tokens that
    show the object which is asked about. `folder` is that of the store, for items that are not the
    run's own; by default it is named after the position. Without `shuffled` there are no passes
    for a shuffled control.
    """
    by_place = position == "object"
    passes = forward_passes(opened.run, items, blank_per_item=by_place, shuffled=shuffled)
    if position == "answer":
        stored = stored_answers(opened, items, passes, words, folder=folder or "answer")
    else:
        at = read_position(opened, items, position, passes)
        store = stored_passes(opened, items, passes, at, folder=folder or position)
        stored = StoredPasses(store=store)
    rows = stored.rows
    place = {row_id: number for number, (row_id, _, _) in enumerate(passes)}
    by_item = [place[f"real:{item_id}"] for item_id in items["item_id"]]
    blank_of = items["item_id" if by_place else "question"]
    by_blank = [place[f"blank:{each}"] for each in blank_of]
    swapped, scenes = None, ()
    if len(passes) > len(set(by_item)) + len(set(by_blank)):
        swaps = [
            [place[f"swap{swap}:{item_id}"] for item_id in items["item_id"]]
            for swap in range(opened.run.study.swaps)
        ]
        scene_of = dict(zip(items["image"], items["scene_id"], strict=True))
        scenes = tuple(tuple(scene_of[passes[row][1]] for row in swap) for swap in swaps)
        swapped = tuple(rows(swap) for swap in swaps)
    return ItemResiduals(
        real=rows(by_item), blank=rows(by_blank), swapped=swapped, swapped_scenes=scenes
    )


def read_position(
    opened: OpenRun,
    items: pd.DataFrame,
    position: PositionName,
    passes: Sequence[tuple[str, str, str]],
) -> "Position":
    """The position that a capture of these passes reads, found by its name."""
    from probes.positions import AnswerPosition, ImageMean, ObjectPatches, QuestionEnd

    match position:
        case "answer":
            return AnswerPosition()  # without forced tokens: see `stored_answers`
        case "question":
            return QuestionEnd(questions={pass_id: text for pass_id, _, text in passes})
        case "image":
            return ImageMean()
        case "object":
            return ObjectPatches(squares=object_squares(opened, items))


def expected_position(
    opened: OpenRun,
    items: pd.DataFrame,
    position: PositionName,
    passes: Sequence[tuple[str, str, str]],
) -> "Position":
    """The position that `capture_residuals` reads, nodes of the answer tree included. Nothing is
    written."""
    if position != "answer":
        return read_position(opened, items, position, passes)
    answers = opened.data.answer_set(items)
    trees = expected_trees(opened, answers, (text for _, _, text in passes))
    return _position_of(trees, trees.places(whole=opened.run.study.whole_words), passes)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredPasses:
    """A store of the residuals of forward passes, and the places at which each pass is read."""

    store: "ResidualStore"
    nodes: "tuple[Node, ...] | None" = None
    """The nodes of an answer tree that are stored of each pass; None if the position is no such
    node."""

    def rows(self, numbers: Sequence[int]) -> "StoredRows":
        """The residuals of the passes with these numbers; they stay on disk until they are read."""
        from probes.residuals.rows import StoredRows

        first = torch.tensor(numbers, dtype=torch.int64) * self.store.spec.per_pass
        if self.nodes is None:
            return StoredRows(store=self.store, rows=first)
        return StoredRows(store=self.store, rows=first, nodes=self.nodes)


def stored_answers(
    opened: OpenRun,
    items: pd.DataFrame,
    passes: list[tuple[str, str, str]],
    words: Attribute | None = None,
    *,
    folder: str = "answer",
) -> StoredPasses:
    """The residuals of these passes at the nodes of an answer tree, captured now if need be.

    The nodes are those at which the items' answers differ. If the groups of `words` differ at the
    same nodes, they are read there too; otherwise all nodes of `words` are captured beside them,
    down to the end of each word.
    """
    answers = opened.data.answer_set(items)
    trees = answer_trees(opened, answers, (text for _, _, text in passes))
    nodes = trees.places(whole=opened.run.study.whole_words)
    if words is not None:
        other = answer_trees(opened, words, (text for _, _, text in passes))
        if not set(other.places(whole=True)) <= set(nodes):
            return stored_words(opened, items, passes, other, folder="words")
    at = _position_of(trees, nodes, passes)
    return StoredPasses(store=stored_passes(opened, items, passes, at, folder=folder), nodes=nodes)


def stored_words(
    opened: OpenRun,
    items: pd.DataFrame,
    passes: list[tuple[str, str, str]],
    trees: "AnswerTrees",
    *,
    folder: str,
) -> StoredPasses:
    """The residuals of these passes at all nodes of these answer trees, captured now if need be.
    They are kept in a folder that is named after `folder` and the nodes."""
    nodes = trees.places(whole=True)
    at = _position_of(trees, nodes, passes)
    if len(nodes) > 1:
        folder = f"{folder}-{at.name.rpartition(' ')[2]}"
    return StoredPasses(store=stored_passes(opened, items, passes, at, folder=folder), nodes=nodes)


def _position_of(
    trees: "AnswerTrees", nodes: "tuple[Node, ...]", passes: Sequence[tuple[str, str, str]]
) -> "Position":
    from probes.positions import AnswerPosition
    from probes.residuals.answer_nodes import AnswerNodes

    if len(nodes) == 1:
        return AnswerPosition()
    ends = {pass_id: trees.by_question[text].prompt_end for pass_id, _, text in passes}
    return AnswerNodes(nodes=nodes, prompt_ends=ends)


def stored_passes(
    opened: OpenRun,
    items: pd.DataFrame,
    passes: list[tuple[str, str, str]],
    position: "Position",
    *,
    folder: str,
) -> "ResidualStore":
    """The store of the residuals of these passes at `position`, complete: those it lacks are
    captured now."""
    from probes.residuals.passes import row_ids_of
    from probes.residuals.spec import digest_of
    from probes.residuals.store import ResidualStore

    run = opened.run
    place = run.residuals(attribute_of_items(items), folder)
    if (place / "manifest.json").exists():
        store = ResidualStore.open(place)
        found = store.spec.study_hash, store.spec.row_ids_sha256, store.spec.position
        wanted = run.study_hash, digest_of(row_ids_of(passes, position)), position.name
        if found == wanted and not store.missing_shards():
            return store
    vlm = opened.load_model()
    for question in dict.fromkeys(question for _, _, question in passes):
        vlm.prompt(question)  # refuses control tokens now, and not in the middle of the work
    return captured(opened, items, passes, position, place)
