"""Probes cross-fitted by scene: every item is read by a probe that has never seen its scene."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from data_prep.errors import UserError
from data_prep.splits import scene_folds
from probes.linear_probe.labels import require_data, require_every_answer
from probes.linear_probe.probe import INVERSE_PENALTIES, LinearProbe, fit_probe


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrossFittedProbe:
    """One probe per fold, each fitted on the scenes of all other folds."""

    probes: tuple[LinearProbe, ...]
    fold_of_scene: Mapping[str, int]

    @classmethod
    def joined(cls, parts: Sequence["CrossFittedProbe"]) -> "CrossFittedProbe":
        """Probes of neighbouring layers, fitted on the same items and folds, as one."""
        folds = zip(*(part.probes for part in parts), strict=True)
        return replace(parts[0], probes=tuple(LinearProbe.joined(probes) for probes in folds))

    def log_probs(
        self, residuals: Float[Tensor, "item layer d_model"], *, scenes: Sequence[str]
    ) -> Float[ndarray, "item layer answer"]:
        """log2 probability of each answer, by the probe that has not seen the item's scene.

        `scenes` name the scene that each residual shows (of a swapped image: the donor); for a
        blank image, the scene whose item it is a control of. UserError for an unknown scene.
        """
        unknown = next((scene for scene in scenes if scene not in self.fold_of_scene), None)
        if unknown is not None:
            raise UserError(
                f"scene {unknown} belongs to no fold of these probes: fit them on all scenes that "
                "are to be read"
            )
        folds = np.array([self.fold_of_scene[scene] for scene in scenes], dtype=np.int64)
        n_items, n_layers, _ = residuals.shape
        out = np.empty((n_items, n_layers, len(self.probes[0].answers)), dtype=np.float32)
        for fold, probe in enumerate(self.probes):
            rows = np.flatnonzero(folds == fold)
            shown = [scenes[row] for row in rows.tolist()]
            out[rows] = probe.log_probs(residuals[torch.from_numpy(rows)], scenes=shown)
        return out

    def save(self, folder: Path) -> None:
        """Each fold's probe in a folder of its own."""
        for fold, probe in enumerate(self.probes):
            probe.save(folder / f"fold-{fold}")


def cross_fit(
    residuals: Float[Tensor, "item layer d_model"],
    answer: Int[ndarray, " item"],
    *,
    scenes: Sequence[str],
    answers: Sequence[str],
    folds: Int[ndarray, " item"] | None = None,
    inverse_penalties: Sequence[float] = INVERSE_PENALTIES,
    about: Mapping[str, str] | None = None,
) -> CrossFittedProbe:
    """Fit one probe per fold on all other folds; without `folds`, five by scene.

    Held-out scores of different folds share training scenes, so their errors are slightly
    dependent, and an item's own answer is absent from the labels that its probe saw: without any
    signal the score lies a little *below* that of the label frequencies, never above.

    UserError if a scene is in two folds, a fold is empty, or an answer is missing on the training
    side of a fold.

    >>> answer, scenes = np.arange(80) % 2, [str(item) for item in range(80)]
    >>> residuals = torch.from_numpy(answer).float().view(80, 1, 1)  # a layer that tells the answer
    >>> probes = cross_fit(residuals, answer, scenes=scenes, answers=["no", "yes"])
    >>> read = probes.log_probs(residuals, scenes=scenes).argmax(-1)[:, 0]
    >>> len(probes.probes), (read == answer).mean().item()
    (5, 1.0)
    """
    require_data(residuals, answer, scenes, answers)
    if folds is None:
        folds = scene_folds(scenes)
    fold_of_scene = _one_fold_each(scenes, folds)
    probes = []
    for fold in range(int(folds.max()) + 1):
        training = np.flatnonzero(folds != fold)
        if len(training) in (0, len(folds)):
            held_out = len(folds) - len(training)
            raise UserError(
                f"every fold needs items to fit on and items to hold out, fold {fold} holds out "
                f"{held_out} of {len(folds)}: use more scenes or fewer folds"
            )
        require_every_answer(answer[training], answers, where=f"the training side of fold {fold}")
        probes.append(
            fit_probe(
                residuals[torch.from_numpy(training)],
                answer[training],
                scenes=[scenes[row] for row in training.tolist()],
                answers=answers,
                inverse_penalties=inverse_penalties,
                about={**(about or {}), "fold": str(fold)},
            )
        )
    return CrossFittedProbe(probes=tuple(probes), fold_of_scene=fold_of_scene)


def _one_fold_each(scenes: Sequence[str], folds: Int[ndarray, " item"]) -> dict[str, int]:
    by_scene: dict[str, int] = {}
    for scene, fold in zip(scenes, folds.tolist(), strict=True):
        if by_scene.setdefault(scene, fold) != fold:
            raise UserError(
                f"all items of a scene must be in one fold, those of {scene} are in "
                f"{by_scene[scene]} and {fold}: split by scene, not by item"
            )
    return by_scene
