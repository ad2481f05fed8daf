"""The penalised likelihood of small readers of scores: its value, slope and curvature by layer.

All layers are judged at once, and one reader after another on the same items, as a fit does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

PENALTY = 0.1
"""The factor of the squared parameters in the penalty, in nats over all scenes. It does not pull
down a readout whose right answer stands out by 3 spreads. A penalty of 1 would: scenes then differ
too little, and the interval of `lambda_half` from 40 scenes covers .87 to .93 (see the validation).
"""


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

    def fixed(self, sample: Sample) -> Float[ndarray, "layer answer"]:
        """What is added to the scores of each answer, whatever they are."""
        return self.prior_exponent[:, None] * sample.log_prior + self.offsets

    def logits(self, sample: Sample) -> Float[ndarray, "layer answer item"]:
        """Unnormalised log-probabilities of the answers."""
        return self.scale[:, None, None] * sample.scores + self.fixed(sample)[:, :, None]

    def of(self, layers: slice) -> "Readers":
        """The readers of some layers."""
        return Readers(**{each.name: getattr(self, each.name)[layers] for each in fields(self)})

    @staticmethod
    def joined(parts: "Sequence[Readers]") -> "Readers":
        """The readers of several runs of layers, one after the other."""
        names = [each.name for each in fields(Readers)]
        return Readers(
            **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        )


class PenalisedLoss:
    """The mean of -log q (nats) over a sample, plus penalty (s^2 + (c - 1)^2 + |b|^2) / 2n.

    n is the number of scenes. Arrays as large as the scores are made once: to ask the system for
    fresh memory at each step of a fit takes longer than to compute what it holds.

    >>> answers = np.array([0, 1, 0, 1])
    >>> sample = Sample(
    ...     scores=np.zeros((1, 2, 4)), answers=answers, weight=np.full(4, 0.25),
    ...     log_prior=np.log([0.5, 0.5]), n_scenes=4,
    ... )
    >>> ignoring = Readers(scale=np.zeros(1), prior_exponent=np.ones(1), offsets=np.zeros((1, 2)))
    >>> loss = PenalisedLoss(sample)
    >>> loss.at(ignoring).round(3).tolist()  # log 2
    [0.693]
    >>> gradient, _ = loss.derivatives(ignoring)
    >>> gradient.tolist()  # It is least here.
    [[0.0, 0.0, 0.0, 0.0]]
    """

    def __init__(self, sample: Sample) -> None:
        self.sample = sample
        self.probability = np.empty_like(sample.scores)
        """What the readers judged last give each answer, `[layer, answer, item]`."""
        self._room = np.empty_like(sample.scores)
        self._own = np.take_along_axis(sample.scores, sample.answers[None, None], axis=1)[:, 0]
        self._share = np.bincount(sample.answers, sample.weight, minlength=sample.scores.shape[1])

    def at(self, readers: Readers) -> Float[ndarray, " layer"]:
        """The loss of each layer's reader."""
        sample, table = self.sample, self.probability
        fixed = readers.fixed(sample)
        np.multiply(sample.scores, readers.scale[:, None, None], out=table)
        table += fixed[:, :, None]
        most = table.max(axis=1, keepdims=True)
        table -= most
        np.exp(table, out=table)
        total = table.sum(axis=1, keepdims=True)
        table /= total
        right = readers.scale[:, None] * self._own + fixed[:, sample.answers]
        missed = ((np.log(total[:, 0]) + most[:, 0] - right) * sample.weight).sum(axis=1)
        squares = readers.scale**2 + (readers.prior_exponent - 1) ** 2
        squares = squares + np.square(readers.offsets).sum(axis=1)
        return missed + squares * sample.ridge / 2

    def derivatives(
        self, readers: Readers
    ) -> tuple[Float[ndarray, "layer parameter"], Float[ndarray, "layer parameter parameter"]]:
        """Gradient and Hessian of the loss at the readers that were judged last, per layer.

        The parameters are s, c and each answer's b, in this order.
        """
        sample, probability = self.sample, self.probability
        n_layers, n_answers, _ = sample.scores.shape
        expected = np.einsum("lai,lai->li", probability, sample.scores)
        weighted = np.multiply(probability, sample.weight, out=self._room)
        surplus = weighted.sum(axis=2)
        curvature = -(weighted @ probability.transpose(0, 2, 1))
        curvature[:, range(n_answers), range(n_answers)] += surplus
        surplus = surplus - self._share
        weighted *= sample.scores
        mixed = weighted.sum(axis=2)
        mixed -= np.einsum("lai,li->la", probability, expected * sample.weight)
        square = np.einsum("lai,lai->l", weighted, sample.scores)

        gradient = np.empty((n_layers, 2 + n_answers))
        gradient[:, 0] = ((expected - self._own) * sample.weight).sum(axis=1)
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
