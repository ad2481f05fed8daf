"""The training of some layers, which share passes over the rows: start, refinement, and the better
of the two for each."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor

from probes.translators.affine import Translators
from probes.translators.checkpoint import identity_of, read_checkpoint, write_checkpoint
from probes.translators.output_map import OutputMap
from probes.translators.recipe import Recipe
from probes.translators.refinement import Refinement, State
from probes.translators.rows import ResidualRows
from probes.translators.sampled_vocabulary import FinalSide, SampledVocabulary
from probes.translators.start import REFINED, closed_form_start
from probes.translators.whitening import Whitening

# A state of more bytes is written only after so many seconds: it can take longer than the steps.
_WRITTEN_AT_ONCE, _SECONDS_BETWEEN = 2**26, 300.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainedGroup:
    """Translators of some layers, and what has to be known to put groups together."""

    translators: Translators
    kept: tuple[str, ...]
    validation_nats: Float[Tensor, " layer"]
    training_nats: Float[Tensor, " layer"]
    falls: tuple[bool, ...]
    """Whether, at each look, some layer of the group was better than at the look before."""
    best_step: Int[Tensor, " layer"]
    """The step at which each layer's refinement was best; 0 for the start."""
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Training:
    """What all groups of a training share."""

    output: OutputMap
    recipe: Recipe
    seed: int
    side: FinalSide | None
    """What the final distributions ask of the head, where steps sample the vocabulary."""

    def group(
        self,
        train: ResidualRows,
        validation: ResidualRows,
        *,
        until: int,
        patient: bool,
        checkpoint: Path | None,
        progress: Callable[[int], object] | None,
    ) -> TrainedGroup:
        """Train the layers that these rows hold. Unless `patient`, refinement ends when validation
        stops improving; `until` is its last step."""
        recipe, output = self.recipe, self.output
        start, moments = closed_form_start(train, validation, output, recipe)
        device = output.head.device
        vocabulary, span = None, False
        if recipe.samples(output.projection.n_vocab):
            vocabulary = SampledVocabulary.of(
                train, start.translators, output,
                n_tokens=recipe.sampled_tokens, seed=self.seed, side=self.side,
            )  # fmt: skip
            span = len(train) < train.d_model
        white = Whitening.of_span(train, moments, device) if span else None
        white = white or Whitening.whole(moments, device)
        del moments  # it holds twice what the state does
        refinement = Refinement(
            train=train, validation=validation, start=start, whitening=white, output=output,
            recipe=recipe, seed=self.seed, vocabulary=vocabulary,
        )  # fmt: skip
        state = _refined(refinement, until, patient, checkpoint, progress)
        guard = train.thinned(recipe.guard_rows)
        best = start.improved(
            white.translators(state.best), REFINED, guard, state.best_validation, output
        )
        return TrainedGroup(
            translators=best.translators.on(torch.device("cpu")),
            kept=best.kept,
            validation_nats=best.validation,
            training_nats=best.guard,
            falls=tuple(state.falls),
            best_step=state.best_step,
            steps=state.step,
        )


def _refined(
    refinement: Refinement,
    until: int,
    patient: bool,
    checkpoint: Path | None,
    progress: Callable[[int], object] | None,
) -> State:
    """The state at the end of refinement, which goes on from the checkpoint if there is one."""
    output, recipe = refinement.output, refinement.recipe
    saved, identity, written = None, "", time.monotonic()
    if checkpoint is not None:
        identity = identity_of(
            refinement.train, refinement.validation, output.unembedding, recipe, refinement.seed
        )
        saved = read_checkpoint(checkpoint, identity, output.head.device)
    state = saved or refinement.initial()
    done = 0

    def look(now: State) -> None:
        nonlocal done, written
        waited = time.monotonic() - written
        small = 12 * now.change.numel() <= _WRITTEN_AT_ONCE
        if checkpoint is not None and (small or waited >= _SECONDS_BETWEEN):
            write_checkpoint(checkpoint, now, identity)
            written = time.monotonic()
        if progress is not None:
            progress(now.step - done)
            done = now.step

    refinement.run(state, look, until=until, patient=patient)
    return state
