"""What a linear probe is compared with: its control task, its controls and its baselines.

All of them read each scene by a fit on other scenes, in the same folds as the probe itself. The
control task, which is drawn many times, uses other partitions of the scenes as well.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from PIL import Image
from torch import Tensor

from analysis.capture.passes import forward_passes
from analysis.capture.residuals import ItemResiduals, PositionName, read_position
from analysis.effects.effect import item_information
from analysis.probes.control_comparison import DrawnControls, drawn_controls
from analysis.probes.found import CONTROL_TASK, MAJORITY, RANDOM_WEIGHTS, SEEN, UNSEEN
from analysis.readouts.taken import Readings
from analysis.run.opened import OpenRun
from analysis.streams import Stream
from data_prep.attributes import attribute, stream_key
from data_prep.errors import UserError
from data_prep.items import attribute_of_items
from data_prep.questions import referent
from data_prep.scene_data import SceneData
from probes.linear_probe import (
    ControlDraws,
    by_layers,
    control_draws,
    cross_fit,
    joined_layers,
)
from probes.linear_probe.baselines import (
    image_features,
    pixel_features,
    randomly_initialised,
    word_features,
)
from probes.linear_probe.compositions import Compositions, across_compositions, pair_group
from probes.residuals.rows import StoredRows
from probes.scores import Scores, item_scores

_IMAGES_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Scores, on held-out scenes, of probes with other labels or other features than the probe
    itself."""

    name: str
    by_layer: bool
    """Whether the scores have a column per layer, or a single one for what has no layers."""
    scores: Scores
    information: Float[ndarray, "item layer"]
    """Information about the answer in bits; each scene is read by a reader fitted on other
    scenes."""
    drawn: DrawnControls | None = None
    """The single draws of the control task, of which `scores` and `information` are the means; None
    for everything else."""


PARTNER = {"color": "shape", "shape": "color", "material": "color", "size": "color"}
"""For each attribute another one: its values are paired with those of the other, to see whether a
probe reads them in pairs that it has not seen."""


def comparisons(
    opened: OpenRun,
    readings: Readings,
    residuals: ItemResiduals,
    position: PositionName,
    *,
    left_out: list[str],
) -> Iterator[Compared]:
    """Control task, controls and baselines, one after the other, on the folds of the probe.

    If this model or these scenes do not allow one, the reason is added to `left_out`.
    """
    items, labels = readings.items, readings.answer_index
    scenes: list[str] = items["scene_id"].tolist()

    def held_out(
        name: str,
        features: Float[Tensor, "item layer d_model"],
        *,
        by_layer: bool = True,
    ) -> Compared:
        return compared(name, read(features, scenes), by_layer=by_layer)

    def held_out_rows(name: str, rows: StoredRows, shown: Sequence[str] = scenes) -> Compared:
        found = by_layers(rows, lambda part, _: read(part, shown), joined_layers)
        return compared(name, found)

    def read(
        features: Float[Tensor, "item layer d_model"], shown: Sequence[str]
    ) -> Float[ndarray, "item layer answer"]:
        probe = cross_fit(features, labels, scenes=shown, answers=readings.answers)
        return probe.log_probs(features, scenes=shown)

    def compared(
        name: str,
        read: Float[ndarray, "item layer answer"],
        *,
        by_layer: bool = True,
    ) -> Compared:
        told = item_information(
            read, labels, np.asarray(scenes), rng=study.rng(Stream.COMPARED_INFORMATION, key)
        )
        scores = item_scores(read, labels)
        return Compared(name=name, by_layer=by_layer, scores=scores, information=told)

    study, key = opened.run.study, stream_key(attribute_of_items(items))
    real = residuals.real
    yield _control_task(opened, readings, real, left_out)
    shuffled, shown = residuals.shuffled(items, study.rng(Stream.PROBE_DONORS, key))
    yield held_out_rows("shuffled images", shuffled, shown)
    yield held_out_rows("blank images", residuals.blank)
    try:
        untrained = _random_residuals(opened, items, position)
        yield held_out(RANDOM_WEIGHTS, untrained)
    except UserError as error:
        left_out.append(f"{RANDOM_WEIGHTS}: {error}")
    try:
        group = _pair_groups(opened, items)
        across = by_layers(
            real,
            lambda part, _: across_compositions(
                part, labels, group, scenes=scenes, answers=readings.answers
            ),
            Compositions.joined,
        )
        for name, found in ((SEEN, across.seen), (UNSEEN, across.unseen)):
            yield compared(name, found)
    except UserError as error:
        left_out.append(f"{SEEN} and {UNSEEN}: {error}")
    for name, features in _baseline_features(opened, items, left_out):
        yield held_out(name, torch.from_numpy(features)[:, None], by_layer=False)


def _control_task(
    opened: OpenRun,
    readings: Readings,
    real: StoredRows,
    left_out: list[str],
) -> Compared:
    """The control task as mean over draws of its labels. Adds a line to `left_out` where the
    control task is the task itself."""
    items, labels, study = readings.items, readings.answer_index, opened.run.study
    scenes: list[str] = items["scene_id"].tolist()
    key = stream_key(attribute_of_items(items))
    types = (items["question"] + " " + items["answer"]).tolist()
    if len(set(types)) == len(set(items["answer"])):
        left_out.append(
            "a control task that tells anything: one text serves all items, so its labels are the "
            "answers renamed and selectivity is 0 by construction"
        )
    draws = by_layers(
        real,
        # With a generator of its own for each part: all parts are of the same draws.
        lambda part, layers: control_draws(
            part,
            labels,
            types,
            task=readings.real[:, layers],
            scenes=scenes,
            answers=readings.answers,
            rng=study.rng(Stream.CONTROL_TASKS, key),
        ),
        ControlDraws.joined,
    )
    drawn, mean = drawn_controls(
        draws,
        labels,
        np.asarray(scenes),
        rng=lambda number: study.rng(Stream.CONTROL_TASK_INFORMATION, key, number),
    )
    return Compared(
        name=CONTROL_TASK,
        by_layer=True,
        scores=mean,
        information=drawn.information.mean(axis=0),
        drawn=drawn,
    )


def _pair_groups(opened: OpenRun, items: pd.DataFrame) -> Int[ndarray, " item"]:
    """A group number for each item, by its pair of values. UserError where no item is about a
    single object."""
    name = attribute_of_items(items)
    scenes = opened.data.object_scenes()
    if name not in PARTNER:
        raise UserError(f"{name} is no property of a single object")
    own, partner = attribute(name).answers, attribute(PARTNER[name]).answers
    columns = (items[column] for column in ("scene_id", "question"))
    things = [referent(scenes[scene], name, text) for scene, text in zip(*columns, strict=True)]
    return pair_group(
        np.array([own.index(getattr(thing, name)) for thing in things]),
        np.array([partner.index(getattr(thing, PARTNER[name])) for thing in things]),
    )


def _random_residuals(
    opened: OpenRun, items: pd.DataFrame, position: PositionName
) -> Float[Tensor, "item layer d_model"]:
    """The residuals of a copy of the model with random weights. UserError where there is no model,
    or no memory for a second one."""
    at = read_position(opened, items, position, forward_passes(opened.run, items))
    copy = randomly_initialised(opened.load_model())
    parts = [
        copy.capture(
            images,
            part["question"].tolist(),
            position=at,
            pass_ids=[f"real:{item_id}" for item_id in part["item_id"]],
        )
        for images, part in zip(_images(opened.data, items), _parts(items), strict=True)
    ]
    return torch.cat(parts).cpu()


def _baseline_features(
    opened: OpenRun, items: pd.DataFrame, left_out: list[str]
) -> Iterator[tuple[str, Float[ndarray, "item value"]]]:
    """The names and values of features that need no decoder; those of the image are joined with the
    words of the question."""
    words = word_features(items["question"].tolist())
    yield MAJORITY, np.zeros((len(items), 1), dtype=np.float32)
    yield "words", words
    question = str(items["question"].iloc[0])
    try:
        pixels = [pixel_features(images) for images in _images(opened.data, items)]
        yield "pixels and words", np.concatenate([np.concatenate(pixels), words], axis=1)
        vlm = opened.load_model()
        seen = [image_features(vlm, images, question) for images in _images(opened.data, items)]
    except UserError as error:
        left_out.append(str(error))
        return
    for name, found in zip(("vision encoder", "projector"), zip(*seen, strict=True), strict=True):
        features = torch.cat(list(found)).numpy()
        yield f"{name} and words", np.concatenate([features, words], axis=1)


def _images(data: SceneData, items: pd.DataFrame) -> Iterator[list[Image.Image]]:
    """The items' images in batches: all at once would not fit into memory."""
    for part in _parts(items):
        yield [data.open_image(image) for image in part["image"]]


def _parts(items: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for start in range(0, len(items), _IMAGES_AT_ONCE):
        yield items.iloc[start : start + _IMAGES_AT_ONCE]
