"""Small readers of a readout's scores: a scale, a trust in the prior and, if asked for, offsets.

A reader turns answer scores r into probabilities, q(a) ~ exp(s r_a) pi_a^c exp(b_a): s = 0, c = 1
ignores the scores and states how often each answer occurs; s = 1, c = 0 takes them at their word.
Readers are fitted for all layers at once, by penalised maximum likelihood, whose loss is strictly
convex.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

MOST_SCALE = 50.0
"""Bound of s in spreads of the scores: beyond it a reader is certain of everything."""
PENALTY = 0.1
"""The factor of the squared parameters in the penalty, in nats over all scenes. It does not pull
down a readout whose right answer stands out by 3 spreads. A penalty of 1 would: scenes then differ
too little, and the interval of `lambda_half` from 40 scenes covers .87 to .93 (see the validation).
"""
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
CELLS_PER_BLOCK = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Standardised:
    """Scores without their additive constants and scale: what readers are fitted to."""

    scores: Float[ndarray, "layer answer item"]
    """Centred over answers, in units of `spread`; 0 where a layer has no spread."""
    spread: Float[ndarray, " layer"]
    """Root mean square of the centred scores, each scene counting once; 0 of constant scores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Scored items on which a reader is fitted, or judged."""

    scores: Float[ndarray, "layer answer item"]
    """Standardised scores."""
    answers: Int[ndarray, " item"]
    """Index of each item's own answer."""
    weight: Float[ndarray, " item"]
    """Share of each item: all scenes weigh alike, and so do the items of one scene. They sum to
    1 where a reader is fitted."""
    log_prior: Float[ndarray, " answer"]
    """Natural logarithm of how often each answer occurs on the scenes of the fit."""
    n_scenes: int
    """Number of scenes of the fit."""
    penalty: float = PENALTY
    """The factor of the squares in the penalty, in nats over all scenes."""

    @property
    def ridge(self) -> float:
        """What the penalty adds to the curvature of the loss, which is a mean over scenes."""
        return self.penalty / self.n_scenes


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """One fitted reader per layer."""

    scale: Float[ndarray, " layer"]
    """s, the factor of the scores in units of their spread."""
    prior_exponent: Float[ndarray, " layer"]
    """c, the exponent of the answers' frequencies."""
    offsets: Float[ndarray, "layer answer"]
    """b, one preference per answer; all 0 unless readers with offsets were asked for."""

    def logits(self, sample: Sample) -> Float[ndarray, "layer answer item"]:
        """Unnormalised log-probabilities of the answers."""
        fixed = self.prior_exponent[:, None] * sample.log_prior + self.offsets
        return self.scale[:, None, None] * sample.scores + fixed[:, :, None]


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


@dataclass(frozen=True, slots=True)
class _Point:
    """The penalised likelihood at one reader per layer, with what the next step needs."""

    readers: Readers
    loss: Float[ndarray, " layer"]
    probability: Float[ndarray, "layer answer item"]


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
    point = _at(readers, sample)
    # A layer that has arrived stays: what it gives must not depend on which are fitted with it.
    moving = np.ones(n_layers, dtype=bool)
    for _ in range(_MOST_STEPS):
        step, gain = _newton_step(point, sample, offsets=offsets)
        point, moved = _line_search(point, step * moving[:, None], sample)
        moving &= (moved >= _STILL) & (gain >= _NO_GAIN)
        if not moving.any():
            break
    return point.readers


def _at(readers: Readers, sample: Sample) -> _Point:
    logits = readers.logits(sample)
    logits -= logits.max(axis=1, keepdims=True)
    right = np.take_along_axis(logits, sample.answers[None, None], axis=1)[:, 0]
    probability = np.exp(logits, out=logits)
    total = probability.sum(axis=1, keepdims=True)
    probability /= total
    squares = readers.scale**2 + (readers.prior_exponent - 1) ** 2
    squares = squares + np.square(readers.offsets).sum(axis=1)
    missed = ((np.log(total[:, 0]) - right) * sample.weight).sum(axis=1)
    loss = missed + squares * sample.ridge / 2
    return _Point(readers, loss, probability)


def derivatives(
    readers: Readers, probability: Float[ndarray, "layer answer item"], sample: Sample
) -> tuple[Float[ndarray, "layer parameter"], Float[ndarray, "layer parameter parameter"]]:
    """Gradient and Hessian of the penalised loss at `readers`, per layer.

    The parameters are s, c and each answer's b, in this order; `probability` is what the readers
    give each answer.

    >>> answers = np.array([0, 1, 0, 1])
    >>> sample = Sample(
    ...     scores=np.zeros((1, 2, 4)), answers=answers, weight=np.full(4, 0.25),
    ...     log_prior=np.log([0.5, 0.5]), n_scenes=4,
    ... )
    >>> gradient, _ = derivatives(fit_readers(sample), np.full((1, 2, 4), 0.5), sample)
    >>> gradient.tolist()  # The loss is least here.
    [[0.0, 0.0, 0.0, 0.0]]
    """
    n_layers, n_answers, _ = sample.scores.shape
    weighted = probability * sample.weight
    expected = (probability * sample.scores).sum(axis=1)
    right = np.take_along_axis(sample.scores, sample.answers[None, None], axis=1)[:, 0]
    surplus = weighted.sum(axis=2)
    curvature = -(weighted @ probability.transpose(0, 2, 1))
    curvature[:, range(n_answers), range(n_answers)] += surplus
    surplus = surplus - np.bincount(sample.answers, sample.weight, minlength=n_answers)
    mixed = (weighted * (sample.scores - expected[:, None])).sum(axis=2)
    square = (weighted * np.square(sample.scores)).sum(axis=(1, 2))

    gradient = np.empty((n_layers, 2 + n_answers))
    gradient[:, 0] = ((expected - right) * sample.weight).sum(axis=1)
    gradient[:, 0] += readers.scale * sample.ridge
    gradient[:, 1] = (surplus * sample.log_prior).sum(axis=1)
    gradient[:, 1] += (readers.prior_exponent - 1) * sample.ridge
    gradient[:, 2:] = surplus + readers.offsets * sample.ridge
    hessian = np.empty((n_layers, 2 + n_answers, 2 + n_answers))
    hessian[:, 0, 0] = square - (np.square(expected) * sample.weight).sum(axis=1)
    hessian[:, 0, 2:] = hessian[:, 2:, 0] = mixed
    hessian[:, 0, 1] = hessian[:, 1, 0] = (mixed * sample.log_prior).sum(axis=1)
    hessian[:, 2:, 2:] = curvature
    along = curvature @ sample.log_prior
    hessian[:, 1, 2:] = hessian[:, 2:, 1] = along
    hessian[:, 1, 1] = (along * sample.log_prior).sum(axis=1)
    diagonal = np.arange(2 + n_answers)
    hessian[:, diagonal, diagonal] += sample.ridge
    return gradient, hessian


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
    point: _Point, sample: Sample, *, offsets: bool
) -> tuple[Float[ndarray, "layer parameter"], Float[ndarray, " layer"]]:
    """Each layer's step, and twice what its loss is expected to fall by."""
    gradient, hessian = derivatives(point.readers, point.probability, sample)
    held = held_at_bounds(point.readers, gradient)
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
    point: _Point, step: Float[ndarray, "layer parameter"], sample: Sample
) -> tuple[_Point, Float[ndarray, " layer"]]:
    """The point after each layer's step, halved until the loss falls; and how far each moved."""
    length = np.ones((len(step), 1))
    for _ in range(_HALVINGS):
        moved = _moved(point.readers, length * step)
        trial = _at(moved, sample)
        # Of rounding's size a rise is none: the step is then the last.
        worse = trial.loss > point.loss + 1e-14 * (1 + np.abs(point.loss))
        if not worse.any():
            break
        length = np.where(worse[:, None], length / 2, length)
    return trial, np.abs(length * step).max(axis=1)


def _moved(readers: Readers, step: Float[ndarray, "layer parameter"]) -> Readers:
    return Readers(
        scale=np.clip(readers.scale + step[:, 0], 0, MOST_SCALE),
        prior_exponent=np.maximum(readers.prior_exponent + step[:, 1], 0),
        offsets=readers.offsets + step[:, 2:],
    )
