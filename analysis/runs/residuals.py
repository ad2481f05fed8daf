"""The residuals of an attribute's items under every condition, captured once per position.

Beside them the run keeps the model's output map and the tokens of the answers: with these, a run
that was captured on one machine is read on another, without the model.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import torch
from jaxtyping import Int
from numpy import ndarray

from analysis.runs.command import OpenRun
from analysis.runs.items import chosen_scenes
from analysis.runs.object_places import object_squares
from analysis.runs.passes import BLANK, forward_passes
from data_prep.controls import blank_image, derangement, mean_color
from data_prep.errors import UserError
from data_prep.items import answer_set
from probes.durable import write_durably

if TYPE_CHECKING:  # transformers takes seconds to import, and a captured run does not need it
    from PIL.Image import Image

    from probes.answers import AnswerTokens
    from probes.positions import Position
    from probes.residuals.capture import Engine
    from probes.residuals.rows import StoredRows
    from probes.residuals.store import ResidualStore
    from probes.unembedding import Unembedding
    from probes.vlm import VLM

_TRIAL_PASSES = 256


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

    from probes.residuals.capture import capture_to_store, store_spec
    from probes.residuals.passes import row_ids_of
    from probes.residuals.store import ResidualStore

    run, vlm = opened.run, opened.load_model()
    run.study.require_layers(vlm.n_layers)
    _keep_output_map(opened, items, vlm)
    open_image = _image_opener(opened)
    batch_size = _batch_size(opened, vlm, passes, open_image, position, place)
    spec = store_spec(
        vlm, passes, study_hash=run.study_hash, position=position, batch_size=batch_size
    )
    store = ResidualStore.open_or_create(place, spec, row_ids_of(passes, position))
    what = f"capture {items['attribute'].iloc[0]}, {place.name}"
    with tqdm(total=len(passes), desc=what, unit="item", disable=None) as bar:
        capture_to_store(
            vlm,
            passes,
            open_image,
            store,
            position=position,
            progress=bar.update,
            engine=_engine(opened),
        )
    return store


def _image_opener(opened: OpenRun) -> "Callable[[str], Image]":
    data, scenes = opened.data, chosen_scenes(opened.data, opened.run.study.scenes)
    color = mean_color(data.open_image(scene.image) for scene in scenes)
    blank = blank_image(data.open_image(scenes[0].image).size, color)

    def open_image(key: str) -> "Image":
        return blank if key == BLANK else data.open_image(key)

    return open_image


def _batch_size(
    opened: OpenRun,
    vlm: "VLM",
    passes: list[tuple[str, str, str]],
    open_image: "Callable[[str], Image]",
    position: "Position",
    place: Path,
) -> int:
    from probes.residuals.batch_size import automatic_batch_size, batch_size_of
    from probes.residuals.shards import CaptureJob

    job = CaptureJob(passes=passes, open_image=open_image, batch_size=1, position=position)
    trial = range(min(_TRIAL_PASSES, len(passes)))
    return batch_size_of(opened.batch_size, place, lambda: automatic_batch_size(vlm, job, trial))


def _engine(opened: OpenRun) -> "Engine":
    from probes import load_vlm
    from probes.residuals.capture import local_engine
    from probes.residuals.ray_engine import RayEngine

    if opened.engine == "local":
        return local_engine
    arguments = opened.model_arguments
    return RayEngine(load=partial(load_vlm, **arguments), device=arguments["device"])


def _keep_output_map(opened: OpenRun, items: pd.DataFrame, vlm: "VLM") -> None:
    from probes.answers import answer_tokens

    attribute = str(items["attribute"].iloc[0])
    tokens = answer_tokens(vlm.tokenizer, answer_set(items, attribute))
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
