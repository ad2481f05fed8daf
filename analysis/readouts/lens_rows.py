"""The rows that tuned lenses are trained and judged on: residuals of the items under their own
images, at several positions."""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from analysis.capture.answer_trees import answer_trees
from analysis.capture.residuals import capture_residuals, stored_passes
from analysis.run.items import items_of, labels_of
from analysis.run.opened import OpenRun
from analysis.streams import Stream
from probes.positions import SampledTokens
from probes.translators import ResidualRows

LensPosition = Literal["answer", "text", "image"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LensRows:
    """Residuals of one position, from all attributes that the study trains its lens on."""

    rows: ResidualRows
    right_tokens: tuple[tuple[int, ...], ...] | None
    """For each row the ids of the tokens with which its right answer can begin; None at positions
    where no answer is due."""


def lens_rows(opened: OpenRun, position: LensPosition, tokens_per_item: int = 4) -> LensRows:
    """The rows of one position: the answer positions, or `tokens_per_item` random tokens of the
    text or of the image of each item's prompt."""
    parts, right = [], []
    for name in opened.lens_attributes:
        items = items_of(opened.run, opened.data, name)
        scenes = items["scene_id"].tolist()
        if position == "answer":
            parts.append(ResidualRows.of_stored(capture_residuals(opened, items).real, scenes))
            right += _first_tokens(opened, items)
            continue
        columns = (items[column] for column in ("item_id", "image", "question"))
        passes = [(f"real:{item}", image, text) for item, image, text in zip(*columns, strict=True)]
        seed = int(opened.run.study.rng(Stream.LENS_TOKENS).integers(2**31))
        sample = SampledTokens(kind=position, per_pass=tokens_per_item, seed=seed)
        folder = f"{tokens_per_item}-{position}-tokens"
        store = stored_passes(opened, items, passes, sample, folder=folder)
        of_pass = {pass_id: scene for (pass_id, _, _), scene in zip(passes, scenes, strict=True)}
        scene_of = {row_id: of_pass[row_id.rpartition("#")[0]] for row_id in store.row_ids}
        parts.append(ResidualRows.of_store(store, scene_of))
    return LensRows(
        rows=ResidualRows.joined(parts), right_tokens=tuple(right) if position == "answer" else None
    )


def answer_rows(opened: OpenRun) -> ResidualRows:
    """The rows at all nodes of the answer trees, from the same attributes: the residuals that the
    lens is meant to read."""
    parts = []
    for name in opened.lens_attributes:
        items = items_of(opened.run, opened.data, name)
        rows = capture_residuals(opened, items).real.places()
        per_item = len(rows) // len(items)
        scenes = [scene for scene in items["scene_id"] for _ in range(per_item)]
        parts.append(ResidualRows.of_stored(rows, scenes))
    return ResidualRows.joined(parts)


def _first_tokens(opened: OpenRun, items: pd.DataFrame) -> list[tuple[int, ...]]:
    trees = answer_trees(opened, opened.data.answer_set(items), items["question"])
    pairs = zip(trees.of(items["question"]), labels_of(items, trees.answers), strict=True)
    return [tree.beginnings(int(label)) for tree, label in pairs]
