"""What linear probes read, in the form of any other readout, and what they are to be held against.

All is cross-fitted by scene on the same folds: an item is scored by a probe that has never seen
its scene, the real task, its controls and its baselines alike.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save
from torch import Tensor

from analysis.runs.measure import Readings, items_of, require_enough
from analysis.runs.residuals import ItemResiduals, residuals_of
from analysis.runs.run_folder import Run
from data_prep.attributes import ATTRIBUTES
from data_prep.errors import UserError
from data_prep.items import answer_set
from data_prep.sources import SceneData
from probes.durable import write_durably
from probes.linear_probe import control_labels, cross_fit
from probes.linear_probe.baselines import (
    image_features,
    pixel_features,
    randomly_initialised,
    word_features,
)
from probes.scores import Scores, item_scores

if TYPE_CHECKING:
    from probes.vlm import VLM

READOUT = "linear_probe"
_CONTROL_TASK, _SHUFFLED = range(2)
_STAGE = 3
_IMAGES_AT_ONCE = 64
_NOTE = "linear probes are cross-fitted by scene: each item is read by one that has not seen it"


def linear_probe_readings(
    run: Run, data: SceneData, attribute: str, load_model: "Callable[[], VLM]"
) -> Readings:
    """Readings of the linear probe, from the run or fitted now; the probes are kept beside them."""
    items = items_of(run, data, attribute)
    require_enough(items)
    answers = answer_set(items, attribute).answers
    file = run.readouts(READOUT) / f"{attribute}.safetensors"
    if not file.exists():
        _fit(run, items, residuals_of(run, data, items, load_model), load_model())
    try:
        tensors = load_file(file)
        for name, tensor in tensors.items():
            if (tensor.shape[-3], tensor.shape[-1]) != (len(items), len(answers)):
                raise ValueError(f"{name} has shape {tensor.shape}")
        return Readings(
            items=items,
            answers=answers,
            answer_index=labels_of(items, answers),
            real=tensors["real"],
            blank=tensors["blank"],
            swapped=tensors.get("swapped"),
            notes=(_NOTE,),
        )
    except (SafetensorError, OSError, ValueError, KeyError, IndexError) as error:
        raise UserError(f"{file} is damaged ({error}): delete it and run again") from error


def labels_of(items: pd.DataFrame, answers: Sequence[str]) -> Int[ndarray, " item"]:
    """Each item's answer as an index into the answer set."""
    return np.array([answers.index(answer) for answer in items["answer"]], dtype=np.int64)


def _fit(run: Run, items: pd.DataFrame, residuals: ItemResiduals, vlm: "VLM") -> None:
    attribute = str(items["attribute"].iloc[0])
    answers, scenes = answer_set(items, attribute).answers, items["scene_id"].tolist()
    about = {"model_revision": vlm.revision, "attribute": attribute, "position": "answer"}
    probe = cross_fit(
        residuals.real, labels_of(items, answers), scenes=scenes, answers=answers, about=about
    )
    tensors = {
        "real": probe.log_probs(residuals.real, scenes=scenes),
        "blank": probe.log_probs(residuals.blank, scenes=scenes),
    }
    if residuals.swapped is not None:
        # Read by the probe that has not seen the scene which is shown: what a probe has learned
        # by heart of a training image would count against its other questions.
        swaps = zip(residuals.swapped, residuals.swapped_scenes, strict=True)
        tensors["swapped"] = np.stack([probe.log_probs(each, scenes=s) for each, s in swaps])
    folder = run.readouts(READOUT)
    try:
        probe.save(folder / attribute)
    except OSError as error:
        raise UserError(f"cannot make the folder {folder}: {error.strerror}") from error
    write_durably(folder / f"{attribute}.json", json.dumps({"notes": [_NOTE]}).encode())
    write_durably(folder / f"{attribute}.safetensors", save(tensors))


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Held-out scores of probes fitted on something else than labels from residuals."""

    name: str
    by_layer: bool
    """Whether the scores have a column per layer, or a single one for what has no layers."""
    scores: Scores


def comparisons(
    run: Run, data: SceneData, readings: Readings, residuals: ItemResiduals, vlm: "VLM"
) -> Iterator[Compared]:
    """Control task, controls and baselines, one after the other, on the folds of the probe."""
    items, labels = readings.items, readings.answer_index
    scenes: list[str] = items["scene_id"].tolist()

    def held_out(
        name: str,
        features: Float[Tensor, "item layer d_model"],
        *,
        target: Int[ndarray, " item"] = labels,
        shown: Sequence[str] = scenes,
        by_layer: bool = True,
    ) -> Compared:
        probe = cross_fit(features, target, scenes=shown, answers=readings.answers)
        scores = item_scores(probe.log_probs(features, scenes=shown), target)
        return Compared(name=name, by_layer=by_layer, scores=scores)

    study, key = run.study, ATTRIBUTES.index(str(items["attribute"].iloc[0]))
    types = (items["question"] + " " + items["answer"]).tolist()
    rng = study.rng(_STAGE, key, _CONTROL_TASK)
    control = control_labels(types, labels, n_answers=len(readings.answers), rng=rng)
    yield held_out("control task", residuals.real, target=control)
    shuffled, shown = residuals.shuffled(items, study.rng(_STAGE, key, _SHUFFLED))
    yield held_out("shuffled images", shuffled, shown=shown)
    yield held_out("blank images", residuals.blank)
    yield held_out("random weights", _random_residuals(data, items, vlm))
    for name, features in _baseline_features(data, items, vlm):
        yield held_out(name, torch.from_numpy(features)[:, None], by_layer=False)


def _random_residuals(
    data: SceneData, items: pd.DataFrame, vlm: "VLM"
) -> Float[Tensor, "item layer d_model"]:
    copy = randomly_initialised(vlm)
    parts = [
        copy.capture([data.open_image(image) for image in part["image"]], part["question"].tolist())
        for part in _parts(items)
    ]
    return torch.cat(parts).cpu()


def _baseline_features(
    data: SceneData, items: pd.DataFrame, vlm: "VLM"
) -> Iterator[tuple[str, Float[ndarray, "item value"]]]:
    """Features without the decoder; those of the image come with the words of the question."""
    words = word_features(items["question"].tolist())
    yield "majority", np.zeros((len(items), 1), dtype=np.float32)
    yield "words", words
    pixels, encoder, projector = [], [], []
    for part in _parts(items):
        images = [data.open_image(image) for image in part["image"]]
        pixels.append(pixel_features(images))
        try:
            seen = image_features(vlm, images, str(items["question"].iloc[0]))
        except UserError:
            continue  # a family that keeps no such features: the table then has no such rows
        encoder.append(seen[0].numpy())
        projector.append(seen[1].numpy())
    for name, found in (
        ("pixels", pixels), ("vision encoder", encoder), ("projector", projector),
    ):  # fmt: skip
        if found:
            yield f"{name} and words", np.concatenate([np.concatenate(found), words], axis=1)


def _parts(items: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for start in range(0, len(items), _IMAGES_AT_ONCE):
        yield items.iloc[start : start + _IMAGES_AT_ONCE]
