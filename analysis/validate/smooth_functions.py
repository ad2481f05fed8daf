"""Claims about effect sizes, agreement and R2 with few scenes: BCa intervals with the tails of t,
and percentile intervals beside them."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.concept.decode import explained
from analysis.validate.scale import Finding, Scale
from stats import interval_of_means, paired_hedges_g, readout_agreement, resampled_means

_SECTION = "8a"
_RESAMPLES = 999
_SIZE, _CONCORDANCE = 0.8, 0.7
_NOISE = 0.5
"""Share of the variance that the decoder leaves unexplained; the true R2 is 1 minus this."""
Ends = tuple[Float[ndarray, " set"], Float[ndarray, " set"]]


def smooth_function_claims(scale: Scale) -> Iterator[Finding]:
    """Coverage of paired Hedges g and of concordance at 10 scenes, of R2 at 20."""
    rng = scale.rng(23)
    for name, (n_scenes, truth, ours, before) in {
        "Hedges g": (10, _SIZE, *sizes(rng, 10, scale.repetitions)),
        "concordance": (10, _CONCORDANCE, *concordances(rng, 10, scale.repetitions)),
        "R2": (20, 1 - _NOISE, *shares_explained(rng, 20, scale.repetitions)),
    }.items():
        coverage = partial(scale.rate, _SECTION, measures="coverage")
        held, old = (
            float(((low <= truth) & (truth <= high)).mean()) for low, high in (ours, before)
        )
        yield coverage(f"{name}, BCa, {n_scenes} scenes", held, 0.92, 0.98)
        most = 0.9 if name == "Hedges g" else 0.92
        yield coverage(f"{name}, percentile fails, {n_scenes} scenes", old, 0.0, most)


def sizes(rng: np.random.Generator, n_scenes: int, repetitions: int) -> tuple[Ends, Ends]:
    """Intervals for the size of normal effects, in standard deviations of the differences."""
    effect = _SIZE + rng.standard_normal((n_scenes, repetitions))
    found = paired_hedges_g(
        effect, np.zeros_like(effect), rng=rng, standardizer="difference", n_resamples=_RESAMPLES
    )
    # Hedges' factor and the bootstrap's, as one: the estimate is the plain size times both.
    factor = found.estimate / (effect.mean(axis=0) / effect.std(axis=0))

    def plain(means: Float[ndarray, "moment draw set"]) -> Float[ndarray, "draw set"]:
        spread = np.sqrt(np.maximum(means[1] - means[0] ** 2, 1e-12))
        return factor * means[0] / spread

    return (found.low, found.high), percentile(plain, np.stack([effect, effect**2]), rng)


def concordances(rng: np.random.Generator, n_scenes: int, repetitions: int) -> tuple[Ends, Ends]:
    """Intervals for the concordance of two normal readouts with equal means and spreads, where it
    equals their correlation."""
    common = np.sqrt(_CONCORDANCE) * rng.standard_normal((n_scenes, repetitions))
    first, second = (
        common + np.sqrt(1 - _CONCORDANCE) * rng.standard_normal(common.shape) for _ in range(2)
    )
    found = readout_agreement(first, second, rng=rng, n_resamples=_RESAMPLES).concordance

    def lin(means: Float[ndarray, "moment draw set"]) -> Float[ndarray, "draw set"]:
        x, y, squares, product = means
        return 2 * (product - x * y) / np.maximum(squares - 2 * x * y, 1e-12)

    parts = np.stack([first, second, first**2 + second**2, first * second])
    return (found.low, found.high), percentile(lin, parts, rng)


def shares_explained(
    rng: np.random.Generator, n_scenes: int, repetitions: int
) -> tuple[Ends, Ends]:
    """Intervals for the R2 of a decoder that leaves a known share of the variance unexplained."""
    left = np.sqrt(_NOISE) * rng.standard_normal((n_scenes, repetitions))
    values = left + np.sqrt(1 - _NOISE) * rng.standard_normal(left.shape)
    parts = -np.square(np.stack([left, values]))
    found = interval_of_means(explained, parts, rng=rng, n_resamples=_RESAMPLES, level=0.95)
    return (found.low, found.high), percentile(explained, parts, rng)


def percentile(
    function: Callable[[ndarray], ndarray],
    parts: Float[ndarray, "moment scene set"],
    rng: np.random.Generator,
) -> Ends:
    """The percentile interval, which Onset does not use below 200 scenes, for comparison."""
    n_parts, n_scenes, n_sets = parts.shape
    columns = np.moveaxis(parts, 0, 1).reshape(n_scenes, -1)
    means = resampled_means(columns, rng=rng, n_resamples=_RESAMPLES)
    drawn = np.moveaxis(means.reshape(_RESAMPLES, n_parts, n_sets), 1, 0)
    low, high = np.quantile(function(drawn), [0.025, 0.975], axis=0)
    return low, high
