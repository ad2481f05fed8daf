"""From a study to scores: items, residuals and readouts of one attribute, each made once.

Every stage leaves a file in the run. A stage whose file is there is not run again, so a killed
study goes on where it stopped, and the model is only loaded if some residual is missing.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy import ndarray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from analysis.runs.run_folder import Run
from data_prep.controls import blank_image, derangement, mean_color, strata
from data_prep.errors import UserError
from data_prep.items import answer_set, build_items
from data_prep.scenes import Scene
from data_prep.sources import SceneData
from probes.durable import write_durably

if TYPE_CHECKING:  # torch takes seconds to import, and a finished run does not need it
    from probes.vlm import VLM

_MIN_SCENES = 10
_BLANK_KEY = "blank"
_ITEMS_STREAM, _SWAPS_STREAM = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What a readout says, item by item, under every condition: log2 p over the answer set."""

    items: pd.DataFrame
    answers: tuple[str, ...]
    """The answer axis."""
    answer_index: Int[ndarray, " item"]
    real: Float[ndarray, "item layer answer"]
    blank: Float[ndarray, "item layer answer"]
    swapped: Float[ndarray, "swap item layer answer"] | None
    """The same question with another scene's image; None where every text serves several scenes,
    since the other scenes' `real` are that."""
    notes: tuple[str, ...]
    """What the reader should know of how the answers were scored."""


def chosen_scenes(data: SceneData, limit: int | None) -> Sequence[Scene]:
    """The scenes of a study: the first `limit` in the order of their ids."""
    ordered = sorted(data.scenes, key=lambda scene: scene.scene_id)
    if limit is not None and limit > len(ordered):
        raise UserError(
            f"{data.name} has {len(ordered)} scenes, got --scenes {limit}: ask for fewer"
        )
    return ordered[:limit]


def items_of(run: Run, data: SceneData, attribute: str) -> pd.DataFrame:
    """The items of one attribute, from the run or built now."""
    table = run.read_table("items")
    if table is not None and (own := table.loc[table["attribute"] == attribute]).size:
        return own.reset_index(drop=True)
    items = build_items(
        chosen_scenes(data, run.study.scenes),
        [attribute],
        rng=run.study.rng(_ITEMS_STREAM),
        questions=run.study.questions,
        min_scenes_per_text=run.study.min_scenes_per_text,
    )
    run.replace_rows("items", items, key=["attribute"])
    return items


def require_enough(items: pd.DataFrame) -> None:
    """UserError if the statistics could say nothing about these items: before any model work."""
    n_scenes = len(set(items["scene_id"]))
    if n_scenes < _MIN_SCENES:
        raise UserError(
            f"the statistics need at least {_MIN_SCENES} scenes, got {n_scenes}: use more scenes"
        )
    if len(set(items["answer"])) < 2:
        raise UserError(
            f"need at least 2 different answers, every item's is {items['answer'].iloc[0]!r}: "
            "use more scenes"
        )


def logit_lens_readings(
    run: Run, data: SceneData, attribute: str, load_model: Callable[[], "VLM"]
) -> Readings:
    """Readings of the logit lens; captures the residuals it needs if they are not there."""
    items = items_of(run, data, attribute)
    require_enough(items)
    known = answer_set(items, attribute)
    file = run.readouts("logit_lens") / f"{attribute}.safetensors"
    if not file.exists():
        _read_logit_lens(run, data, items, load_model)
    try:
        tensors = load_file(file)
        notes = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))["notes"]
        wanted = (len(items), tensors["blank"].shape[1], len(known.answers))
        for name, tensor in tensors.items():
            if tensor.shape[-3:] != wanted:
                raise ValueError(f"{name} has shape {tensor.shape}, not {wanted}")
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file} is damaged ({error}): delete it and run again") from error
    return Readings(
        items=items,
        answers=known.answers,
        answer_index=np.array([known.answers.index(answer) for answer in items["answer"]]),
        real=tensors["real"],
        blank=tensors["blank"],
        swapped=tensors.get("swapped"),
        notes=tuple(notes),
    )


def _read_logit_lens(
    run: Run, data: SceneData, items: pd.DataFrame, load_model: Callable[[], "VLM"]
) -> None:
    from probes.answers import answer_tokens
    from probes.logit_lens import answer_log_probs

    attribute = str(items["attribute"].iloc[0])
    vlm = load_model()
    run.study.require_layers(vlm.n_layers)
    tokens = answer_tokens(vlm.tokenizer, answer_set(items, attribute))
    rows = forward_passes(run, items)
    residuals = captured_residuals(run, data, attribute, rows, vlm)
    read = answer_log_probs(residuals, vlm.unembedding, tokens)
    place = {row_id: number for number, (row_id, _, _) in enumerate(rows)}
    by_item = [place[f"real:{item_id}"] for item_id in items["item_id"]]
    by_question = [place[f"blank:{question}"] for question in items["question"]]
    tensors = {"real": read[by_item], "blank": read[by_question]}
    if len(rows) > len(set(by_item)) + len(set(by_question)):
        swaps = [
            [place[f"swap{swap}:{item_id}"] for item_id in items["item_id"]]
            for swap in range(run.study.swaps)
        ]
        tensors["swapped"] = read[np.array(swaps)]
    folder = run.readouts("logit_lens")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {folder}: {error.strerror}") from error
    vlm.unembedding.save(folder)
    words = dict(zip(tokens.answers, tokens.token_ids, strict=True))
    description = {"notes": tokens.notes, "token_ids": words}
    write_durably(folder / f"{attribute}.json", json.dumps(description, indent=1).encode())
    write_durably(folder / f"{attribute}.safetensors", save(tensors))


def forward_passes(run: Run, items: pd.DataFrame) -> list[tuple[str, str, str]]:
    """(row id, image, question) of every forward pass that the attribute needs."""
    columns = [items[name].tolist() for name in ("item_id", "image", "question")]
    rows = [(f"real:{item}", image, text) for item, image, text in zip(*columns, strict=True)]
    texts = sorted(set(columns[2]))
    rows += [(f"blank:{text}", _BLANK_KEY, text) for text in texts]
    scenes_of = items["scene_id"].groupby(strata(items))
    if all(len(set(scenes)) > 1 for _, scenes in scenes_of):
        return rows
    # A text that serves one scene has no other residual to borrow: its images are swapped, among
    # scenes with as many objects, so that the swap takes away the content and nothing else.
    alike = items.assign(question=_about_as_many_objects(items))
    for swap in range(run.study.swaps):
        donors = derangement(alike, run.study.rng(_SWAPS_STREAM, swap))
        rows += [
            (f"swap{swap}:{item}", columns[1][donor], text)
            for item, donor, text in zip(columns[0], donors, columns[2], strict=True)
        ]
    return rows


def _about_as_many_objects(items: pd.DataFrame) -> pd.Series:
    """A group for every item: scenes with as many objects, and never a single scene.

    A scene that alone has so many objects joins those with the nearest smaller number, or else
    the nearest larger.
    """
    objects_of = dict(zip(items["scene_id"], items["n_objects"], strict=True))
    left, group, size = len(objects_of), 0, 0
    group_of: dict[int, str] = {}
    for n_objects, n_scenes in sorted(Counter(objects_of.values()).items()):
        group_of[n_objects] = f"group {group}"
        size, left = size + n_scenes, left - n_scenes
        if size > 1 and left > 1:
            group, size = group + 1, 0
    return pd.Series([group_of[number] for number in items["n_objects"]], index=items.index)


def captured_residuals(
    run: Run, data: SceneData, attribute: str, rows: Sequence[tuple[str, str, str]], vlm: "VLM"
):
    """Residuals of these forward passes, from the run's store; captures what is not there."""
    from tqdm import tqdm

    from probes.capture import capture_to_store, store_spec
    from probes.store import ResidualStore

    ids = [row_id for row_id, _, _ in rows]
    store = ResidualStore.open_or_create(
        run.residuals(attribute), store_spec(vlm, ids, study_hash=run.study_hash), ids
    )
    if store.missing_shards():
        scenes = chosen_scenes(data, run.study.scenes)
        color = mean_color(data.open_image(scene.image) for scene in scenes)
        blank = blank_image(data.open_image(scenes[0].image).size, color)

        def open_image(key: str):
            return blank if key == _BLANK_KEY else data.open_image(key)

        with tqdm(total=len(rows), desc=f"capture {attribute}", unit="item", disable=None) as bar:
            capture_to_store(vlm, rows, open_image, store, progress=bar.update)
    return store.read()
