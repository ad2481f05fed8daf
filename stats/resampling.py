"""The one bootstrap engine: scenes redrawn with replacement, as matrices of weights.

A resample is how often each scene was drawn. For whatever is linear in the scenes, thousands of
resamples are then one matrix product; anything else takes the redrawn rows one resample at a
time (`resampled_statistic`). Both see the same resamples for the same generator.

Weights come in chunks whose size depends on the number of scenes alone and which have their own
random stream, so that memory is bounded and nothing depends on how the work is divided.
"""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from stats.exact_sums import on_exact_grid
from stats.streams import chunk_streams

# Small enough for the chunk's arrays to stay in the processor's cache, and yet enough rows for
# the matrix product to read a large table of scenes only a few hundred times.
_DRAWS_PER_CHUNK = 2**17
_LEAST_ROWS = 32

# With more scenes than this, each resample is first shared out over blocks of so many scenes, and
# counted block by block: the counts stay in cache, so that time is linear in scenes.
_SCENES_PER_BLOCK = 2**13

# Below this share of the sample's variance a resample has no spread of its own.
_NO_SPREAD = 1e-10


def weight_chunks(
    n_scenes: int, n_resamples: int, *, rng: np.random.Generator
) -> Iterator[Float[ndarray, "chunk scene"]]:
    """How often each scene was drawn in each of `n_resamples` resamples, chunk by chunk.

    A row is one resample, and its entries sum to `n_scenes`.

    >>> chunks = list(weight_chunks(5, 3, rng=np.random.default_rng(0)))
    >>> chunks[0].shape, chunks[0].sum(axis=1).tolist()
    ((3, 5), [5.0, 5.0, 5.0])
    """
    rows = max(_LEAST_ROWS, _DRAWS_PER_CHUNK // n_scenes)
    starts = range(0, n_resamples, rows)
    for start, stream in zip(starts, chunk_streams(rng, len(starts)), strict=True):
        n_rows = min(rows, n_resamples - start)
        yield _weights(stream, n_rows, n_scenes)


def _weights(
    stream: np.random.Generator, n_rows: int, n_scenes: int
) -> Float[ndarray, "chunk scene"]:
    if n_scenes > _SCENES_PER_BLOCK:
        return _weights_by_block(stream, n_rows, n_scenes)
    drawn = stream.integers(n_scenes, size=(n_rows, n_scenes), dtype=np.uint16)
    cells = np.add(drawn, n_scenes * np.arange(n_rows)[:, None], dtype=np.intp)
    counts = np.bincount(cells.ravel(), minlength=n_rows * n_scenes)
    return counts.reshape(n_rows, n_scenes).astype(float)


def _weights_by_block(
    stream: np.random.Generator, n_rows: int, n_scenes: int
) -> Float[ndarray, "chunk scene"]:
    """Draws per block are multinomial, and within a block each scene is as likely as another."""
    edges = np.append(np.arange(0, n_scenes, _SCENES_PER_BLOCK), n_scenes)
    sizes = np.diff(edges)
    weights = np.empty((n_rows, n_scenes))
    for row in weights:
        draws = stream.multinomial(n_scenes, sizes / n_scenes)
        for start, size, n_draws in zip(edges, sizes, draws, strict=False):
            drawn = stream.integers(size, size=n_draws, dtype=np.uint16)
            row[start : start + size] = np.bincount(drawn, minlength=size)
    return weights


def resampled_means(
    scenes: Float[ndarray, "scene column"], *, rng: np.random.Generator, n_resamples: int
) -> Float[ndarray, "resample column"]:
    """The mean over the redrawn scenes, per resample and column, in the unit of the values.

    In memory a column's resamples lie side by side, since that is how quantiles are taken.

    >>> scenes = np.array([[0.0, 7.0], [1.0, 7.0]])
    >>> means = resampled_means(scenes, rng=np.random.default_rng(0), n_resamples=99)
    >>> np.unique(means[:, 0]).tolist(), np.unique(means[:, 1]).tolist()
    ([0.0, 0.5, 1.0], [7.0])
    """
    n_scenes, n_columns = scenes.shape
    exact = np.ascontiguousarray(on_exact_grid(scenes, total_weight=n_scenes).T)
    means = np.empty((n_columns, n_resamples))
    start = 0
    for weights in weight_chunks(n_scenes, n_resamples, rng=rng):
        means[:, start : start + len(weights)] = exact @ weights.T
        start += len(weights)
    means /= n_scenes
    return means.T


def resampled_t(
    scenes: Float[ndarray, "scene column"], *, rng: np.random.Generator, n_resamples: int
) -> Float[ndarray, "resample column"]:
    """How far each resample's mean lies from the sample's, in the resample's own standard errors.

    Where the redrawn scenes have no spread (one scene drawn n times, or a column that is
    constant but for a few scenes) the sample's standard error stands in for the resample's; a
    column that is constant throughout gives 0. So the result is always finite.

    >>> scenes = np.array([[0.0, 7.0], [1.0, 7.0]])
    >>> t = resampled_t(scenes, rng=np.random.default_rng(0), n_resamples=99)
    >>> np.unique(t[:, 0]).tolist(), np.unique(t[:, 1]).tolist()  # A constant column has t = 0.
    ([-1.0, 0.0, 1.0], [0.0])
    """
    n_scenes, n_columns = scenes.shape
    centred = scenes - scenes.mean(axis=0)
    squares = np.square(centred)
    variance = squares.mean(axis=0)
    parts = [on_exact_grid(part, total_weight=n_scenes) for part in (centred, squares)]
    exact = np.ascontiguousarray(np.hstack(parts).T)
    alive = variance > 0
    floor = np.where(alive, _NO_SPREAD * variance, 0.0)[:, None]
    stand_in = np.where(alive, variance, 1.0)[:, None]
    t = np.empty((n_columns, n_resamples))
    start = 0
    for weights in weight_chunks(n_scenes, n_resamples, rng=rng):
        moments = exact @ weights.T
        moments /= n_scenes
        deviation, spread = moments[:n_columns], moments[n_columns:]
        spread -= np.square(deviation)
        np.copyto(spread, stand_in, where=spread <= floor)
        np.sqrt(spread, out=spread)
        np.divide(deviation, spread, out=t[:, start : start + len(weights)])
        start += len(weights)
    t *= np.where(alive, np.sqrt(n_scenes - 1), 0.0)[:, None]
    return t.T


def resampled_statistic(
    statistic: Callable[[ndarray], float | ndarray],
    scenes: Float[ndarray, "scene *column"],
    *,
    rng: np.random.Generator,
    n_resamples: int,
) -> Float[ndarray, "resample *result"]:
    """Any `statistic` of the redrawn rows of `scenes`, with one call for each resample.

    The resamples are those of `resampled_means` for the same generator. The rows come in the order
    of the sample, repeated as often as drawn, so a statistic must not depend on the order of
    scenes.

    >>> scenes, rng = np.array([[0.0], [1.0], [5.0]]), np.random.default_rng(0)
    >>> medians = resampled_statistic(np.median, scenes, rng=rng, n_resamples=99)
    >>> np.unique(medians).tolist()
    [0.0, 1.0, 5.0]
    """
    every = np.arange(len(scenes))
    values = [
        statistic(scenes[np.repeat(every, row.astype(int))])
        for weights in weight_chunks(len(scenes), n_resamples, rng=rng)
        for row in weights
    ]
    return np.asarray(values, dtype=float)
