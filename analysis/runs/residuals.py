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

from analysis.runs.captures import captured
from analysis.runs.command import OpenRun
from analysis.runs.object_places import object_squares
from analysis.runs.passes import forward_passes
from data_prep.controls import derangement

if TYPE_CHECKING:  # transformers takes seconds to import, and a captured run does not need it
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


def residuals_of(
    opened: OpenRun, items: pd.DataFrame, position: PositionName = "answer"
) -> ItemResiduals:
    """The residuals at a position, from the run's store or captured now.

    "answer": the last of the prompt. "question": the last token of the question. "image": the mean
    over all image tokens. "object": the mean over the image tokens that show the object which is
    asked about.
    """
    from probes.residuals.rows import StoredRows

    by_place = position == "object"
    passes = forward_passes(opened.run, items, blank_per_item=by_place)
    at = read_position(opened, items, position, passes)
    store = stored_passes(opened, items, passes, at, folder=position)

    def rows(numbers: list[int]) -> StoredRows:
        return StoredRows(store=store, rows=torch.tensor(numbers, dtype=torch.int64))

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
            return AnswerPosition()
        case "question":
            return QuestionEnd(questions={pass_id: text for pass_id, _, text in passes})
        case "image":
            return ImageMean()
        case "object":
            return ObjectPatches(squares=object_squares(opened, items))


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
    place = run.residuals(str(items["attribute"].iloc[0]), folder)
    if (place / "manifest.json").exists():
        store = ResidualStore.open(place)
        found = store.spec.study_hash, store.spec.row_ids_sha256, store.spec.position
        wanted = run.study_hash, digest_of(row_ids_of(passes, position)), position.name
        if found == wanted and not store.missing_shards():
            return store
    return captured(opened, items, passes, position, place)
