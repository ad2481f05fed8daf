"""The residuals of an attribute's items under every condition, captured once per position.

Beside them the run keeps the model's output map and the tokens of the answers: with these, a run
that was captured on one machine is read on another, without the model.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from analysis.runs.command import OpenRun
from analysis.runs.image_survey import image_survey
from analysis.runs.object_places import object_squares
from analysis.runs.passes import BLANK, forward_passes
from data_prep.controls import blank_image, derangement
from data_prep.errors import UserError
from probes.durable import write_durably

if TYPE_CHECKING:  # transformers takes seconds to import, and a captured run does not need it
    from probes.answers import AnswerTokens
    from probes.positions import Position
    from probes.store import ResidualStore
    from probes.unembedding import Unembedding
    from probes.vlm import VLM


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ItemResiduals:
    """One row per item, layers 0..L."""

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


PositionName = Literal["answer", "image", "object"]


def residuals_of(
    opened: OpenRun, items: pd.DataFrame, position: PositionName = "answer"
) -> ItemResiduals:
    """The residuals at a position, from the run's store or captured now.

    "answer": the last of the prompt. "image": the mean over all image tokens. "object": the mean
    over the image tokens that show the object which is asked about.
    """
    by_place = position == "object"
    passes = forward_passes(opened.run, items, blank_per_item=by_place)
    at = read_position(opened, items, position)
    read = stored_passes(opened, items, passes, at, folder=position).read()
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
        swapped = read[torch.tensor(swaps)]
    return ItemResiduals(
        real=read[by_item], blank=read[by_blank], swapped=swapped, swapped_scenes=scenes
    )


def read_position(opened: OpenRun, items: pd.DataFrame, position: PositionName) -> "Position":
    """What a capture reads, by its name."""
    from probes.positions import AnswerPosition, ImageMean, ObjectPatches

    match position:
        case "answer":
            return AnswerPosition()
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
    from probes.capture import row_ids_of
    from probes.store import ResidualStore, digest_of

    run = opened.run
    place = run.residuals(str(items["attribute"].iloc[0]), folder)
    if (place / "manifest.json").exists():
        store = ResidualStore.open(place)
        found = store.spec.study_hash, store.spec.row_ids_sha256, store.spec.position
        wanted = run.study_hash, digest_of(row_ids_of(passes, position)), position.name
        if found == wanted and not store.missing_shards():
            return store
    return _captured(opened, items, passes, position, place)


def output_map(opened: OpenRun) -> "Unembedding":
    """The model's final norm and head, as kept when the residuals were captured."""
    from probes.unembedding import Unembedding

    return Unembedding.load(opened.run.output_map)


def answer_words(opened: OpenRun, attribute: str) -> "AnswerTokens":
    """The tokens of the answers, as kept when the residuals were captured."""
    from probes.answers import AnswerTokens

    file = _words_file(opened, attribute)
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        return AnswerTokens(
            attribute=attribute,
            answers=tuple(kept["token_ids"]),
            token_ids=tuple(map(tuple, kept["token_ids"].values())),
            notes=tuple(kept["notes"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{file} is damaged ({error}): capture again in a new run") from error


def _captured(
    opened: OpenRun,
    items: pd.DataFrame,
    passes: list[tuple[str, str, str]],
    position: "Position",
    place: Path,
) -> "ResidualStore":
    from tqdm import tqdm

    from probes.capture import capture_to_store, row_ids_of, store_spec
    from probes.store import ResidualStore

    run, data, vlm = opened.run, opened.data, opened.load_model()
    run.study.require_layers(vlm.n_layers)
    _keep_output_map(opened, items, vlm)
    spec = store_spec(vlm, passes, study_hash=run.study_hash, position=position)
    store = ResidualStore.open_or_create(place, spec, row_ids_of(passes, position))
    seen = image_survey(run, data)
    blank = blank_image(seen.blank_size, seen.mean_color)

    def open_image(key: str):
        return blank if key == BLANK else data.open_image(key)

    what = f"capture {items['attribute'].iloc[0]}, {place.name}"
    with tqdm(total=len(passes), desc=what, unit="item", disable=None) as bar:
        capture_to_store(vlm, passes, open_image, store, position=position, progress=bar.update)
    return store


def _keep_output_map(opened: OpenRun, items: pd.DataFrame, vlm: "VLM") -> None:
    from probes.answers import answer_tokens

    attribute = str(items["attribute"].iloc[0])
    tokens = answer_tokens(vlm.tokenizer, opened.data.answer_set(items))
    folder = opened.run.output_map
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {folder}: {error.strerror}") from error
    vlm.unembedding.save(folder)
    words = dict(zip(tokens.answers, tokens.token_ids, strict=True))
    content = json.dumps({"notes": tokens.notes, "token_ids": words}, indent=1)
    write_durably(_words_file(opened, attribute), content.encode())


def _words_file(opened: OpenRun, attribute: str) -> Path:
    return opened.run.output_map / f"{attribute}.json"
