"""What a readout's scores tell about the answer, in bits, however loudly they are stated.

A score that is taken at its word is punished for the scale of its logits: the same knowledge said
twice as loudly costs more where it is wrong. So the scores are first read by the best of a few
small readers, fitted on other scenes. What is left to tell readouts and layers apart is knowledge.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy import ndarray

from stats.arguments import answer_indices, finite_array
from stats.folds import scene_folds
from stats.penalised_loss import Readers, Sample
from stats.readers import CELLS_PER_BLOCK, fit_readers, standardised
from stats.scenes import Labels, codes, item_weights

_ROUNDING_BITS = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Information:
    """Information about the answer by item and layer, and the readers by which it was read.

    >>> scores, answers = np.zeros((20, 2, 1)), np.arange(20) % 2
    >>> found = information(scores, answers, np.arange(20), rng=np.random.default_rng(0))
    >>> found.bits.shape, found.guess[0].round(2).tolist(), found.scale.tolist()
    ((20, 1), [0.5, 0.5], [0.0])
    """

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
    """c of the reader fitted on all scenes: 0 where the scores hold the answers' frequencies
    already."""
    fold_scale: Float[ndarray, "fold layer"]
    """s of the readers that `bits` come from, one per fold of scenes left out."""
    fold_prior_exponent: Float[ndarray, "fold layer"]
    """c of the readers that `bits` come from."""
    fold: Int[ndarray, " item"]
    """The fold of each item's scene: its readers were fitted on all the other folds."""
    n_scenes: int
    """Number of scenes, which were dealt into folds as wholes."""
    readers: Readers
    """The readers fitted on all scenes; their scale is in units of the scores' spread. From them
    the fits without a fold start."""


def information(
    scores: Float[ndarray, "item answer layer"],
    answers: Int[ndarray, " item"],
    scenes: Labels,
    *,
    rng: np.random.Generator,
    folds: int = 5,
    offsets: bool = False,
    readers: Readers | None = None,
) -> Information:
    """Measure what the scores tell about each item's answer, by readers fitted on other scenes.

    `scores[i, a, l]` is what the readout gives answer a for item i at layer l, as a natural
    logarithm; an additive constant per item and layer makes no difference, nor does a positive
    factor per layer. `answers[i]` is the index of the item's own answer, `scenes` names its image.
    A reader

        q(a | i, l)  ~  exp(s_l r[i, a, l]) pi(a)^c_l,    0 <= s_l, 0 <= c_l,

    and with `offsets` besides exp(b_a), one free preference per answer, is fitted on the other
    folds by maximum likelihood, each scene counting once. Penalty: (s^2 + (c - 1)^2 + |b|^2) / 20n
    with s in units of the scores' spread and at most 50. q is mixed with 1 / (n + 2) of pi, so that
    nothing is infinite. With scores that say nothing the result is near 0, with perfect ones
    near the entropy of the answers.

    Assumes independent scenes. The fit's error is of second order in the mean (the likelihood is
    stationary at its optimum), so an item's bits may be averaged, tested and redrawn by scene as
    if the readers were fixed. `rng` deals scenes into folds: the same state and the same answers
    give the same folds, so that two conditions of the same items can share them. `readers` are
    those that an earlier call found for the same scores, answers, scenes and `offsets`, so that
    folds may be dealt again without the fit on all scenes.

    Raises ValueError for scores that are not finite, for answers outside of the answer axis, for a
    single answer, for fewer scenes than folds and for an answer whose scenes are all in one fold.
    Source: V-information, Xu et al. (2020), arXiv:2002.10689; by item, Ethayarajh et al. (2022),
    arXiv:2110.08420; scale as in temperature scaling, Guo et al. (2017), arXiv:1706.04599.

    >>> rng = np.random.default_rng(0)
    >>> answers = np.arange(60) % 3
    >>> knows = np.eye(3)[answers][:, :, None] * np.array([0.0, 1.0, 100.0])
    >>> found = information(knows, answers, np.arange(60), rng=rng)
    >>> found.bits.mean(axis=0).round(2).tolist()
    [0.0, 1.56, 1.56]
    """
    table, labels, scene = checked_scores(scores, answers, scenes)
    n_items, n_answers, n_layers = table.shape
    weight = item_weights(scene)
    scene_fold = scene_folds(labels, scene, rng=rng, folds=folds)
    fold = scene_fold[scene]
    bits = np.empty((n_items, n_layers))
    scale = np.empty(n_layers)
    fitted: list[Readers] = []
    fold_scale, fold_exponent = np.empty((2, folds, n_layers))
    guess = _guess(labels, weight, fold, folds, n_answers)
    for layers in layer_blocks(table.shape):
        read = standardised(table[:, :, layers], weight)
        whole = sample_of(read.scores, labels, weight, len(scene_fold))
        start = fit_readers(whole, offsets=offsets) if readers is None else readers.of(layers)
        fitted.append(start)
        per_unit = np.divide(1, read.spread, out=np.zeros_like(read.spread), where=read.spread > 0)
        scale[layers] = start.scale * per_unit
        for one in range(folds):
            out = fold == one
            n_fit = int((scene_fold != one).sum())
            kept = sample_of(_of_items(read.scores, ~out), labels[~out], weight[~out], n_fit)
            own = fit_readers(kept, offsets=offsets, start=start)
            fold_scale[one, layers] = own.scale * per_unit
            fold_exponent[one, layers] = own.prior_exponent
            judged = Sample(
                scores=_of_items(read.scores, out), answers=labels[out], weight=weight[out],
                log_prior=kept.log_prior, n_scenes=n_fit,
            )  # fmt: skip
            bits[out, layers] = _bits(own, judged)
    every = Readers.joined(fitted)
    return Information(
        bits=bits,
        guess=guess,
        scale=scale,
        prior_exponent=every.prior_exponent,
        fold_scale=fold_scale,
        fold_prior_exponent=fold_exponent,
        fold=fold,
        n_scenes=len(scene_fold),
        readers=every,
    )


def checked_scores(
    scores: Shaped[ndarray, "..."], answers: Shaped[ndarray, "..."], scenes: Labels
) -> tuple[Float[ndarray, "item answer layer"], Int[ndarray, " item"], Int[ndarray, " item"]]:
    """The scores, the answers' indices and the scenes' numbers, checked for fitting a reader.

    Raises ValueError for scores that are not finite or not [item, answer, layer], for answers
    outside of the answer axis, for fewer than 2 different answers and for a missing scene.

    >>> table, labels, scene = checked_scores(np.zeros((2, 2, 1)), np.array([1, 0]), ["b", "a"])
    >>> labels.tolist(), scene.tolist()
    ([1, 0], [1, 0])
    """
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


def layer_blocks(shape: tuple[int, int, int]) -> Iterator[slice]:
    """Slices of the layers of scores with this `shape`, so small that a fit's memory is bounded.

    `shape` counts items, answers and layers.

    >>> list(layer_blocks((2**15, 2, 5)))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
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
    """A sample for fitting readers, with weights that sum to 1 and the answers' log frequencies.

    An answer that does not occur is given the frequency 1 / (n + 2)^2 for n scenes, so that its
    logarithm is finite.

    >>> answers, weight = np.array([0, 0, 1]), np.ones(3)
    >>> sample = sample_of(np.zeros((1, 2, 3)), answers, weight, n_scenes=3)
    >>> np.exp(sample.log_prior).round(2).tolist(), sample.weight.sum().item()
    ([0.67, 0.33], 1.0)
    """
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


def _of_items(
    scores: Float[ndarray, "layer answer item"], chosen: Bool[ndarray, " item"]
) -> Float[ndarray, "layer answer chosen"]:
    """The scores of some items. Indexing would lay answers side by side in memory, and sums over
    items, of which fits are made, would then take several times as long."""
    return np.compress(chosen, scores, axis=2)


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
    """Log2 of what the mixed reader gives the item's own answer, minus log2 of pi of that
    answer."""
    logits = readers.logits(sample)
    logits -= logits.max(axis=1, keepdims=True)
    right = np.take_along_axis(logits, sample.answers[None, None], axis=1)[:, 0]
    log_q = right - np.log(np.exp(logits).sum(axis=1))
    share = 1 / (sample.n_scenes + 2)
    gain = np.exp(log_q - sample.log_prior[sample.answers])
    bits = np.log2((1 - share) * gain + share).T
    # A reader who ignores the readout gives pi back but for rounding, of one sign over all items: a
    # test, which knows no size but the spread, would call that knowledge.
    bits[np.abs(bits) < _ROUNDING_BITS] = 0
    return bits
