"""Translators cross-fitted by scene: every residual is read by a lens that never saw its scene.

A lens is fitted to the model's own distribution, not to labels, but it is fitted all the same: on
its training scenes it reads more than it would on others.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from data_prep.errors import UserError
from data_prep.files.durable import write_durably
from data_prep.files.sealed import read_vouched, sealed_json
from data_prep.splits import N_FOLDS, scene_folds, split_of
from probes.translators.affine import Translators
from probes.translators.recipe import Recipe
from probes.translators.rows import ResidualRows
from probes.translators.training import train_tuned_lens
from probes.unembedding import Unembedding

_INNER = {"fit": 0.85, "choose": 0.15}
_FILE, _DESCRIPTION = "fold-{}.safetensors", "fold-{}.json"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrossFittedLens:
    """Translators per fold, each fitted on the scenes of all other folds."""

    translators: tuple[Translators, ...]

    @torch.no_grad()
    def translate(
        self, residuals: Float[Tensor, "item layer d_model"], scenes: Sequence[str]
    ) -> Float[Tensor, "item layer d_model"]:
        """The last layer's residual by each layer's account; the last layer as it is. `scenes`
        name the scene that each residual shows."""
        folds: Int[ndarray, " item"] = scene_folds(scenes, len(self.translators))
        out = residuals.float().clone()
        for fold, translators in enumerate(self.translators):
            rows = torch.from_numpy(np.flatnonzero(folds == fold))
            out[rows, :-1] = translators.apply(out[rows]).transpose(0, 1)
        return out


def cross_fitted_lens(
    rows: ResidualRows,
    unembedding: Unembedding,
    folder: Path,
    *,
    recipe: Recipe,
    seed: int,
    progress: Callable[[int], object] | None = None,
) -> CrossFittedLens:
    """Train, or go on training, one lens per fold; what is finished is kept in `folder`.

    Inside each training side, 15% of its scenes choose what is kept (see `train_tuned_lens`).
    UserError for too few scenes, or for what another training has left in the folder.

    >>> final = torch.randn(40, 1, vlm.d_model, generator=torch.Generator().manual_seed(0))
    >>> rows = ResidualRows.of(torch.cat([final - 1, final], dim=1), [str(n) for n in range(40)])
    >>> recipe = Recipe(steps=0)
    >>> lens = cross_fitted_lens(rows, vlm.unembedding, folder, recipe=recipe, seed=0)
    >>> len(lens.translators), len(list(folder.glob("fold-*.json")))
    (5, 5)
    """
    folds = scene_folds(rows.scene_ids)
    translators = []
    for fold in range(N_FOLDS):
        training = rows.select(np.flatnonzero(folds != fold).tolist())
        found = _stored(folder, fold, _identity(training, recipe, seed, fold))
        if found is None:
            found = _trained(training, unembedding, folder, fold, recipe, seed, progress)
        elif progress is not None:
            progress(recipe.steps)
        translators.append(found)
    return CrossFittedLens(translators=tuple(translators))


def _trained(
    rows: ResidualRows,
    unembedding: Unembedding,
    folder: Path,
    fold: int,
    recipe: Recipe,
    seed: int,
    progress: Callable[[int], object] | None,
) -> Translators:
    # Another salt than that of the folds, which would leave one side of this split empty.
    inner = np.array([split_of(s, fractions=_INNER, salt="lens") for s in rows.scene_ids])
    fit, choose = (rows.select(np.flatnonzero(inner == side).tolist()) for side in _INNER)
    checkpoint = folder / f"fold-{fold}.checkpoint.safetensors"
    found = train_tuned_lens(
        fit,
        choose,
        unembedding,
        recipe=recipe,
        seed=seed + fold,
        checkpoint=checkpoint,
        progress=progress,
    ).translators
    _store(folder, fold, found, _identity(rows, recipe, seed, fold))
    checkpoint.unlink(missing_ok=True)
    return found


def _identity(rows: ResidualRows, recipe: Recipe, seed: int, fold: int) -> str:
    content = f"{rows.digest()} {recipe} {seed} {fold}"
    return hashlib.sha256(content.encode()).hexdigest()


def _store(folder: Path, fold: int, translators: Translators, identity: str) -> None:
    weights = save({"maps": translators.maps, "offsets": translators.offsets})
    about = {"made_from": identity, "sha256": hashlib.sha256(weights).hexdigest()}
    # A refinement of no steps has written no checkpoint here.
    folder.mkdir(parents=True, exist_ok=True)
    # The description last: it vouches for the weights.
    write_durably(folder / _FILE.format(fold), weights)
    write_durably(folder / _DESCRIPTION.format(fold), sealed_json(about))


def _stored(folder: Path, fold: int, identity: str) -> Translators | None:
    description = folder / _DESCRIPTION.format(fold)
    if not description.exists():
        return None
    try:
        about, weights = read_vouched(description, folder / _FILE.format(fold))
        made_from, tensors = about["made_from"], load(weights)
        translators = Translators(maps=tensors["maps"], offsets=tensors["offsets"])
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise UserError(
            f"{description} or its weights are damaged ({error}): delete them and train again"
        ) from error
    if made_from != identity:
        raise UserError(
            f"{description} is of a training with other residuals, recipe or seed: delete the "
            "folder to train again, or choose another run folder"
        )
    return translators
