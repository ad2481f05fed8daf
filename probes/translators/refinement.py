"""Refinement of translators by Muon on the divergence itself, in whitened coordinates.

With u = W (h - mean) white, a translator is h + C [u, 1]: steps of C then mean the same in every
direction of the input. The state after a step is a function of the state before it, the seed and
the step's number, so that a resumed refinement gives the same bytes as an undisturbed one.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor

from data_prep.errors import UserError
from probes.translators.affine import Translators, kl_by_layer
from probes.translators.muon import orthogonalised
from probes.translators.output_map import BLOCK_ROWS, OutputMap, kl_with_gradient
from probes.translators.recipe import Recipe
from probes.translators.rows import ResidualRows
from probes.translators.second_moments import SecondMoments
from probes.translators.start import Chosen

# A batch's divergence above this many times the start's, and so many nats more, is divergence.
_RUNAWAY_TIMES, _RUNAWAY_NATS = 20.0, 10.0


@dataclass(slots=True, kw_only=True, eq=False)
class State:
    """What a checkpoint holds."""

    step: int = 0
    looks_in_vain: int = 0
    change: Float[Tensor, "layer d_model inputs"]
    """C, the offset in the last column."""
    momentum: Float[Tensor, "layer d_model inputs"]
    best: Float[Tensor, "layer d_model inputs"]
    """C where validation was best, layer by layer."""
    best_validation: Float[Tensor, " layer"]
    last_validation: Float[Tensor, " layer"]
    """Divergence at the last look. While the learning rate decays, a layer that got worse at first
    can still come out better: only a look at which all are worse than at the last is in vain."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Refinement:
    """Everything about a refinement that does not change while it runs."""

    train: ResidualRows
    validation: ResidualRows
    start: Chosen
    moments: SecondMoments
    output: OutputMap
    """Exact: what is kept is decided by it."""
    recipe: Recipe
    seed: int
    _whitener: Tensor = field(init=False)
    _mean: Tensor = field(init=False)
    _scale: Tensor = field(init=False)

    def __post_init__(self) -> None:
        device = self.output.head.device
        object.__setattr__(self, "_whitener", self.moments.whitener().to(device))
        object.__setattr__(self, "_mean", self.moments.mean.float().to(device))
        object.__setattr__(self, "_scale", self._start_scale())

    def initial(self) -> State:
        """The start in whitened coordinates."""
        maps, offsets = self.start.translators.maps, self.start.translators.offsets
        change = torch.linalg.solve(self._whitener.mT, maps.mT).mT
        constant = offsets + torch.einsum("loi,li->lo", maps, self._mean)
        change = torch.cat([change, constant[..., None]], dim=2)
        return State(
            change=change,
            momentum=torch.zeros_like(change),
            best=change.clone(),
            best_validation=self.start.validation.clone(),
            last_validation=self.start.validation.clone(),
        )

    def run(self, state: State, look: Callable[[State], object]) -> None:
        """Steps until the recipe's end or until validation stops improving.

        `look` is called after each look at the validation rows. UserError that names layer and
        step if a layer diverges.
        """
        recipe = self.recipe
        steps_output = OutputMap.of(self.output.unembedding, recipe.products)
        while state.step < recipe.steps and state.looks_in_vain < recipe.patience:
            self._step(state, steps_output)
            state.step += 1
            if state.step % recipe.evaluate_every == 0 or state.step == recipe.steps:
                self._look(state)
                look(state)

    def translators(self, change: Float[Tensor, "layer d_model inputs"]) -> Translators:
        """The translators h + A h + b that a change in whitened coordinates stands for."""
        maps = change[..., :-1] @ self._whitener
        offsets = change[..., -1] - torch.einsum("loi,li->lo", maps, self._mean)
        return Translators(maps=maps, offsets=offsets)

    def _step(self, state: State, output: OutputMap) -> None:
        recipe = self.recipe
        gradient = self._gradient(state, output)
        state.momentum.mul_(recipe.momentum).add_(gradient)
        # Nesterov's look ahead, as in the reference implementation of Muon.
        direction = orthogonalised(gradient + recipe.momentum * state.momentum)
        rate = recipe.learning_rate * _schedule(state.step, recipe)
        state.change.sub_(rate * self._scale[:, None, None] * direction)
        if recipe.rank is not None:
            _project(state.change, recipe.rank)

    def _gradient(self, state: State, output: OutputMap) -> Float[Tensor, "layer d_model inputs"]:
        translators = self.translators(state.change)
        rows = self._batch(state.step)
        by_map = torch.zeros_like(translators.maps)
        by_offset = torch.zeros_like(translators.offsets)
        missed = torch.zeros(len(by_map), dtype=torch.float64)
        for part in rows.split(BLOCK_ROWS):
            block = self.train.take(part).to(by_map.device)
            kl, gradient = kl_with_gradient(translators.apply(block), block[:, -1], output)
            missed += kl.sum(1, dtype=torch.float64).cpu()
            centred = block[:, :-1].transpose(0, 1) - self._mean[:, None]
            by_map.baddbmm_(gradient.mT, centred)
            by_offset += gradient.sum(1)
        self._refuse_runaway(missed / len(rows), state.step)
        return torch.cat([by_map @ self._whitener.mT, by_offset[..., None]], dim=2) / len(rows)

    def _batch(self, step: int) -> Int[Tensor, " row"]:
        """Rows of a step: the training rows in an order of their own for each epoch."""
        size = min(self.recipe.batch_size, len(self.train))
        steps_per_epoch = len(self.train) // size
        epoch, place = divmod(step, steps_per_epoch)
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + epoch) % 2**63)
        order = torch.randperm(len(self.train), generator=generator)
        return order[place * size : (place + 1) * size]

    def _look(self, state: State) -> None:
        found = kl_by_layer(self.validation, self.translators(state.change), self.output)
        better = found < state.best_validation
        falling = bool((found < state.last_validation).any())
        state.looks_in_vain = 0 if falling else state.looks_in_vain + 1
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
            bits = math.log(2)
            raise UserError(
                f"training diverged at layer {layer}, step {step}: its divergence is "
                f"{missed[layer] / bits:.3g} bits, {self.start.guard[layer] / bits:.3g} at the "
                f"start: lower the learning rate (now {self.recipe.learning_rate})"
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
