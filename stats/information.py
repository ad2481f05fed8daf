"""What a readout's scores tell about the answer, in bits, however loudly they are stated.

A score that is taken at its word is punished for the scale of its logits: the same knowledge said
twice as loudly costs more where it is wrong. So the scores are first read by the best of a few
small readers, fitted on other scenes. What is left to tell readouts and layers apart is knowledge.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy import ndarray

from stats.arguments import answer_indices, finite_array
from stats.folds import scene_folds
from stats.readers import CELLS_PER_BLOCK, Readers, Sample, fit_readers, standardised
from stats.scenes import Labels, codes


@dataclass(frozen=True, slots=True, kw_only=True)
class Information:
    """Information about the answer by item and layer, and the readers by which it was read."""

    bits: Float[ndarray, "item layer"]
    """log2 q(answer) - log2 pi(answer): what the readout tells of the item's answer beyond how
    often each answer occurs. At most log2 1/pi(answer); below 0 where it misleads, by
    log2(n + 2) at most."""
    guess: Float[ndarray, "item answer"]
    """pi: how often each answer occurs in the scenes that the item's readers were fitted on."""
    scale: Float[ndarray, " layer"]
    """s of a reader fitted on all scenes, in the unit of the scores: 1 where the readout means
    what it says, below 1 where it says too much (over-confident), 0 where it says nothing."""
    prior_exponent: Float[ndarray, " layer"]
    """c of the same reader: 0 where the scores hold the answers' frequencies already."""
    fold_scale: Float[ndarray, "fold layer"]
    """s of the readers that `bits` come from, one per fold of scenes left out."""
    fold_prior_exponent: Float[ndarray, "fold layer"]
    """c of the same readers."""
    fold: Int[ndarray, " item"]
    """The fold of each item's scene: its readers were fitted on all the other folds."""
    n_scenes: int
    """Scenes, which were dealt into folds as wholes."""


def information(
    scores: Float[ndarray, "item answer layer"],
    answers: Int[ndarray, " item"],
    scenes: Labels,
    *,
    rng: np.random.Generator,
    folds: int = 5,
    offsets: bool = False,
) -> Information:
    """Information about each item's answer at each layer, by readers cross-fitted by scene.

    `scores[i, a, l]` is what the readout gives answer a for item i at layer l, as a natural
    logarithm; an additive constant per item and layer is moot, and so is a positive factor per
    layer. `answers[i]` is the index of the item's own answer, `scenes` names its image. A reader

        q(a | i, l)  ~  exp(s_l r[i, a, l]) pi(a)^c_l,    0 <= s_l, 0 <= c_l,

    and with `offsets` besides exp(b_a), one free preference per answer, is fitted on the other
    folds by maximum likelihood, each scene counting once. Penalty: (s^2 + (c - 1)^2 + |b|^2) / 20n
    with s in units of the scores' spread and at most 50. q is mixed with 1 / (n + 2) of pi, so that
    nothing is infinite. With scores that say nothing the result is near 0, with perfect ones
    near the entropy of the answers.

    Assumes independent scenes. The fit's error is of second order in the mean (the likelihood is
    stationary at its optimum), so an item's bits may be averaged, tested and redrawn by scene as
    if the readers were fixed. `rng` deals scenes into folds: the same state and the same answers
    give the same folds, so that two conditions of the same items can share them.

    Raises ValueError for scores that are not finite, answers outside the axis, a single answer,
    fewer scenes than folds, an answer whose scenes are all in one fold. Source: V-information, Xu
    et al. (2020), arXiv:2002.10689; by item, Ethayarajh et al. (2022), arXiv:2110.08420; scale as
    in temperature scaling, Guo et al. (2017), arXiv:1706.04599.

    >>> rng = np.random.default_rng(0)
    >>> answers = np.arange(60) % 3
    >>> knows = np.eye(3)[answers][:, :, None] * np.array([0.0, 1.0, 100.0])
    >>> found = information(knows, answers, np.arange(60), rng=rng)
    >>> found.bits.mean(axis=0).round(2).tolist()
    [0.0, 1.58, 1.58]
    """
    table, labels, scene = checked_scores(scores, answers, scenes)
    n_items, n_answers, n_layers = table.shape
    weight = item_weights(scene)
    scene_fold = scene_folds(labels, scene, rng=rng, folds=folds)
    fold = scene_fold[scene]
    bits = np.empty((n_items, n_layers))
    scale, exponent = np.empty((2, n_layers))
    fold_scale, fold_exponent = np.empty((2, folds, n_layers))
    guess = _guess(labels, weight, fold, folds, n_answers)
    for layers in layer_blocks(table.shape):
        read = standardised(table[:, :, layers], weight)
        whole = sample_of(read.scores, labels, weight, int(scene.max()) + 1)
        readers = fit_readers(whole, offsets=offsets)
        per_unit = np.divide(1, read.spread, out=np.zeros_like(read.spread), where=read.spread > 0)
        scale[layers], exponent[layers] = readers.scale * per_unit, readers.prior_exponent
        for one in range(folds):
            out = fold == one
            n_fit = int((scene_fold != one).sum())
            kept = sample_of(read.scores[:, :, ~out], labels[~out], weight[~out], n_fit)
            own = fit_readers(kept, offsets=offsets, start=readers)
            fold_scale[one, layers] = own.scale * per_unit
            fold_exponent[one, layers] = own.prior_exponent
            judged = Sample(
                scores=read.scores[:, :, out], answers=labels[out], weight=weight[out],
                log_prior=kept.log_prior, n_scenes=n_fit,
            )  # fmt: skip
            bits[out, layers] = _bits(own, judged)
    return Information(
        bits=bits,
        guess=guess,
        scale=scale,
        prior_exponent=exponent,
        fold_scale=fold_scale,
        fold_prior_exponent=fold_exponent,
        fold=fold,
        n_scenes=len(scene_fold),
    )


def checked_scores(
    scores: Shaped[ndarray, "..."], answers: Shaped[ndarray, "..."], scenes: Labels
) -> tuple[Float[ndarray, "item answer layer"], Int[ndarray, " item"], Int[ndarray, " item"]]:
    """Scores, answers and scene codes; ValueError for what no reader can be fitted to."""
    table = finite_array(scores, name="scores", axes=["item", "answer", "layer"])
    n_items, n_answers, _ = table.shape
    labels = answer_indices(answers, n_items, n_answers)
    scene = codes(scenes, n_items, name="scenes")
    if len(np.unique(labels)) < 2:
        raise ValueError(
            f"`answers` must hold at least 2 different answers, got {labels[0]} only: there is "
            "nothing to know, add items with another answer"
        )
    return table, labels, scene


def item_weights(scene: Int[ndarray, " item"]) -> Float[ndarray, " item"]:
    """Each scene counts once, its items alike: the weights of a mean over scenes. Sum 1."""
    counts = np.bincount(scene)
    return 1 / (counts[scene] * len(counts))


def layer_blocks(shape: tuple[int, int, int]) -> Iterator[slice]:
    """Layers of [item, answer, layer] in blocks that bound the memory of a fit."""
    n_items, n_answers, n_layers = shape
    step = max(1, CELLS_PER_BLOCK // (n_items * n_answers))
    for start in range(0, n_layers, step):
        yield slice(start, min(start + step, n_layers))


def sample_of(
    scores: Float[ndarray, "layer answer item"],
    answers: Int[ndarray, " item"],
    weight: Float[ndarray, " item"],
    n_scenes: int,
) -> Sample:
    """Weights scaled to sum to 1. Answers that do not occur are as rare as a mixture makes them."""
    share = weight / weight.sum()
    frequency = np.bincount(answers, share, minlength=scores.shape[1])
    # An answer that nobody gave is never right here: any finite logarithm that is low will do.
    least = 1 / (n_scenes + 2) ** 2
    return Sample(
        scores=scores,
        answers=answers,
        weight=share,
        log_prior=np.log(np.maximum(frequency, least)),
        n_scenes=n_scenes,
    )


def _guess(
    answers: Int[ndarray, " item"],
    weight: Float[ndarray, " item"],
    fold: Int[ndarray, " item"],
    folds: int,
    n_answers: int,
) -> Float[ndarray, "item answer"]:
    by_fold = np.zeros((folds, n_answers))
    np.add.at(by_fold, (fold, answers), weight)
    others = by_fold.sum(axis=0) - by_fold
    return (others / others.sum(axis=1, keepdims=True))[fold]


def _bits(readers: Readers, sample: Sample) -> Float[ndarray, "item layer"]:
    """log2 of the mixture over pi, at the item's answer."""
    logits = readers.logits(sample)
    logits -= logits.max(axis=1, keepdims=True)
    right = np.take_along_axis(logits, sample.answers[None, None], axis=1)[:, 0]
    log_q = right - np.log(np.exp(logits).sum(axis=1))
    share = 1 / (sample.n_scenes + 2)
    gain = np.exp(log_q - sample.log_prior[sample.answers])
    return np.log2((1 - share) * gain + share).T
