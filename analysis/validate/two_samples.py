"""Claims about two samples of scenes, shares, and layers of overtaking: levels, coverage, and
methods that must fail."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.stats import ttest_ind

from analysis.validate.scale import Finding, Scale
from stats import (
    area_under_curve,
    cluster_bootstrap,
    half_plateau_crossing,
    mean_difference,
    overtaking_layer,
    share_interval,
    two_sample_emergence,
)
from stats.simulate import effect_profile, noise
from stats.welch_max_t import welch_max_t

_SECTION = "10"
_PERMUTATIONS = 199
_CELLS = (
    ("30 and 30 scenes", (30, 30), (1.0, 1.0), 0.06),
    # The smaller sample varies more: labels permuted, as before, reject in .0725 here.
    ("40 and 160 unlike ones", (40, 160), (3.0, 1.0), 0.06),
    ("200 and 300 unlike ones", (200, 300), (2.0, 1.0), 0.06),
)
"""For each cell the numbers of scenes and the spreads of two samples, and the largest level that is
claimed."""
_AREA = 0.760250  # P(N(1, 1) > N(0, 1)), the normal distribution function at 1 / sqrt 2.
Sample = Float[ndarray, "_scene layer"]


def two_sample_claims(scale: Scale) -> Iterator[Finding]:
    """Levels of the tests, and coverage of the intervals, for differences between independent
    samples."""
    yield from _levels(scale)
    yield from _difference_coverage(scale)
    yield from _emergence_coverage(scale)


def overtaking_claims(scale: Scale) -> Iterator[Finding]:
    """Coverage of the sets for the layer of an overtaking, of exact shares, and of areas under the
    curve."""
    profile, repetitions = np.arange(12) - 5.5, scale.repetitions
    rng, held, exact = scale.rng(11), 0, 0
    for _ in range(repetitions):
        # The slope passes 0 just before layer 6.
        found = overtaking_layer(profile + 6 * rng.standard_normal((50, 12)))
        held += found.layers.low <= 6 and (found.layers.high is None or found.layers.high >= 6)
        exact += found.layer == 6
    for name, count, least, most in (
        ("overtaking, set", held, 0.94, 1.0),
        ("overtaking, estimate alone fails", exact, 0.0, 0.9),
    ):
        yield scale.rate(_SECTION, name, count / repetitions, least, most, measures="coverage")
    yield from _share_coverage(scale)
    yield from _area_coverage(scale)


def samples(
    rng: np.random.Generator, n: tuple[int, int], spread: tuple[float, float], n_layers: int = 9
) -> tuple[Sample, Sample]:
    """Two samples with equal means, in which the layers are correlated."""
    first, second = (
        sd * noise(rng, (size, n_layers), correlation=0.7)
        for size, sd in zip(n, spread, strict=True)
    )
    return first, second


def _levels(scale: Scale) -> Iterator[Finding]:
    for name, n, spread, most in _CELLS:
        rng, welch, plain = scale.rng(10, n[1]), 0, 0
        for _ in range(scale.repetitions):
            first, second = samples(rng, n, spread)
            found = welch_max_t(
                first, second, rng=rng, window=(0, 8), n_resamples=_PERMUTATIONS, tail="two-sided"
            )
            welch += found.omnibus_p <= 0.05
            plain += _plain_p(first, second, rng) <= 0.05
        share = welch / scale.repetitions
        yield scale.rate(_SECTION, f"two-sample max-T FWER, {name}", share, 0.04, most)
        if n == (40, 160):
            share = plain / scale.repetitions
            yield scale.rate(_SECTION, f"plain difference fails, {name}", share, 0.15, 1.0)


def _plain_p(first: Sample, second: Sample, rng: np.random.Generator) -> float:
    """The p-value of a test that Onset does not use: the largest difference of means, with labels
    permuted."""
    pool, n_first = np.vstack([first, second]), len(first)
    keys = rng.random((_PERMUTATIONS, len(pool)))
    own = np.zeros((1 + _PERMUTATIONS, len(pool)))
    own[0, :n_first] = 1
    np.put_along_axis(own[1:], np.argpartition(keys, n_first, axis=1)[:, :n_first], 1.0, axis=1)
    sums = own @ pool
    largest = np.abs(
        sums / n_first - (pool.sum(axis=0) - sums) / (len(pool) - n_first)
    ).max(axis=1)  # fmt: skip
    return float(np.mean(largest >= largest[0] - 1e-12))


def _difference_coverage(scale: Scale) -> Iterator[Finding]:
    rng, apart, paired, unpaired = scale.rng(10, 1), 0, 0, 0
    for _ in range(scale.repetitions):
        first, second = samples(rng, (90, 40), (1.0, 2.0), 1)
        apart += _covers(first, second, rng, paired=False)
        # The same scenes under two models: what they share must not count as chance.
        scene = 2 * rng.standard_normal((60, 1))
        one, other = (scene + rng.standard_normal((60, 1)) for _ in range(2))
        paired += _covers(one, other, rng, paired=True)
        unpaired += _covers(one, other, rng, paired=False)
    for name, held, least, most in (
        ("difference of independent samples", apart, 0.93, 0.97),
        ("difference of shared scenes, paired", paired, 0.93, 0.97),
        ("shared scenes taken for independent fail", unpaired, 0.98, 1.0),
    ):
        share = held / scale.repetitions
        yield scale.rate(_SECTION, name, share, least, most, measures="coverage")


def _covers(first: Sample, second: Sample, rng: np.random.Generator, *, paired: bool) -> bool:
    found = mean_difference(first, second, rng=rng, paired=paired, n_resamples=800)
    return bool(found.low[0] <= 0 <= found.high[0])


def _emergence_coverage(scale: Scale) -> Iterator[Finding]:
    """Coverage for differences between samples of 60 and 12 scenes: of a layer of emergence, and of
    the effect at one layer."""
    repetitions, rng = max(100, scale.repetitions // 4), scale.rng(10, 2)
    profile = effect_profile(13, onset=6.0, plateau=6.0)
    truth = half_plateau_crossing(profile[None], slice(10, 13))[0]
    held = held_by_layer = held_by_set = difference = pooled = 0
    for _ in range(repetitions):
        first, second = (
            sd * (rng.standard_normal((n, 1)) + rng.standard_normal((n, 13)))
            for n, sd in ((60, 1.0), (12, 3.0))
        )
        found = two_sample_emergence(
            first + profile, second, rng=rng, margin=0.05, omnibus_p=0.001, n_resamples=800
        )
        crossing, layers = found.emergence.lambda_half, found.emergence.fb_half
        held += crossing is None or crossing.low <= truth <= crossing.high
        layer = found.emergence.layer
        held_by_layer += layer is None or layer.low <= 6 <= layer.high
        held_by_set += layers.low <= 6 and (layers.high is None or layers.high >= 6)
        difference += found.low[0] <= profile[0] <= found.high[0]
        plain: Any = ttest_ind(first[:, 0], second[:, 0])  # with one variance for both
        pooled += plain.pvalue > 0.05
    for name, count, least, most in (
        ("two-sample lambda_half interval", held, 0.92, 1.0),
        ("two-sample whole layer's interval", held_by_layer, 0.92, 1.0),
        ("two-sample forward-backward set", held_by_set, 0.94, 1.0),
        ("two-sample difference at a layer", difference, 0.93, 1.0),
        ("pooled variance fails at a layer", pooled, 0.0, 0.9),
    ):
        yield scale.rate(
            _SECTION, name, count / repetitions, least, most,
            measures="coverage", repetitions=repetitions,
        )  # fmt: skip


def _share_coverage(scale: Scale) -> Iterator[Finding]:
    """Coverage of a share that is 1 in 25, with 20 scenes: a bootstrap often sees none, and then
    has no width."""
    rng, share, repetitions = scale.rng(12), 0.04, scale.repetitions
    has = rng.random((20, repetitions)) < share
    exact = share_interval(has.sum(axis=0), np.full(repetitions, 20))
    redrawn = cluster_bootstrap(has.astype(float), np.arange(20), rng=rng, n_resamples=999)
    for name, found, least, most in (
        ("exact share, 20 scenes", exact, 0.95, 1.0),
        ("bootstrap of a share fails, 20 scenes", redrawn, 0.0, 0.9),
    ):
        held = float(((found.low <= share) & (share <= found.high)).mean())
        yield scale.rate(_SECTION, name, held, least, most, measures="coverage")


def _area_coverage(scale: Scale) -> Iterator[Finding]:
    rng, repetitions = scale.rng(13), scale.repetitions
    first, second = (rng.standard_normal((n, repetitions)) for n in (15, 30))
    found = area_under_curve(first + 1, second, level=0.95)
    held = float(((found.low <= _AREA) & (found.high >= _AREA)).mean())
    yield scale.rate(_SECTION, "area under the curve, 15 and 30 scenes", held, 0.93, 0.98,
                     measures="coverage")  # fmt: skip
