"""Training of a tuned lens: closed-form start, refinement, and per layer the better of the two.

Belrose et al. (2023), arXiv:2303.08112: translators that minimise D(final || lens) over the
vocabulary. What differs is how they get there: a ridge regression to the final residual first,
then few large steps instead of many small ones.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from data_prep.errors import UserError
from probes.translators.affine import Translators
from probes.translators.checkpoint import identity_of
from probes.translators.cost import DEFAULT_MEMORY_GIB, layer_groups
from probes.translators.finished_group import joined_translators, read_group, write_group
from probes.translators.group import TrainedGroup, Training
from probes.translators.output_map import OutputMap
from probes.translators.recipe import Recipe
from probes.translators.rows import ResidualRows, require_no_leak
from probes.translators.sampled_vocabulary import kept_side
from probes.unembedding import Unembedding

Progress = Callable[[int], object]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainedLens:
    """Translators and how they came about; divergences in nats, layers 0..L-1."""

    translators: Translators
    kept: tuple[str, ...]
    """What was best at each layer: logit_lens, ridge or refined."""
    validation_nats: Float[Tensor, " layer"]
    training_nats: Float[Tensor, " layer"]
    """Mean divergence on the training rows, or on as many of them as `guard_rows` allows."""
    steps: int
    """Steps of refinement made before it ended or stopped early."""


@torch.no_grad()
def train_tuned_lens(
    train: ResidualRows,
    validation: ResidualRows,
    unembedding: Unembedding,
    *,
    recipe: Recipe | None = None,
    seed: int = 0,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
    memory_gib: float = DEFAULT_MEMORY_GIB,
) -> TrainedLens:
    """Translators of all layers at once, trained on `train`, chosen on `validation`.

    Per layer a ridge start is kept only where it beats the logit lens, and a refinement only
    where it beats its start: on the validation rows, and without being worse on the training
    rows. So no layer is worse on the training rows than the logit lens. `checkpoint` names a file
    that is written at looks at the validation rows; a training that finds one goes on from it
    and ends in the same bytes. `progress` is called with the number of steps made since.

    Layers that do not fit into `memory_gib` together are trained group after group, to the same
    translators: bit for bit where the width is a multiple of 16, else but for rounding. Then what a
    group has found is kept in files beside `checkpoint`, from which the translators are mapped.

    UserError if a scene is on both sides, a residual is not finite, training diverges, or two
    layers do not fit into the memory.

    >>> final = torch.randn(40, 1, vlm.d_model, generator=torch.Generator().manual_seed(0))
    >>> rows = ResidualRows.of(torch.cat([final - 1, final], dim=1), [str(n) for n in range(40)])
    >>> train, validation = rows.select(range(30)), rows.select(range(30, 40))
    >>> found = train_tuned_lens(train, validation, vlm.unembedding, recipe=Recipe(steps=0))
    >>> found.kept, found.validation_nats.max().item() < 0.001
    (('ridge',), True)
    """
    recipe = recipe or Recipe()
    _require_fit(train, validation, unembedding, recipe)
    groups = layer_groups(
        train.n_layers, train.d_model, unembedding.n_vocab, n_rows=len(train), memory_gib=memory_gib
    )
    output = OutputMap.of(unembedding)
    side = kept_side(train, output) if recipe.samples(unembedding.n_vocab) else None
    training = Training(output=output, recipe=recipe, seed=seed, side=side)
    validation = validation.thinned(recipe.guard_rows)
    if len(groups) > 1:
        grouped = _Grouped(training, train, validation, groups, checkpoint, progress)
        return grouped.trained()
    found = training.group(
        train, validation, until=recipe.steps, patient=False,
        checkpoint=checkpoint, progress=progress,
    )  # fmt: skip
    return TrainedLens(
        translators=found.translators,
        kept=found.kept,
        validation_nats=found.validation_nats,
        training_nats=found.training_nats,
        steps=found.steps,
    )


class _Grouped:
    """A training whose layers do not fit into memory together."""

    def __init__(
        self,
        training: Training,
        train: ResidualRows,
        validation: ResidualRows,
        groups: tuple[range, ...],
        checkpoint: Path | None,
        progress: Progress | None,
    ) -> None:
        self._training, self._train, self._validation = training, train, validation
        self._groups, self._checkpoint, self._progress = groups, checkpoint, progress
        self._made = 0

    def trained(self) -> TrainedLens:
        """All groups, one after the other."""
        # Validation stops improving only when no layer of any group improves, which is known in the
        # end: each goes on to the last step, and what was found after the stop is made again.
        last = self._training.recipe.steps
        parts = [self._group(number, last) for number in range(len(self._groups))]
        stop = _common_stop(parts, self._training.recipe)
        for number, part in enumerate(parts):
            if bool((part.best_step > stop).any()):
                parts[number] = self._group(number, stop)
        return TrainedLens(
            translators=joined_translators([part.translators for part in parts], self._checkpoint),
            kept=tuple(kind for part in parts for kind in part.kept),
            validation_nats=torch.cat([part.validation_nats for part in parts]),
            training_nats=torch.cat([part.training_nats for part in parts]),
            steps=stop,
        )

    def _group(self, number: int, until: int) -> TrainedGroup:
        layers = self._groups[number]
        train, validation = (rows.of_layers(layers) for rows in (self._train, self._validation))
        path = identity = None
        if self._checkpoint is not None:
            name = f"{self._checkpoint.stem}.layers-{layers.start:03d}-{layers.stop - 1:03d}"
            path = self._checkpoint.with_name(f"{name}.safetensors")
            training = self._training
            identity = identity_of(
                train, validation, training.output.unembedding, training.recipe, training.seed
            )
            found = read_group(path, identity, until)
            if found is not None:
                self._tell(until)
                return found
        state = None if path is None else path.with_name(f"{path.stem}.state.safetensors")
        found = self._training.group(
            train, validation, until=until, patient=True, checkpoint=state,
            progress=lambda steps: self._tell(steps),
        )  # fmt: skip
        if path is None or identity is None or state is None:
            return found
        write_group(path, found, identity, until)
        state.unlink(missing_ok=True)
        return read_group(path, identity, until) or found

    def _tell(self, steps: int) -> None:
        """Progress in steps of all layers: a group's count by its share."""
        if self._progress is None:
            return
        before = self._made // len(self._groups)
        self._made += steps
        self._progress(self._made // len(self._groups) - before)


def _common_stop(parts: list[TrainedGroup], recipe: Recipe) -> int:
    """The step after which validation would have stopped improving, all layers taken together."""
    in_vain = 0
    for look, falls in enumerate(zip(*(part.falls for part in parts), strict=True), start=1):
        in_vain = 0 if any(falls) else in_vain + 1
        if in_vain == recipe.patience:
            return min(look * recipe.evaluate_every, recipe.steps)
    return recipe.steps


def _require_fit(
    train: ResidualRows, validation: ResidualRows, unembedding: Unembedding, recipe: Recipe
) -> None:
    for side, rows in (("training", train), ("validation", validation)):
        if len(set(rows.scene_ids)) < 2:
            raise UserError(
                f"need at least 2 {side} scenes, got {len(set(rows.scene_ids))}: use more scenes"
            )
    require_no_leak({"train": train, "validation": validation})
    width = unembedding.head.shape[1]
    if train.d_model != width:
        raise UserError(
            f"residuals of width {train.d_model} do not fit an unembedding of width {width}: "
            "take both from the same model"
        )
    if recipe.rank is not None and recipe.rank > width:
        raise UserError(f"rank must be at most the width {width}, got {recipe.rank}")
