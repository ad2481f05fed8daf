"""Refinement of translators by Muon on the divergence itself, in whitened coordinates.

Steps of C (see `whitening`) mean the same in every direction of the input. The state after a step
is a function of the state before it, the seed and the step's number, so that a resumed refinement
gives the same bytes as an undisturbed one.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor

from data_prep.errors import UserError
from probes.translators.affine import kl_by_layer
from probes.translators.muon import orthogonalised
from probes.translators.output_map import BLOCK_ROWS, OutputMap, kl_with_gradient
from probes.translators.recipe import Recipe
from probes.translators.rows import ResidualRows
from probes.translators.sampled_vocabulary import SampledVocabulary, final_side
from probes.translators.start import Chosen
from probes.translators.whitening import Whitening

Divergence = Callable[[Tensor, Tensor, slice], tuple[Tensor, Tensor]]

_BITS = math.log(2)
# A batch's divergence above this many times the start's, and so many nats more, is divergence.
_RUNAWAY_TIMES, _RUNAWAY_NATS = 20.0, 10.0


@dataclass(slots=True, kw_only=True, eq=False)
class State:
    """What a checkpoint holds."""

    step: int = 0
    change: Float[Tensor, "layer d_model inputs"]
    """C, the offset in the last column."""
    momentum: Float[Tensor, "layer d_model inputs"]
    best: Float[Tensor, "layer d_model inputs"]
    """C where validation was best, layer by layer."""
    best_validation: Float[Tensor, " layer"]
    best_step: Int[Tensor, " layer"]
    """The step at which `best` was looked at; 0 for the start."""
    falls: list[bool]
    """Whether, at each look so far, some layer was better than at the look before."""
    last_validation: Float[Tensor, " layer"]
    """Divergence at the last look. While the learning rate decays, a layer that got worse at first
    can still come out better: only a look at which all are worse than at the last is in vain."""

    @property
    def looks_in_vain(self) -> int:
        """How many of the last looks, one after the other, were in vain."""
        return next(
            (back for back, fell in enumerate(reversed(self.falls)) if fell), len(self.falls)
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Refinement:
    """Everything about a refinement that does not change while it runs."""

    train: ResidualRows
    validation: ResidualRows
    start: Chosen
    whitening: Whitening
    output: OutputMap
    """Exact: what is kept is decided by it."""
    recipe: Recipe
    seed: int
    vocabulary: SampledVocabulary | None
    """What steps draw tokens from; None: they read the whole vocabulary."""
    _scale: Tensor = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_scale", self._start_scale())

    def initial(self) -> State:
        """The start in whitened coordinates."""
        change = self.whitening.change_of(self.start.translators)
        return State(
            change=change,
            momentum=torch.zeros_like(change),
            best=change.clone(),
            best_validation=self.start.validation.clone(),
            best_step=torch.zeros(len(change), dtype=torch.int64),
            falls=[],
            last_validation=self.start.validation.clone(),
        )

    def run(
        self, state: State, look: Callable[[State], object], *, until: int, patient: bool
    ) -> None:
        """Steps until that one; unless `patient`, only while validation improves.

        `look` is called after each look at the validation rows. UserError that names layer and
        step if a layer diverges.
        """
        recipe = self.recipe
        steps_output = self.output
        if self.vocabulary is None:
            steps_output = OutputMap.of(self.output.unembedding, recipe.products)
        while state.step < until and (patient or state.looks_in_vain < recipe.patience):
            self._step(state, steps_output)
            state.step += 1
            if state.step % recipe.evaluate_every == 0 or state.step == recipe.steps:
                self._look(state)
                look(state)

    def _step(self, state: State, output: OutputMap) -> None:
        recipe = self.recipe
        gradient = self._gradient(state, output)
        state.momentum.mul_(recipe.momentum).add_(gradient)
        rate = recipe.learning_rate * _schedule(state.step, recipe)
        # Layer by layer, for what a step takes in between is several times the state.
        for change, own, momentum, scale in zip(
            state.change, gradient, state.momentum, self._scale, strict=True
        ):
            # Nesterov's look ahead, as in the reference implementation of Muon.
            direction = orthogonalised((own + recipe.momentum * momentum)[None])[0]
            change.sub_(rate * scale * direction)
        if recipe.rank is not None:
            _project(state.change, recipe.rank)

    def _gradient(self, state: State, output: OutputMap) -> Float[Tensor, "layer d_model inputs"]:
        translators = self.whitening.translators(state.change)
        rows = self._batch(state.step)
        by_map = torch.zeros_like(translators.maps)
        by_offset = torch.zeros_like(translators.offsets)
        missed = torch.zeros(len(by_map), dtype=torch.float64)
        divergence = self._divergence(state.step, rows, output)
        for start in range(0, len(rows), BLOCK_ROWS):
            part = slice(start, start + BLOCK_ROWS)
            block = self.train.take(rows[part]).to(by_map.device)
            kl, gradient = divergence(translators.apply(block), block[:, -1], part)
            missed += kl.cpu().sum(1, dtype=torch.float64)
            centred = block[:, :-1].transpose(0, 1) - self.whitening.mean[:, None]
            by_map.baddbmm_(gradient.mT, centred)
            by_offset += gradient.sum(1)
        self._refuse_runaway(missed / len(rows), state.step)
        return self.whitening.gradient(by_map, by_offset) / len(rows)

    def _divergence(self, step: int, rows: Int[Tensor, " row"], output: OutputMap) -> Divergence:
        """What gives the divergence of a part of a step's rows, and its gradient."""
        vocabulary = self.vocabulary
        if vocabulary is None:
            return lambda translated, final, part: kl_with_gradient(translated, final, output)
        if vocabulary.side is None:
            side = final_side(self.train.select(rows), self.output)
        else:
            side = vocabulary.side.of(rows)
        drawn = [vocabulary.drawn(step, place, side) for place in range(self.train.n_layers)]
        every = torch.arange(len(rows))
        return lambda translated, final, part: vocabulary.kl_with_gradient(
            translated, final, side.of(every[part]), drawn
        )

    def _batch(self, step: int) -> Int[Tensor, " row"]:
        """Rows of a step: the training rows in an order of their own for each epoch."""
        size = min(self.recipe.batch_size, len(self.train))
        steps_per_epoch = len(self.train) // size
        epoch, place = divmod(step, steps_per_epoch)
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + epoch) % 2**63)
        order = torch.randperm(len(self.train), generator=generator)
        return order[place * size : (place + 1) * size]

    def _look(self, state: State) -> None:
        translators = self.whitening.translators(state.change)
        found = kl_by_layer(self.validation, translators, self.output)
        better = found < state.best_validation
        state.falls.append(bool((found < state.last_validation).any()))
        state.best_step[better] = state.step
        state.last_validation = found
        state.best_validation = torch.where(better, found, state.best_validation)
        chosen = better.to(state.change.device)[:, None, None]
        state.best = torch.where(chosen, state.change, state.best)

    def _start_scale(self) -> Float[Tensor, " layer"]:
        """Root mean square of what the start puts out: the final norm takes the scale away."""
        sample = self.train.thinned(BLOCK_ROWS)
        block = sample.take(torch.arange(len(sample))).to(self.output.head.device)
        return self.start.translators.apply(block).square().mean((1, 2)).sqrt()

    def _refuse_runaway(self, missed: Float[Tensor, " layer"], step: int) -> None:
        allowed = _RUNAWAY_TIMES * self.start.guard + _RUNAWAY_NATS
        bad = (~(missed <= allowed)).nonzero()
        if len(bad):
            layer = int(bad[0])
            now, before = (missed[layer] / _BITS, self.start.guard[layer] / _BITS)
            raise UserError(
                f"training diverged at layer {self.train.layers[layer]}, step {step}: its "
                f"divergence is {now:.3g} bits, {before:.3g} at the start: lower the learning "
                f"rate (now {self.recipe.learning_rate})"
            )


def _schedule(step: int, recipe: Recipe) -> float:
    """Share of the learning rate: up during the warm-up, then down to 0 at the end."""
    warm = round(recipe.warm_up * recipe.steps)
    return min((step + 1) / (warm + 1), (recipe.steps - step) / (recipe.steps - warm))


def _project(change: Float[Tensor, "layer d_model inputs"], rank: int) -> None:
    """Reduce the linear part in place to the nearest of that rank; the offset stays free."""
    linear = change[..., :-1]
    left = torch.linalg.svd(linear, full_matrices=False)[0][..., :rank]
    change[..., :-1] = left @ (left.mT @ linear)
