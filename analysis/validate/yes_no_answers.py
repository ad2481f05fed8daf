"""Claims about how yes/no questions are answered: risk among the surest answers, calibration, d'
and criterion; beside them what fails."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.special import expit, logit, ndtri

from analysis.validate.causes import half_of
from analysis.validate.scale import Finding, Scale
from stats import (
    Estimate,
    calibration,
    resampled_means,
    risk_coverage,
    signal_detection,
)
from stats.simulated_detection import DetectionWorld, NoiseShares, simulated_detection

_SECTION = "detection"
_AREA = 0.89
_RESAMPLES = 299
_POPULATION = 100_000
_CLEAR = NoiseShares(clarity=0.6, scene=0.2, text=0.2)
"""Pairs of which some are clear and others not: items of one kind go together."""


def answer_claims(scale: Scale) -> Iterator[Finding]:
    """Coverage of risks, calibration errors, d' and criterion."""
    yield from _selective_coverage(scale)
    yield from _calibration_coverage(scale)
    yield from _d_prime_coverage(scale)


def _covers(found: Estimate, truth: float) -> bool:
    return bool(found.low <= truth <= found.high)


def _selective_coverage(scale: Scale) -> Iterator[Finding]:
    """Risks of selective answers, each question being asked in four wordings, all answered alike;
    beside them the wordings taken for independent items."""
    repetitions = half_of(scale)
    confidence, wrong, clusters = _answers(
        simulated_detection(scale.rng(43), n_clusters=_POPULATION // 4), copies=1
    )
    truth = risk_coverage(confidence, wrong, clusters, rng=scale.rng(43, 1), n_resamples=39)
    for n_clusters in (60, 200):
        rng, held = scale.rng(43, n_clusters), np.zeros(4)
        for _ in range(repetitions):
            world = simulated_detection(rng, n_clusters=n_clusters)
            confidence, wrong, clusters = _answers(world, copies=4)
            found = risk_coverage(confidence, wrong, clusters, rng=rng, n_resamples=_RESAMPLES)
            item = risk_coverage(confidence, wrong, np.arange(len(wrong)), rng=rng, n_resamples=99)
            held += [
                _covers(found.area, truth.area.value),
                _covers(found.at, truth.at.value),
                _covers(found.excess_area, truth.excess_area.value),
                _covers(item.area, truth.area.value),
            ]
        rate = partial(scale.rate, _SECTION, measures="coverage", repetitions=repetitions)
        area, at, excess, by_item = held / repetitions
        yield rate(f"mean risk (AURC), {n_clusters} pairs", area, 0.93, 0.985)
        yield rate(f"risk at coverage .8, {n_clusters} pairs", at, 0.93, 0.985)
        yield rate(f"excess mean risk, {n_clusters} pairs", excess, 0.92, 0.985)
        yield rate(f"mean risk by item fails, {n_clusters} pairs", by_item, 0.0, 0.85)


def _answers(
    world: DetectionWorld, *, copies: int
) -> tuple[Float[ndarray, " item"], Bool[ndarray, " item"], Int[ndarray, " item"]]:
    """Confidence, whether the answer is wrong, and cluster; each item as often as `copies` says."""
    wrong = (world.baseline > 0) != world.present
    confidence, wrong, clusters = (
        np.repeat(each, copies) for each in (np.abs(world.baseline), wrong, world.clusters)
    )
    return confidence, wrong, clusters


def _calibration_coverage(scale: Scale) -> Iterator[Finding]:
    """Calibration errors of answers that are right as often as stated, and less often."""
    repetitions = half_of(scale)
    for slope in (1.0, 0.9, 0.5):
        said, _, true, _ = stated_answers(scale.rng(44), _POPULATION, slope)
        bins = np.argsort(np.argsort(said)) * 15 // len(said)
        truth = float(np.abs(np.bincount(bins, said - true)).sum() / len(said))
        truth = 0.0 if slope == 1 else truth
        for n_clusters in (60, 300):
            rng, held = scale.rng(44, n_clusters, int(10 * slope)), np.zeros(2)
            for _ in range(repetitions):
                said, right, _, clusters = stated_answers(rng, n_clusters, slope)
                found = calibration(said, right, clusters, rng=rng, n_resamples=_RESAMPLES)
                low, high = _percentiles(said, right, clusters, rng)
                held += [_covers(found.ece, truth), low <= truth <= high]
            ours, percentile = held / repetitions
            rate = partial(scale.rate, _SECTION, measures="coverage", repetitions=repetitions)
            name = f"calibration error of {truth:.2g}, {n_clusters} clusters"
            yield rate(name, ours, 0.93, 1.0)
            if slope >= 0.9:
                yield rate(f"{name}, interval of percentiles fails", percentile, 0.0, 0.8)


def stated_answers(
    rng: np.random.Generator, n_clusters: int, slope: float
) -> tuple[Float[ndarray, " item"], Bool[ndarray, " item"], Float[ndarray, " item"],
           Int[ndarray, " item"]]:  # fmt: skip
    """Stated probabilities, whether the answer is right, its true probability, whose log odds are
    `slope` times the stated ones, and the cluster of four items."""
    clusters = np.repeat(np.arange(n_clusters), 4)
    centre = rng.standard_normal(n_clusters)[clusters]
    said = expit(1.5 + 0.7 * centre + rng.standard_normal(len(clusters)))
    true = expit(slope * logit(said))
    return said, rng.random(len(said)) < true, true, clusters


def _percentiles(
    said: Float[ndarray, " item"],
    right: Bool[ndarray, " item"],
    clusters: Int[ndarray, " item"],
    rng: np.random.Generator,
) -> tuple[float, float]:
    """The usual interval, which Onset does not use: percentiles of the redrawn estimates."""
    bins = np.argsort(np.argsort(said)) * 15 // len(said)
    gaps = np.zeros((int(clusters.max()) + 1, 15))
    np.add.at(gaps, (clusters, bins), said - right)
    drawn = np.abs(resampled_means(gaps, rng=rng, n_resamples=_RESAMPLES)).sum(axis=1)
    low, high = np.quantile(drawn * len(gaps) / len(said), [0.025, 0.975])
    return float(low), float(high)


def _d_prime_coverage(scale: Scale) -> Iterator[Finding]:
    """Sensitivity and criterion, by cluster and by item."""
    repetitions, half = half_of(scale), float(ndtri(_AREA)) / np.sqrt(2)
    for n_clusters in (60, 250):
        rng, held = scale.rng(45, n_clusters), np.zeros(3)
        for _ in range(repetitions):
            world = simulated_detection(rng, n_clusters=n_clusters, bias=0.4, shares=_CLEAR)
            yes = world.baseline[:, None] > 0
            found, item = (
                signal_detection(yes, world.present, each, rng=rng, n_resamples=_RESAMPLES)
                for each in (world.clusters, np.arange(len(yes)))
            )
            for place, (one, truth) in enumerate(
                ((found.d_prime, 2 * half), (found.criterion, -0.4), (item.d_prime, 2 * half))
            ):
                held[place] += one.low[0] <= truth <= one.high[0]
        rate = partial(scale.rate, _SECTION, measures="coverage", repetitions=repetitions)
        for name, one in zip(("d'", "criterion c"), held[:2] / repetitions, strict=True):
            yield rate(f"{name}, {n_clusters} pairs", one, 0.93, 0.985)
        yield rate(f"d' by item fails, {n_clusters} pairs", held[2] / repetitions, 0.0, 0.9)
