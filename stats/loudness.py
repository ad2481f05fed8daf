"""How loudly a readout speaks: the factor by which its scores would mean what they say."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.stats import t as student_t

from stats.arguments import enough_scenes, probability
from stats.information import checked_scores, layer_blocks, sample_of
from stats.penalised_loss import PenalisedLoss, Readers, Sample
from stats.readers import MOST_SCALE, fit_readers, held_at_bounds, standardised
from stats.scenes import Labels, item_weights, scene_means

# A tenth of that of `information`, which pulls the scale of few well-read scenes towards 0: they
# would be called over-confident. (Coverage of s = 4 at 40 scenes: .87 with it, .93 with this.)
_PENALTY = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Loudness:
    """The scale of the best reader at each layer, fitted on all scenes.

    >>> answers = np.arange(40) % 2
    >>> found = loudness(np.zeros((40, 2, 1)), answers, np.arange(40))
    >>> found.scale.tolist(), found.low.tolist(), found.high.tolist()  # Nothing is said.
    ([0.0], [0.0], [0.0])
    """

    scale: Float[ndarray, " layer"]
    """The factor by which the scores should be multiplied. At 1 the readout means what it says,
    below 1 it is too loud (over-confident), above 1 it knows more than it says, and at 0 nothing
    that it says can be used."""
    low: Float[ndarray, " layer"]
    """Lower end of the interval, each layer alone at `level` (not simultaneous); at least 0."""
    high: Float[ndarray, " layer"]
    """Upper end of the interval, likewise."""
    level: float
    """Nominal coverage of each interval."""
    n_scenes: int
    """Number of scenes, the units that were sampled."""


def loudness(
    scores: Float[ndarray, "item answer layer"],
    answers: Int[ndarray, " item"],
    scenes: Labels,
    *,
    level: float = 0.95,
) -> Loudness:
    """Estimate the scale s of the reader q(a) ~ exp(s r_a) pi(a)^c at each layer, with an interval.

    `scores`, `answers` and `scenes` are those of `information`. Estimand: s of the likeliest such
    reader in the population of scenes, whether or not any is true, with a tenth of the penalty
    of `information`, so that what is well read is not called too loud; the interval is that of an
    M-estimator with scenes as clusters (jackknifed sandwich), from the unbounded Newton step, cut
    at 0 and at 50 spreads. A layer whose scores are constant has scale 0 and no width.

    Assumption: independent scenes, and so many that the estimate is normal (see the validation).
    Scores that tell almost all answers leave the scale open above, and the interval is then too
    narrow (it covers .7 at 60 scenes whose right answer stands out by 3 standard deviations, .95 at
    1). Raises ValueError where `information` does, except for what concerns folds. Source: White
    (1982), Econometrica 50:1; Liang & Zeger (1986), Biometrika 73:13 (clusters); Bell & McCaffrey
    (2002), Survey Methodology 28:169 (jackknife).

    >>> rng = np.random.default_rng(0)
    >>> answers = rng.integers(0, 2, 2000)
    >>> scores = np.eye(2)[answers] + rng.normal(size=(2000, 2))  # Evidence that is meant as said.
    >>> found = loudness(np.stack([scores, 4 * scores], axis=2), answers, np.arange(2000))
    >>> found.scale.round(1).tolist()
    [1.0, 0.3]
    """
    table, labels, scene = checked_scores(scores, answers, scenes)
    level = probability(level, name="level")
    n_scenes = int(scene.max()) + 1
    enough_scenes(n_scenes, name="scores")
    weight = item_weights(scene)
    reach = float(student_t.ppf((1 + level) / 2, n_scenes - 1))
    ends = np.empty((3, table.shape[2]))
    for layers in layer_blocks(table.shape):
        read = standardised(table[:, :, layers], weight)
        sample = replace(sample_of(read.scores, labels, weight, n_scenes), penalty=_PENALTY)
        readers = fit_readers(sample)
        centre, error = _newton_estimate(readers, sample, scene)
        alive = read.spread > 0
        spread = np.where(alive, read.spread, np.inf)
        sides = np.clip([centre - reach * error, centre + reach * error], 0, MOST_SCALE)
        ends[0, layers] = readers.scale / spread
        ends[1:, layers] = sides / spread
    return Loudness(scale=ends[0], low=ends[1], high=ends[2], level=level, n_scenes=n_scenes)


def _newton_estimate(
    readers: Readers, sample: Sample, scene: Int[ndarray, " item"]
) -> tuple[Float[ndarray, " layer"], Float[ndarray, " layer"]]:
    """Where the parabola of the likelihood in s has its top, in bounds or not, and its error."""
    loss = PenalisedLoss(sample)
    loss.at(readers)
    gradient, hessian = loss.derivatives(readers)
    # c at its bound stays there, in every resample near this sample.
    free_prior = ~held_at_bounds(readers, gradient)[:, 1]
    gradient, hessian = gradient[:, :2], hessian[:, :2, :2].copy()
    hessian[:, 0, 1] *= free_prior
    hessian[:, 1, 0] *= free_prior
    bread = np.linalg.inv(hessian)
    rows, curves = _by_scene(loss.probability, sample, scene, free_prior)
    n_scenes = len(rows)
    # Each scene as if it had been left out of the fit, without which small samples look too sure.
    leverage = np.eye(2) - curves @ bread / n_scenes
    rows = np.linalg.solve(leverage, rows[..., None])[..., 0]
    rows = rows - rows.mean(axis=0)
    meat = np.einsum("nlp,nlq->lpq", rows, rows) / n_scenes
    variance = (bread @ meat @ bread)[:, 0, 0] / n_scenes
    gradient[:, 1] *= free_prior
    centre = readers.scale - np.einsum("lp,lp->l", bread[:, 0], gradient)
    return centre, np.sqrt(variance)


def _by_scene(
    probability: Float[ndarray, "layer answer item"],
    sample: Sample,
    scene: Int[ndarray, " item"],
    free_prior: Bool[ndarray, " layer"],
) -> tuple[Float[ndarray, "scene layer 2"], Float[ndarray, "scene layer 2 2"]]:
    """Each scene's gradient and Hessian of the loss in s and c, as means over its items."""
    scores, prior = sample.scores, sample.log_prior
    expected = (probability * scores).sum(axis=1), np.einsum("lai,a->li", probability, prior)
    right = np.take_along_axis(scores, sample.answers[None, None], axis=1)[:, 0]
    mixed = (probability * scores * prior[:, None]).sum(axis=1) - expected[0] * expected[1]
    columns = [
        expected[0] - right,
        (expected[1] - prior[sample.answers]) * free_prior[:, None],
        (probability * np.square(scores)).sum(axis=1) - np.square(expected[0]),
        mixed * free_prior[:, None],
        np.einsum("lai,a->li", probability, np.square(prior)) - np.square(expected[1]),
    ]
    table = np.stack(columns, axis=2).transpose(1, 0, 2)
    means = scene_means(table.reshape(len(scene), -1), scene).reshape(-1, *table.shape[1:])
    gradient, square, mixed, prior_square = (
        means[..., :2], means[..., 2], means[..., 3], means[..., 4],
    )  # fmt: skip
    curves = np.stack([square, mixed, mixed, prior_square], axis=2)
    return gradient, curves.reshape(*square.shape, 2, 2)
