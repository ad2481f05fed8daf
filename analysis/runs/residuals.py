"""The residuals of one attribute's items under each condition, for readouts that are fitted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from analysis.runs.measure import captured_residuals, forward_passes
from analysis.runs.run_folder import Run
from data_prep.controls import derangement
from data_prep.sources import SceneData

if TYPE_CHECKING:
    from probes.vlm import VLM


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ItemResiduals:
    """At the answer position, one row per item, layers 0..L."""

    real: Float[Tensor, "item layer d_model"]
    blank: Float[Tensor, "item layer d_model"]
    swapped: Float[Tensor, "swap item layer d_model"] | None
    """With other scenes' images; None where every text serves several scenes, since the other
    scenes' `real` are that."""
    swapped_scenes: tuple[tuple[str, ...], ...]
    """Per swap and item, the scene whose image is shown."""

    def shuffled(
        self, items: pd.DataFrame, rng: np.random.Generator
    ) -> tuple[Float[Tensor, "item layer d_model"], Sequence[str]]:
        """Each item's residual with another scene's image, and the scenes that are shown."""
        if self.swapped is not None:
            return self.swapped[0], self.swapped_scenes[0]
        donor: Int[ndarray, " item"] = derangement(items, rng)
        return self.real[donor.tolist()], items["scene_id"].to_numpy()[donor].tolist()


def residuals_of(
    run: Run, data: SceneData, items: pd.DataFrame, load_model: "Callable[[], VLM]"
) -> ItemResiduals:
    """The residuals of all items, from the run's store or captured now."""
    vlm = load_model()
    run.study.require_layers(vlm.n_layers)
    rows = forward_passes(run, items)
    read = captured_residuals(run, data, str(items["attribute"].iloc[0]), rows, vlm)
    place = {row_id: number for number, (row_id, _, _) in enumerate(rows)}
    by_item = [place[f"real:{item_id}"] for item_id in items["item_id"]]
    by_question = [place[f"blank:{question}"] for question in items["question"]]
    swapped, scenes = None, ()
    if len(rows) > len(set(by_item)) + len(set(by_question)):
        swaps = [
            [place[f"swap{swap}:{item_id}"] for item_id in items["item_id"]]
            for swap in range(run.study.swaps)
        ]
        scene_of = dict(zip(items["image"], items["scene_id"], strict=True))
        scenes = tuple(tuple(scene_of[rows[row][1]] for row in swap) for swap in swaps)
        swapped = read[swaps]
    return ItemResiduals(
        real=read[by_item], blank=read[by_question], swapped=swapped, swapped_scenes=scenes
    )
