"""Small readers of a readout's scores: a scale, a trust in the prior and, if asked for, offsets.

A reader turns answer scores r into probabilities, q(a) ~ exp(s r_a) pi_a^c exp(b_a): s = 0, c = 1
ignores the scores and states how often each answer occurs; s = 1, c = 0 takes them at their word.
Readers are fitted for all layers at once, by penalised maximum likelihood, whose loss is strictly
convex.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from stats.penalised_loss import PenalisedLoss, Readers, Sample

MOST_SCALE = 50.0
"""Bound of s in spreads of the scores: beyond it a reader is certain of everything."""
_MOST_STEPS = 200
_HALVINGS = 40
# Newton's steps end quadratically: below this the next one is rounding.
_STILL = 1e-11
# So it is where the loss (nats) has no more than this to fall by. Of many scenes with answers
# equally frequent only this ends the steps: the prior's exponent is then held by the penalty alone.
_NO_GAIN = 1e-16
# A spread below this share of the scores' own size is rounding, not spread.
_NO_SPREAD = 1e-13
# Cells [layer, answer, item] of which the temporary arrays of a fit are made.
# Few enough for what a step computes to stay in the processor's cache.
CELLS_PER_BLOCK = 2**17


@dataclass(frozen=True, slots=True, kw_only=True)
class Standardised:
    """Scores without their additive constants and scale: what readers are fitted to."""

    scores: Float[ndarray, "layer answer item"]
    """Centred over answers, in units of `spread`; 0 where a layer has no spread."""
    spread: Float[ndarray, " layer"]
    """Root mean square of the centred scores, each scene counting once; 0 of constant scores."""


def standardised(
    scores: Float[ndarray, "item answer layer"], weight: Float[ndarray, " item"]
) -> Standardised:
    """Scores centred over answers and divided by the spread of their layer.

    `weight` is each item's share in the spread. Layers of constant scores become 0.

    >>> scores = np.array([[[2.0], [0.0]], [[0.0], [2.0]]])
    >>> found = standardised(scores, np.array([0.5, 0.5]))
    >>> found.scores[0].tolist(), found.spread.tolist()
    ([[1.0, -1.0], [-1.0, 1.0]], [1.0])
    """
    table = np.ascontiguousarray(scores.T)
    size = np.abs(table).max(axis=(1, 2))
    # Powers of two, so that squares can neither overflow nor vanish and nothing is rounded.
    unit = np.ldexp(1.0, np.frexp(size)[1])[:, None, None]
    table = table / unit
    table -= table.mean(axis=1, keepdims=True)
    spread = np.sqrt((np.square(table).mean(axis=1) * weight).sum(axis=1))
    alive = spread > _NO_SPREAD
    table *= np.divide(1.0, spread, out=np.zeros_like(spread), where=alive)[:, None, None]
    return Standardised(scores=table, spread=np.where(alive, spread * unit[:, 0, 0], 0.0))


def fit_readers(sample: Sample, *, offsets: bool = False, start: Readers | None = None) -> Readers:
    """Fit the readers of largest penalised likelihood, by Newton's method within the bounds.

    Minimises, per layer, the mean of -log q (nats) + penalty (s^2 + (c - 1)^2 + |b|^2) / 2n, with
    n the number of scenes, 0 <= s <= 50 spreads, c >= 0; b = 0 unless `offsets`. To start from
    readers that are near the solution saves steps.

    >>> answers = np.array([0, 1, 0, 1])
    >>> sample = Sample(
    ...     scores=np.zeros((1, 2, 4)), answers=answers, weight=np.full(4, 0.25),
    ...     log_prior=np.log([0.5, 0.5]), n_scenes=4,
    ... )
    >>> fit_readers(sample).scale.tolist()  # The scores say nothing.
    [0.0]
    """
    n_layers, n_answers, _ = sample.scores.shape
    readers = start or Readers(
        scale=np.zeros(n_layers),
        prior_exponent=np.ones(n_layers),
        offsets=np.zeros((n_layers, n_answers)),
    )
    loss = PenalisedLoss(sample)
    height = loss.at(readers)
    # A layer that has arrived stays: what it gives must not depend on which are fitted with it.
    moving = np.ones(n_layers, dtype=bool)
    for _ in range(_MOST_STEPS):
        step, gain = _newton_step(readers, loss, offsets=offsets)
        step *= moving[:, None]
        moving &= (np.abs(step).max(axis=1) >= _STILL) & (gain >= _NO_GAIN)
        if not moving.any():  # Steps of rounding's size need no search along them.
            return _moved(readers, step)
        readers, height, moved = _line_search(readers, height, step, loss)
        moving &= moved >= _STILL
    return readers


def held_at_bounds(
    readers: Readers, gradient: Float[ndarray, "layer parameter"]
) -> Bool[ndarray, "layer parameter"]:
    """Which parameters lie on a bound that a step down the gradient would cross.

    >>> readers = Readers(
    ...     scale=np.zeros(1), prior_exponent=np.ones(1), offsets=np.zeros((1, 2))
    ... )
    >>> held_at_bounds(readers, np.array([[1.0, 0.0, 0.0, 0.0]])).tolist()
    [[True, False, False, False]]
    """
    held = np.zeros(gradient.shape, dtype=bool)
    held[:, 0] = (readers.scale <= 0) & (gradient[:, 0] > 0)
    held[:, 0] |= (readers.scale >= MOST_SCALE) & (gradient[:, 0] < 0)
    held[:, 1] = (readers.prior_exponent <= 0) & (gradient[:, 1] > 0)
    return held


def _newton_step(
    readers: Readers, loss: PenalisedLoss, *, offsets: bool
) -> tuple[Float[ndarray, "layer parameter"], Float[ndarray, " layer"]]:
    """Each layer's step, and twice what its loss is expected to fall by."""
    gradient, hessian = loss.derivatives(readers)
    held = held_at_bounds(readers, gradient)
    if not offsets:
        held[:, 2:] = True
    free = ~held
    hessian *= free[:, :, None] & free[:, None, :]
    diagonal = np.arange(gradient.shape[1])
    hessian[:, diagonal, diagonal] += held
    downhill = np.where(free, -gradient, 0)
    step = np.linalg.solve(hessian, downhill[:, :, None])[:, :, 0]
    return step, (downhill * step).sum(axis=1)


def _line_search(
    readers: Readers,
    height: Float[ndarray, " layer"],
    step: Float[ndarray, "layer parameter"],
    loss: PenalisedLoss,
) -> tuple[Readers, Float[ndarray, " layer"], Float[ndarray, " layer"]]:
    """The readers after each layer's step, halved until the loss falls; their loss, and how far
    each moved."""
    length = np.ones((len(step), 1))
    # Of rounding's size a rise is none: the step is then the last.
    most = height + 1e-14 * (1 + np.abs(height))
    for _ in range(_HALVINGS):
        moved = _moved(readers, length * step)
        reached = loss.at(moved)
        worse = reached > most
        if not worse.any():
            break
        length = np.where(worse[:, None], length / 2, length)
    return moved, reached, np.abs(length * step).max(axis=1)


def _moved(readers: Readers, step: Float[ndarray, "layer parameter"]) -> Readers:
    return Readers(
        scale=np.clip(readers.scale + step[:, 0], 0, MOST_SCALE),
        prior_exponent=np.maximum(readers.prior_exponent + step[:, 1], 0),
        offsets=readers.offsets + step[:, 2:],
    )
