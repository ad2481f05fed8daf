"""Translators cross-fitted by scene: every residual is read by a lens that never saw its scene.

A lens is fitted to the model's own distribution, not to labels, but it is fitted all the same: on
its training scenes it reads more than it would on others.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from safetensors import SafetensorError
from torch import Tensor

from data_prep.errors import UserError
from data_prep.files.durable import write_durably
from data_prep.files.sealed import read_sealed_json, sealed_json
from data_prep.splits import N_FOLDS, scene_folds, split_of
from probes.translators.affine import Translators
from probes.translators.cost import DEFAULT_MEMORY_GIB
from probes.translators.finished_group import MAPPED_BYTES, read_translators, write_translators
from probes.translators.recipe import Recipe
from probes.translators.rows import ResidualRows
from probes.translators.training import train_tuned_lens
from probes.unembedding import Unembedding

_INNER = {"fit": 0.85, "choose": 0.15}
_HOST = torch.device("cpu")
_FILE, _DESCRIPTION = "fold-{}.safetensors", "fold-{}.json"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrossFittedLens:
    """Translators per fold, each fitted on the scenes of all other folds."""

    translators: tuple[Translators, ...]
    device: torch.device = _HOST
    """Where residuals are translated. The folds' translators are moved there one at a time: those
    of all folds can be larger than the device."""

    def on(self, device: torch.device) -> "CrossFittedLens":
        """This lens on a device; it moves there what it is given."""
        return replace(self, device=device)

    @torch.no_grad()
    def translate(
        self, residuals: Float[Tensor, "item layer d_model"], scenes: Sequence[str]
    ) -> Float[Tensor, "item layer d_model"]:
        """The last layer's residual by each layer's account; the last layer as it is. `scenes`
        name the scene that each residual shows."""
        folds: Int[ndarray, " item"] = scene_folds(scenes, len(self.translators))
        out = residuals.to(self.device).float().clone()
        for fold, translators in enumerate(self.translators):
            rows = torch.from_numpy(np.flatnonzero(folds == fold))
            if len(rows):
                own = translators.on(self.device)
                out[rows, :-1] = own.apply(out[rows]).transpose(0, 1)
        return out


def cross_fitted_lens(
    rows: ResidualRows,
    unembedding: Unembedding,
    folder: Path,
    *,
    recipe: Recipe,
    seed: int,
    progress: Callable[[int], object] | None = None,
    memory_gib: float = DEFAULT_MEMORY_GIB,
) -> CrossFittedLens:
    """Train, or go on training, one lens per fold; what is finished is kept in `folder`.

    Inside each training side, 15% of its scenes choose what is kept (see `train_tuned_lens`).
    Translators too large for memory are mapped from the folder.

    UserError for too few scenes, or for what another training has left in the folder.

    >>> final = torch.randn(40, 1, vlm.d_model, generator=torch.Generator().manual_seed(0))
    >>> rows = ResidualRows.of(torch.cat([final - 1, final], dim=1), [str(n) for n in range(40)])
    >>> recipe = Recipe(steps=0)
    >>> lens = cross_fitted_lens(rows, vlm.unembedding, folder, recipe=recipe, seed=0)
    >>> len(lens.translators), len(list(folder.glob("fold-*.json")))
    (5, 5)
    """
    one = _OneFold(
        unembedding=unembedding, folder=folder, recipe=recipe, seed=seed, progress=progress,
        memory_gib=memory_gib,
    )  # fmt: skip
    folds = scene_folds(rows.scene_ids)
    training = [rows.select(np.flatnonzero(folds != fold).tolist()) for fold in range(N_FOLDS)]
    return CrossFittedLens(translators=tuple(map(one.lens, range(N_FOLDS), training)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _OneFold:
    """How the lens of a fold is had."""

    unembedding: Unembedding
    folder: Path
    recipe: Recipe
    seed: int
    progress: Callable[[int], object] | None
    memory_gib: float

    def lens(self, fold: int, rows: ResidualRows) -> Translators:
        """From the folder, or trained on these rows now."""
        made_from = self._identity(fold, rows)
        found = _stored(self.folder, fold, made_from)
        if found is None:
            found = self._trained(fold, rows, made_from)
        elif self.progress is not None:
            self.progress(self.recipe.steps)
        return found

    def _trained(self, fold: int, rows: ResidualRows, made_from: str) -> Translators:
        # Another salt than that of the folds, which would leave one side of this split empty.
        inner = np.array([split_of(s, fractions=_INNER, salt="lens") for s in rows.scene_ids])
        fit, choose = (rows.select(np.flatnonzero(inner == side).tolist()) for side in _INNER)
        name = f"fold-{fold}.checkpoint"
        found = train_tuned_lens(
            fit,
            choose,
            self.unembedding,
            recipe=self.recipe,
            seed=self.seed + fold,
            checkpoint=self.folder / f"{name}.safetensors",
            progress=self.progress,
            memory_gib=self.memory_gib,
        ).translators
        found = _store(self.folder, fold, found, made_from)
        for left in self.folder.glob(f"{name}.*"):
            left.unlink()
        return found

    def _identity(self, fold: int, rows: ResidualRows) -> str:
        content = f"{rows.digest()} {self.recipe} {self.seed} {fold}"
        if self.recipe.samples(self.unembedding.n_vocab):
            content += f" {self.recipe.sampled_tokens} sampled tokens"
        return hashlib.sha256(content.encode()).hexdigest()


def _store(folder: Path, fold: int, translators: Translators, identity: str) -> Translators:
    # A refinement of no steps has written no checkpoint here.
    folder.mkdir(parents=True, exist_ok=True)
    # The description last: it vouches for the weights.
    digest = write_translators(folder / _FILE.format(fold), [translators])
    about = {"made_from": identity, "sha256": digest}
    write_durably(folder / _DESCRIPTION.format(fold), sealed_json(about))
    if 4 * translators.maps.numel() < MAPPED_BYTES:
        return translators
    # Mapped from the fold's own file, for what it was mapped from is about to be removed.
    return read_translators(folder / _FILE.format(fold), digest)


def _stored(folder: Path, fold: int, identity: str) -> Translators | None:
    description = folder / _DESCRIPTION.format(fold)
    if not description.exists():
        return None
    try:
        about = read_sealed_json(description)
        translators = read_translators(folder / _FILE.format(fold), about["sha256"])
        made_from = about["made_from"]
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
