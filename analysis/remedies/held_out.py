"""Checks that models were not trained on the scenes that they are judged on, and counts what they
were trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.remedies.found import HeldOut
from analysis.remedies.trained import FinishedModel, Training
from data_prep.clevr import read_clevr
from data_prep.errors import UserError
from data_prep.scenes import Scene
from data_prep.terminal.progress import Progress

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from probes.bundled.remedies.material import Material

_DECIMALS = 2
"""Of places of objects: two scenes that were drawn apart differ by more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingScenes:
    """The scenes of the training, and their copies with one object removed."""

    scenes: tuple[Scene, ...]
    copies: tuple[Scene, ...]


def training_scenes(
    folder: Path, training: Training, *, with_copies: bool
) -> TrainingScenes | None:
    """What the models were trained on, from the folder that has kept the training's name for it;
    None if it is not there. Copies are read only for models that saw them: beside others they may
    be half rendered."""
    from probes.bundled.remedies.removed import split_of_copies

    if folder.name != training.data or not folder.is_dir():
        return None
    copies = folder.with_name(f"{folder.name}-removed")
    split = split_of_copies(training.split)
    return TrainingScenes(
        scenes=tuple(read_clevr(folder, training.split, limit=training.scenes)),
        copies=tuple(read_clevr(copies, split)) if with_copies and copies.is_dir() else (),
    )


def held_out(
    asked: Sequence[Scene], training: Training, trained_on: TrainingScenes | None
) -> HeldOut:
    """Compares the scenes of the questions with those of the training, object by object. UserError
    if one is in both."""
    n_compared = None
    if trained_on is not None:
        seen = {_content(each): each for each in (*trained_on.scenes, *trained_on.copies)}
        for scene in asked:
            if (same := seen.get(_content(scene))) is not None:
                raise UserError(
                    f"models must be judged on scenes that they were not trained on, but "
                    f"{scene.scene_id} is {same.scene_id} of {training.data}: train on others"
                )
        n_compared = len(trained_on.scenes) + len(trained_on.copies)
    return HeldOut(n_compared=n_compared, trained_on=f"{training.data}, split {training.split}")


def tokens_seen(
    models: Sequence[FinishedModel], training: Training, trained_on: TrainingScenes | None
) -> dict[str, int]:
    """For each model the number of tokens of its training, counted by drawing its batches again;
    nothing for models that this cannot be done for."""
    if trained_on is None:
        return {}
    from transformers import AutoTokenizer

    from probes.bundled.architecture import GRID
    from probes.bundled.corpus import prefix_ids
    from probes.bundled.language import LanguagePlan
    from probes.bundled.remedies.arms import ARMS, Arm, draw_batch

    tokenizer = AutoTokenizer.from_pretrained(models[0].folder)
    plan, material = LanguagePlan(**training.language), _material(trained_on, tokenizer)
    before = len(prefix_ids(tokenizer, GRID * GRID))
    arms: dict[str, Arm] = {arm: arm for arm in ARMS}
    found = {}
    for model in Progress(models, what="count tokens", unit="model", leave=False):
        arm = arms.get(model.arm)
        if arm is None or (arm == "contrast" and not material.removals):
            continue
        total = 0
        for step in range(plan.steps):
            batch = draw_batch(arm, material, plan, seed=model.seed, step=step)
            total += before * len(batch.exchanges) + sum(
                len(one.question) + len(one.answer) for own in batch.exchanges for one in own
            )
        found[model.name] = total
    return found


def _material(trained_on: TrainingScenes, tokenizer: "PreTrainedTokenizerFast") -> "Material":
    """What batches are drawn from, without the pictures."""
    import torch

    from probes.bundled.remedies.material import Material, Removal
    from probes.bundled.remedies.removed import removed_object

    number_of = {_number(each): place for place, each in enumerate(trained_on.scenes)}
    chosen = [each for each in trained_on.copies if _number(each) in number_of]
    scenes = [*trained_on.scenes, *chosen]
    removals = tuple(
        Removal(
            scene=(number := number_of[_number(copy)]),
            copy=len(trained_on.scenes) + place,
            target=removed_object(scenes[number], copy),
        )
        for place, copy in enumerate(chosen)
    )
    return Material(
        scenes=scenes,
        n_plain=len(trained_on.scenes),
        removals=removals,
        features=torch.empty(len(scenes), 2, 0, 0),
        tokenizer=tokenizer,
    )


def _number(scene: Scene) -> str:
    return scene.scene_id.rpartition("_")[2]


def _content(scene: Scene) -> frozenset[tuple[object, ...]]:
    """What tells a scene from others: its objects and their places, in whatever order."""
    return frozenset(
        (thing.shape, thing.color, thing.material, thing.size)
        + tuple(round(place, _DECIMALS) + 0.0 for place in thing.coords)
        for thing in scene.objects
    )
