"""Claims about the test of a concept, where the model does not recognise the kind of image: own
images against a contrast of another size."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.validate.scale import Finding, Scale
from analysis.validate.two_samples import samples
from stats.welch_max_t import mean_max_t, welch_max_t

_SECTION = "8a"
_REDRAWS = 199
_WINDOW = (7, 8)
_SIZES, _SPREADS = (20, 400), (3.0, 1.0)
_LEVEL, _MOST = 0.05, 0.06
"""The level of the tests, and the largest level that is claimed; both were set before the first
run."""
_CELL = "20 images against 400, spreads 3 to 1"


def concept_claims(scale: Scale) -> Iterator[Finding]:
    """Level of the one-sided Welch test by the maximum over layers and on the plateau, beside that
    of the permuted difference, which must fail; level against a blank image; power."""
    rng, repetitions = scale.rng(41), scale.repetitions
    rejected = np.zeros(4)
    for _ in range(repetitions):
        own, contrast = samples(rng, _SIZES, _SPREADS)
        rejected += _rejected(own, contrast, rng)
    over_layers, plateau, blank, plain = rejected / repetitions
    for name, share in (
        (f"own images above the contrast, over layers, {_CELL}", over_layers),
        (f"own images above the contrast, on the plateau, {_CELL}", plateau),
        ("own images above a blank one, on the plateau, 20 images", blank),
    ):
        yield scale.rate(_SECTION, name, share, 0.0, _MOST)
    yield scale.rate(_SECTION, f"permuted plain difference fails, {_CELL}", plain, 0.3, 1.0)
    yield from _power(scale)


def _power(scale: Scale) -> Iterator[Finding]:
    """Power where own images score higher on the plateau, by 1.2 of their standard deviations."""
    rng, repetitions, found = scale.rng(42), max(100, scale.repetitions // 4), 0
    rise = 1.2 * _SPREADS[0] * (np.arange(9) >= 4)
    for _ in range(repetitions):
        own, contrast = samples(rng, _SIZES, _SPREADS)
        found += _rejected(own + rise, contrast, rng)[:2].all()
    yield scale.rate(_SECTION, f"a kind of image that is recognised, {_CELL}", found / repetitions,
                     0.9, 1.0, measures="power", repetitions=repetitions)  # fmt: skip


def _rejected(
    own: Float[ndarray, "own layer"],
    contrast: Float[ndarray, "contrast layer"],
    rng: np.random.Generator,
) -> ndarray:
    """Whether each test rejects: the maximum over layers, the plateau, the blank image, the
    difference."""
    welch = welch_max_t(own, contrast, rng=rng, window=_WINDOW, n_resamples=_REDRAWS)
    blank = mean_max_t(own, rng=rng, window=_WINDOW, n_resamples=_REDRAWS)
    plain = plain_difference_p(own, contrast, rng)
    return np.array([welch.omnibus_p, welch.window_p, blank.window_p, plain]) <= _LEVEL


def plain_difference_p(
    own: Float[ndarray, "own layer"],
    contrast: Float[ndarray, "contrast layer"],
    rng: np.random.Generator,
) -> float:
    """The p-value of a test that Onset does not use: the largest difference of means, one-sided,
    with labels permuted."""
    pool, n_own = np.vstack([own, contrast]), len(own)
    keys = rng.random((_REDRAWS, len(pool)))
    labels = np.zeros((1 + _REDRAWS, len(pool)))
    labels[0, :n_own] = 1
    dealt = np.argpartition(keys, n_own, axis=1)[:, :n_own]
    np.put_along_axis(labels[1:], dealt, 1.0, axis=1)
    sums = labels @ pool
    rest = (pool.sum(axis=0) - sums) / len(contrast)
    largest = (sums / n_own - rest).max(axis=1)
    return float(np.mean(largest >= largest[0] - 1e-12))
