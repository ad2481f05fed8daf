"""Claims about shares, accuracies and areas under the curve, each in the setting where the method
that was used before failed."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import ndtri
from scipy.stats import rankdata

from analysis.validate.scale import Finding, Scale
from stats import (
    AreaUnderCurve,
    BootstrapInterval,
    ClusterShare,
    ShareInterval,
    area_under_curve,
    cluster_bootstrap,
    cluster_share,
    share_interval,
)

_SECTION = "8a"
_QUESTIONS, _INTRACLASS = 4, 0.4
_HALVINGS = 40


_Ends = AreaUnderCurve | BootstrapInterval | ClusterShare | ShareInterval


def area_claims(scale: Scale) -> Iterator[Finding]:
    """Coverage of DeLong's interval on the logit scale, where the small group varies more, and near
    perfect separation."""
    coverage = partial(scale.rate, _SECTION, measures="coverage")
    rng, repetitions = scale.rng(21), scale.repetitions
    first = 3 * rng.standard_normal((10, repetitions))
    second = rng.standard_normal((500, repetitions))
    held = _held(area_under_curve(first, second, level=0.95), 0.5)
    yield coverage("area, DeLong, 10 and 500 scenes, spreads 3 to 1", held, 0.93, 0.98)
    low, high = newcombe(first, second, level=0.95)
    held = float(((low <= 0.5) & (high >= 0.5)).mean())
    yield coverage("area, Newcombe fails, 10 and 500 scenes", held, 0.0, 0.88)
    # An area of .98 is that of means 2.9 apart: of 10 and 10 scenes most are separated.
    apart = float(ndtri(0.98)) * np.sqrt(2)
    first, second = (rng.standard_normal((10, repetitions)) for _ in range(2))
    held = _held(area_under_curve(first + apart, second, level=0.95), 0.98)
    yield coverage("area of .98, 10 and 10 scenes", held, 0.94, 1.0)


def share_claims(scale: Scale) -> Iterator[Finding]:
    """Coverage of the intervals of shares near 1, with one question per scene and with several."""
    coverage = partial(scale.rate, _SECTION, measures="coverage")
    rng, repetitions = scale.rng(22), scale.repetitions
    scenes = np.arange(50)
    right = (rng.random((50, repetitions)) < 0.98).astype(float)
    yield coverage("share of .98, 50 scenes", _held(cluster_share(right, scenes), 0.98), 0.95, 1.0)
    redrawn = cluster_bootstrap(right, scenes, rng=rng, n_resamples=999)
    yield coverage("share of .98, bootstrap fails, 50 scenes", _held(redrawn, 0.98), 0.0, 0.8)
    for share in (0.9, 0.98):
        name = f"share of {share:g}, 50 scenes of {_QUESTIONS} questions"
        values = _clustered(rng, share, repetitions)
        held = _held(cluster_share(values, np.repeat(scenes, _QUESTIONS)), share)
        yield coverage(name, held, 0.93, 1.0)
        counts = values.sum(axis=0).astype(int)
        held = _held(share_interval(counts, np.full_like(counts, len(values))), share)
        yield coverage(f"{name}, by question fails", held, 0.0, 0.9)


def newcombe(
    first: Float[ndarray, "first layer"], second: Float[ndarray, "second layer"], *, level: float
) -> tuple[Float[ndarray, " layer"], Float[ndarray, " layer"]]:
    """An interval that Onset does not use, for comparison: Newcombe (2006), Stat. Med. 25:559,
    method 5."""
    n = len(first), len(second)
    ranks = rankdata(np.concatenate([first, second]), axis=0)[: n[0]].sum(axis=0)
    area = (ranks - n[0] * (n[0] + 1) / 2) / (n[0] * n[1])
    return _newcombe_low(area, n, level), 1 - _newcombe_low(1 - area, n, level)


def _newcombe_low(
    area: Float[ndarray, " layer"], n: tuple[int, int], level: float
) -> Float[ndarray, " layer"]:
    z = ndtri((1 + level) / 2)
    low, high = np.zeros_like(area), area.copy()
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        spread = (1 - middle) / (2 - middle) + middle / (1 + middle)
        variance = middle * (1 - middle) * (1 + (sum(n) / 2 - 1) * spread) / (n[0] * n[1])
        too_far = area - middle > z * np.sqrt(variance)
        low, high = np.where(too_far, middle, low), np.where(too_far, high, middle)
    return low


def _held(found: _Ends, truth: float) -> float:
    return float(((found.low <= truth) & (truth <= found.high)).mean())


def _clustered(rng: np.random.Generator, share: float, columns: int) -> Float[ndarray, "item set"]:
    """Simulated right and wrong answers: the questions of a scene are right with a probability that
    is the scene's own."""
    size = 1 / _INTRACLASS - 1
    own = rng.beta(share * size, (1 - share) * size, (50, columns))
    chance = np.repeat(own, _QUESTIONS, axis=0)
    return (rng.random(chance.shape) < chance).astype(float)
