"""Claims about decisions by a small test: which decoders know anything, and which readouts are
earlier."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from analysis.concept.decode import most_frequent_right
from analysis.emergence.found import CrossingGap, ReadoutPair
from analysis.emergence.readout_report import disagreement
from analysis.readouts.registry import NAMES
from analysis.validate.scale import Finding, Scale
from stats import emergence_order, overtaking_layer, resampled_means, sign_flip_max_t
from stats.overtaking import last_rise
from stats.simulate import effect_profile, planted_effect

_SECTION = "8a"
_FLIPS, _RESAMPLES = 199, 499
_IMAGES, _FOLDS = 60, 5
_SLOW = 0.02 * (np.arange(29) - 5.5)
"""A mean curve that passes 0 just before layer 6, and rises by a seventh of a standard error of 50
scenes per layer."""


def decoder_claims(scale: Scale) -> Iterator[Finding]:
    """Level for a decoder that knows nothing about two balanced labels, against the most frequent
    label."""
    rng, repetitions = scale.rng(24), max(100, scale.repetitions // 2)
    rejected = np.zeros(2)
    for _ in range(repetitions):
        labels = rng.permutation(np.arange(_IMAGES) % 2)
        fold = rng.permutation(np.arange(_IMAGES) % _FOLDS)
        right = (decoded(rng.standard_normal((_IMAGES, 4)), labels, fold) == labels).astype(float)
        for place, usual in enumerate((most_frequent_right(labels), cross_fitted(labels, fold))):
            gain = (right - usual)[:, None]
            rejected[place] += sign_flip_max_t(gain, rng=rng, n_resamples=_FLIPS).omnibus_p <= 0.05
    share, before = rejected / repetitions
    yield scale.rate(_SECTION, "decoder that knows nothing, most frequent label of all", share,
                     0.0, 0.06, repetitions=repetitions)  # fmt: skip
    yield scale.rate(_SECTION, "most frequent label of the training images fails", before,
                     0.15, 1.0, repetitions=repetitions)  # fmt: skip


def decoded(
    features: Float[ndarray, "image feature"],
    labels: Int[ndarray, " image"],
    fold: Int[ndarray, " image"],
) -> Int[ndarray, " image"]:
    """The predicted labels of a decoder that is fast to fit: the label whose mean over the training
    images is nearest."""
    found = np.empty_like(labels)
    for own in range(_FOLDS):
        train = fold != own
        means = [features[train & (labels == label)].mean(axis=0) for label in range(2)]
        apart = [np.square(features[~train] - mean).sum(axis=1) for mean in means]
        found[~train] = np.argmin(apart, axis=0)
    return found


def cross_fitted(labels: Int[ndarray, " image"], fold: Int[ndarray, " image"]) -> ndarray:
    """A baseline that Onset does not use: 1 where the most frequent label of the training images is
    right, else 0."""
    usual = [np.bincount(labels[fold != own]).argmax() for own in range(_FOLDS)]
    return (np.array(usual)[fold] == labels).astype(float)


def readout_order_claims(scale: Scale) -> Iterator[Finding]:
    """Three readouts whose information begins at the same layer: how often a study calls one of
    them earlier or later."""
    rng, repetitions = scale.rng(25), max(100, scale.repetitions // 2)
    said = alone = 0
    for _ in range(repetitions):
        found = _order(rng)
        said += any("not shown" not in each for each, _ in found)
        alone += any(apart for _, apart in found)
    yield scale.rate(_SECTION, "false earlier readout, by Holm's p", said / repetitions,
                     0.0, 0.065, repetitions=repetitions)  # fmt: skip
    yield scale.rate(_SECTION, "by the unadjusted interval fails", alone / repetitions,
                     0.09, 1.0, repetitions=repetitions)  # fmt: skip


def _order(rng: np.random.Generator) -> list[tuple[str, bool]]:
    """For each pair the sentence of the report, and whether its interval leaves out 0."""
    profile = effect_profile(13, onset=6.0, plateau=0.8, shape="linear", rise=4.0)
    effects = {name: planted_effect(rng, profile, n_scenes=80, correlation=0.5) for name in NAMES}
    order = emergence_order(effects, rng=rng, n_resamples=_RESAMPLES)
    found = []
    for (first, second), one in order.differences.items():
        crossing = CrossingGap(estimate=one.estimate, low=one.low, high=one.high, p=one.p_holm)
        pair = ReadoutPair(
            first=first, second=second, effect=(), accuracy=(), omnibus_p=1.0, crossing=crossing
        )
        found.append((disagreement(pair, order.level), one.low > 0 or one.high < 0))
    return found


def slow_crossing_claims(scale: Scale) -> Iterator[Finding]:
    """Coverage for the layer of a slow overtaking: by the set, and by the bootstrap of the last
    crossing, which must fail."""
    rng, repetitions, held, before = scale.rng(26), max(100, scale.repetitions // 2), 0, 0
    for _ in range(repetitions):
        table = _SLOW + rng.standard_normal((50, len(_SLOW)))
        layers = overtaking_layer(table).layers
        held += layers.low <= 6 and (layers.high is None or layers.high >= 6)
        drawn = last_rise(resampled_means(table, rng=rng, n_resamples=_RESAMPLES))
        low, high = np.quantile(drawn, [0.025, 0.975])
        before += low <= 6 <= high
    yield scale.rate(_SECTION, "slow overtaking, set", held / repetitions, 0.94, 1.0,
                     measures="coverage", repetitions=repetitions)  # fmt: skip
    yield scale.rate(_SECTION, "slow overtaking, bootstrap fails", before / repetitions, 0.0, 0.5,
                     measures="coverage", repetitions=repetitions)  # fmt: skip
