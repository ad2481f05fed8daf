"""What all arms are trained on: pictures as the tower sees them, and what can be asked of each."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from transformers import LlavaForConditionalGeneration, PreTrainedTokenizerFast

from data_prep.errors import UserError
from data_prep.scenes import Scene
from probes.bundled.corpus import SceneLessons, lessons, mirrored
from probes.bundled.language import all_features
from probes.bundled.remedies.removed import removed_object, split_of_copies
from probes.bundled.scenes import read_training_scenes

_LESSON_STREAM = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """A scene and its copy with one object removed, as indices of `Material.scenes`."""

    scene: int
    copy: int
    target: int
    """Index of the removed object in the scene."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Scenes, then copies of some of them, and the tower's features of their pictures."""

    scenes: list[Scene]
    n_plain: int
    """Number of scenes that are no copy of another; they come first."""
    removals: tuple[Removal, ...]
    features: Float[Tensor, "scene view patch width"]
    """Of every picture (view 0) and its mirror image (view 1)."""
    tokenizer: PreTrainedTokenizerFast
    _lessons: dict[tuple[int, int], SceneLessons] = field(default_factory=dict)

    def lessons(self, scene: int, view: int) -> SceneLessons:
        """All exchanges about one view of a scene. They are made when first asked for, from a
        generator of their own, so that they are the same in every arm."""
        key = (scene, view)
        if key not in self._lessons:
            seen = mirrored(self.scenes[scene]) if view else self.scenes[scene]
            # Wording is no part of what seeds vary: their generator has the same seed in all runs.
            seed = np.random.SeedSequence(0, spawn_key=(_LESSON_STREAM, *key))
            made = lessons(seen, self.tokenizer, np.random.default_rng(seed))
            self._lessons[key] = made
        return self._lessons[key]


def read_material(
    model: LlavaForConditionalGeneration,
    tokenizer: PreTrainedTokenizerFast,
    data: Path,
    removed: Path | None,
    *,
    split: str,
    n_scenes: int,
) -> Material:
    """The first `n_scenes` scenes of `data`, and their copies in `removed` unless it is None.

    UserError if there are fewer scenes, for a training on fewer would be another training.
    """
    plain = read_training_scenes(data, split, limit=n_scenes)
    if len(plain) < n_scenes:
        raise UserError(
            f"--scenes asks for {n_scenes} scenes, got {len(plain)} in {str(data)!r}: render more, "
            "or give a smaller number"
        )
    scenes, removals = [*plain.scenes], ()
    features = [all_features(model, plain.images)]
    if removed is not None:
        copies = read_training_scenes(removed, split_of_copies(split))
        removals, chosen = _removals(plain.scenes, copies.scenes)
        scenes += [copies.scenes[place] for place in chosen]
        # Apart from the others: who shares a batch may change the last bit.
        features.append(all_features(model, copies.images[chosen]))
    return Material(
        scenes=scenes,
        n_plain=len(plain),
        removals=removals,
        features=torch.cat(features),
        tokenizer=tokenizer,
    )


def _removals(scenes: list[Scene], copies: list[Scene]) -> tuple[tuple[Removal, ...], list[int]]:
    """The pairs among the scenes and the copies, and the places of those copies in their list."""
    number_of = {scene.scene_id.rpartition("_")[2]: place for place, scene in enumerate(scenes)}
    removals: list[Removal] = []
    chosen = []
    for place, copy in enumerate(copies):
        number = number_of.get(copy.scene_id.rpartition("_")[2])
        if number is None:
            continue
        target = removed_object(scenes[number], copy)
        removals.append(Removal(scene=number, copy=len(scenes) + len(chosen), target=target))
        chosen.append(place)
    if not removals:
        raise UserError(
            f"contrast needs a scene with a copy, got none among {len(scenes)} scenes and "
            f"{len(copies)} copies: make the copies from these scenes"
        )
    return tuple(removals), chosen
