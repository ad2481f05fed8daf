"""The residuals of an attribute's items under every condition, captured once per position.

A complete store is read without the model; what is missing of one is captured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import torch
from jaxtyping import Int
from numpy import ndarray

from analysis.capture.answer_trees import answer_trees
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
    """One row per item, layers 0..L; on disk until they are read."""

    real: "StoredRows"
    blank: "StoredRows"
    swapped: "tuple[StoredRows, ...] | None"
    """Per swap, with other scenes' images; None where every text serves several scenes, since the
    other scenes' `real` are that."""
    swapped_scenes: tuple[tuple[str, ...], ...]
    """Per swap and item, the scene whose image is shown."""

    def shuffled(
        self, items: pd.DataFrame, rng: np.random.Generator
    ) -> "tuple[StoredRows, Sequence[str]]":
        """Each item's residual with another scene's image, and the scenes that are shown."""
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
) -> ItemResiduals:
    """The residuals at a position, from the run's store or captured now.

    "answer": the last of the prompt, and the other nodes of the answer tree; with `words`, whose
    groups are scored as answers are, all nodes of theirs. "question": the last token of the
    question. "image": the mean over all image tokens. "object": the mean over the image tokens that
    show the object which is asked about. `folder` is that of the store, for items that are not the
    run's own; by default it is named after the position.
    """
    by_place = position == "object"
    passes = forward_passes(opened.run, items, blank_per_item=by_place)
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
    """What a capture reads of these passes, by its name."""
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredPasses:
    """A store of passes, and what is read of each."""

    store: "ResidualStore"
    nodes: "tuple[Node, ...] | None" = None
    """Of an answer tree; None for a position that is no node of one."""

    def rows(self, numbers: Sequence[int]) -> "StoredRows":
        """The first rows of these passes, given by their numbers; on disk until they are read."""
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

    The nodes are those at which the items' answers differ. Those of `words` are found there too
    where they are the same; else they are captured beside them, down to the end of each word.
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
    """The same at all nodes of these trees, in a folder of the nodes' own."""
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
    """The store of what is read of these passes, complete: captured now as far as it is not."""
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
    return captured(opened, items, passes, position, place)
