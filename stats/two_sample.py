"""Do two independent samples of scenes differ, and where? Permuted labels with Welch's maximum t.

The statistic is Welch's t and not the difference of means, because two runs differ in their number
of scenes and in their spread. Permutations of the plain difference (or of a t with pooled variance)
then reject equal means, since they test equal distributions. Permutations of Welch's t are exact
for equal distributions, and right in large samples for equal means. With few scenes of unequal
spread they reject too often, more so if these are skewed: at level .05 they reject equal means of
40 normal scenes against 160 with a third of their spread in .07 of the studies, and of 200 against
300 in .06 (`analysis.validate --only two_samples`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from stats.arguments import enough_resamples, enough_scenes, finite_array
from stats.exact_sums import on_exact_grid, unit_scale
from stats.scenes import canonical_order
from stats.streams import chunk_streams

# In cache with its product, as in the sign flips.
_LABELS_PER_CHUNK = 2**17
_LEAST_ROWS = 32
_TIE = 100 * np.finfo(float).eps


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoSampleTest:
    """Family-wise adjusted p-values of the difference of means, one per column.

    >>> rng = np.random.default_rng(0)
    >>> same = np.array([[1.0], [2.0], [4.0]])
    >>> found = two_sample_max_t(same, same, rng=rng, n_resamples=99)
    >>> found.t.tolist(), found.p.tolist(), found.n_scenes
    ([0.0], [1.0], (3, 3))
    """

    p: Float[ndarray, " test"]
    """Two-sided p-values, adjusted over all columns together; never 0."""
    omnibus_p: float
    """P-value for "no difference anywhere": the smallest of `p`."""
    t: Float[ndarray, " test"]
    """Welch's t of second minus first; 0 where nothing varies and nothing differs."""
    n_scenes: tuple[int, int]
    """Number of scenes of the first and of the second sample."""
    n_resamples: int
    """Number of permutations drawn."""


def two_sample_max_t(
    first: Float[ndarray, "scene test"],
    second: Float[ndarray, "_scene _test"],
    *,
    rng: np.random.Generator,
    n_resamples: int = 10_000,
) -> TwoSampleTest:
    """Test the difference of means at every column, adjusted by the maximum of Welch's |t|.

    Null: the two samples have equal means. Scenes are independent draws, within and between the
    samples; for scenes that both have, pair them (`sign_flip_max_t`). Columns (depths) of a scene
    move together, so their correlation is kept. p = (1 + permutations as extreme) / (1 +
    permutations). Neither the order of scenes nor the unit of a column makes a difference. Sums are
    exact on a common grid: neither processor nor number of threads changes a bit of the result.

    Raises ValueError for fewer than 2 scenes in either, for unequal numbers of columns and for
    values that are not finite. Source: Janssen (1997), Stat. Probab. Lett. 36:9; Chung & Romano
    (2013), Ann. Stat. 41:484; Westfall & Young (1993), Resampling-Based Multiple Testing.

    >>> rng = np.random.default_rng(0)
    >>> first, second = rng.normal(0, 1, (40, 2)), rng.normal([0, 1], 1, (60, 2))
    >>> found = two_sample_max_t(first, second, rng=rng, n_resamples=999)
    >>> (found.p <= 0.05).tolist()
    [False, True]
    """
    tables = []
    for name, values in (("first", first), ("second", second)):
        table = finite_array(values, name=name, axes=["scene", "test"])
        enough_scenes(len(table), name=name)
        tables.append(canonical_order(table))
    if tables[0].shape[1] != tables[1].shape[1]:
        raise ValueError(
            f"`second` must have the columns of `first` ({tables[0].shape[1]}), got "
            f"{tables[1].shape[1]}: bring both to the same depths"
        )
    n_resamples = enough_resamples(n_resamples)
    pool, _ = unit_scale(np.vstack(tables))
    pool, _ = unit_scale(pool - pool.mean(axis=0))
    n_first = len(tables[0])
    parts = [on_exact_grid(part, total_weight=len(pool)) for part in (pool, np.square(pool))]
    moments = np.stack(parts)
    own = (np.arange(len(pool)) < n_first).astype(float)[None]
    observed = _welch_t(own, moments)[0]
    size = np.abs(observed)
    threshold = size - _TIE * np.where(np.isfinite(size), size, 0)
    rivals = np.concatenate(
        [
            np.abs(_welch_t(labels, moments)).max(axis=1)
            for labels in _labels(len(pool), n_first, n_resamples, rng)
        ]
    )
    rivals.sort()
    counts = len(rivals) - np.searchsorted(rivals, threshold, side="left")
    p = (1 + counts) / (1 + n_resamples)
    return TwoSampleTest(
        p=p,
        omnibus_p=float(p.min()),
        t=observed,
        n_scenes=(n_first, len(pool) - n_first),
        n_resamples=n_resamples,
    )


def _labels(
    n_scenes: int, n_first: int, n_resamples: int, rng: np.random.Generator
) -> Iterator[Float[ndarray, "chunk scene"]]:
    """1 where a scene is dealt to the first sample, chunk by chunk."""
    rows = max(_LEAST_ROWS, _LABELS_PER_CHUNK // n_scenes)
    starts = range(0, n_resamples, rows)
    for start, stream in zip(starts, chunk_streams(rng, len(starts)), strict=True):
        keys = stream.random((min(rows, n_resamples - start), n_scenes))
        dealt = np.argpartition(keys, n_first - 1, axis=1)[:, :n_first]
        labels = np.zeros(keys.shape)
        np.put_along_axis(labels, dealt, 1.0, axis=1)
        yield labels


def _welch_t(
    labels: Float[ndarray, "chunk scene"], moments: Float[ndarray, "2 scene test"]
) -> Float[ndarray, "chunk test"]:
    """Second minus first in Welch's standard errors; infinite where neither sample varies.

    `moments` are the pooled values and their squares, on the exact grid.
    """
    pool, squares = moments
    n_scenes = len(pool)
    n_first = int(labels[0].sum())
    sums, powers = labels @ pool, labels @ squares
    means, errors = [], np.zeros_like(sums)
    for n, total, power in (
        (n_first, sums, powers),
        (n_scenes - n_first, pool.sum(axis=0) - sums, squares.sum(axis=0) - powers),
    ):
        mean = total / n
        means.append(mean)
        errors += np.maximum(power / n - np.square(mean), 0) / (n - 1)
    difference = means[1] - means[0]
    # Rounding leaves a spread of some eps where there is none.
    noise = _TIE * squares.mean(axis=0)
    spread = errors > noise / n_scenes
    limit = np.where(np.square(difference) > noise, np.copysign(np.inf, difference), 0.0)
    return np.where(spread, difference / np.sqrt(np.where(spread, errors, 1.0)), limit)
