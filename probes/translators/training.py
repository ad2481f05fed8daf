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
from probes.translators.checkpoint import identity_of, read_checkpoint, write_checkpoint
from probes.translators.output_map import OutputMap
from probes.translators.recipe import Recipe
from probes.translators.refinement import Refinement, State
from probes.translators.rows import ResidualRows, require_no_leak
from probes.translators.start import REFINED, closed_form_start
from probes.unembedding import Unembedding


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
    progress: Callable[[int], object] | None = None,
) -> TrainedLens:
    """Translators of all layers at once, trained on `train`, chosen on `validation`.

    Per layer a ridge start is kept only where it beats the logit lens, and a refinement only
    where it beats its start: on the validation rows, and without being worse on the training
    rows. So no layer is worse on the training rows than the logit lens. `checkpoint` names a file
    that is written at each look at the validation rows; a training that finds one goes on from it
    and ends in the same bytes. `progress` is called with the number of steps made since.

    UserError if a scene is on both sides, a residual is not finite, or training diverges.

    >>> final = torch.randn(40, 1, vlm.d_model, generator=torch.Generator().manual_seed(0))
    >>> rows = ResidualRows.of(torch.cat([final - 1, final], dim=1), [str(n) for n in range(40)])
    >>> train, validation = rows.select(range(30)), rows.select(range(30, 40))
    >>> found = train_tuned_lens(train, validation, vlm.unembedding, recipe=Recipe(steps=0))
    >>> found.kept, found.validation_nats.max().item() < 0.001
    (('ridge',), True)
    """
    recipe = recipe or Recipe()
    _require_fit(train, validation, unembedding, recipe)
    output = OutputMap.of(unembedding)
    validation = validation.thinned(recipe.guard_rows)
    start, moments = closed_form_start(train, validation, output, recipe)
    refinement = Refinement(
        train=train,
        validation=validation,
        start=start,
        moments=moments,
        output=output,
        recipe=recipe,
        seed=seed,
    )
    state = _refined(refinement, checkpoint, progress)
    guard = train.thinned(recipe.guard_rows)
    best = start.improved(
        refinement.translators(state.best), REFINED, guard, state.best_validation, output
    )
    return TrainedLens(
        translators=Translators(
            maps=best.translators.maps.cpu(), offsets=best.translators.offsets.cpu()
        ),
        kept=best.kept,
        validation_nats=best.validation,
        training_nats=best.guard,
        steps=state.step,
    )


def _refined(
    refinement: Refinement, checkpoint: Path | None, progress: Callable[[int], object] | None
) -> State:
    """The state at the end of refinement, which goes on from the checkpoint if there is one."""
    output = refinement.output
    identity = identity_of(
        refinement.train,
        refinement.validation,
        output.unembedding,
        refinement.recipe,
        refinement.seed,
    )
    saved = None
    if checkpoint is not None:
        saved = read_checkpoint(checkpoint, identity, output.head.device)
    state = saved or refinement.initial()
    done = 0

    def look(now: State) -> None:
        nonlocal done
        if checkpoint is not None:
            write_checkpoint(checkpoint, now, identity)
        if progress is not None:
            progress(now.step - done)
            done = now.step

    refinement.run(state, look)
    return state


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
