"""P-values of sums over relabelled rows, by layer and by window of layers.

What is relabelled is whichever of several scores counts as a row's own. The sums are linear in the
scores, so many relabellings are one sparse matrix product, and exact on a common grid.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.sparse import csr_array

from stats.exact_sums import grid_unit, on_exact_grid
from stats.streams import chunk_streams

_INDICATORS_PER_CHUNK = 2**19
_LEAST_ROWS = 8
# Labels of as many chunks as are summed at once, and the scores that they choose from at a time:
# these stay in the processor's cache while all the relabellings take from them.
_LABELS_AT_ONCE = 2**22
_SCORES_AT_ONCE = 2**17
_TIE = 100 * np.finfo(float).eps

Relabelled = Callable[[np.random.Generator, int], Int[ndarray, "chunk row"]]
"""A function that draws relabellings under the null. It takes a random stream and how many are
wanted, and returns the label of each row in each of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelabellingP:
    """Observed statistics and their one-sided p-values."""

    z: Float[ndarray, " layer"]
    """Observed sums of the standardised scores."""
    p: Float[ndarray, " layer"]
    """One-sided p-values, simultaneous over layers by the maximum sum; never 0."""
    window_p: Float[ndarray, " window"]
    """One-sided p-values of the mean over each window, each alone, not adjusted; never 0."""


def relabelling_p(
    standard: Float[ndarray, "row label layer"],
    labels: Int[ndarray, " row"],
    relabelled: Relabelled,
    *,
    windows: Sequence[tuple[int, int]],
    rng: np.random.Generator,
    n_resamples: int,
    progress: Callable[[int], object] | None = None,
) -> RelabellingP:
    """Compare the sum of the rows' own scores with sums after relabelling.

    `standard[r, k]` is row r's score under label k, scaled so that the sum over relabelled rows has
    mean 0 and variance 1 at each layer, and `labels` holds each row's own label. `windows` are
    first and last layers, both included. p = (1 + relabellings as extreme) / (1 + relabellings).
    `progress` is told, now and then, how many relabellings are done.

    Raises ValueError for a window outside of the layers. Source of the p-value: Phipson & Smyth
    (2010), doi:10.2202/1544-6115.1585.

    >>> standard = np.tile([[[0.25], [-0.25]]], (16, 1, 1))  # Label 0 is right in all 16 rows.
    >>> found = relabelling_p(
    ...     standard, np.zeros(16, dtype=int), lambda rng, n: rng.integers(2, size=(n, 16)),
    ...     windows=[(0, 0)], rng=np.random.default_rng(0), n_resamples=999,
    ... )
    >>> found.z.tolist(), found.p.tolist()
    ([4.0], [0.001])
    """
    n_rows, n_labels, n_layers = standard.shape
    for first, last in windows:
        if not 0 <= first <= last < n_layers:
            raise ValueError(
                f"`windows` must give first and last layers within 0..{n_layers - 1}, got "
                f"{(first, last)}: pass pairs such as (25, 32)"
            )
    means = [standard[:, :, first : last + 1].mean(axis=2) for first, last in windows]
    cells = np.concatenate([standard, *(each[:, :, None] for each in means)], axis=2)
    cells = cells.reshape(-1, n_layers + len(windows))
    exact = on_exact_grid(cells, total_weight=n_rows)
    observed = exact[np.arange(n_rows) * n_labels + labels].sum(axis=0)
    reach = observed - _TIE * np.abs(observed) - n_rows * grid_unit(cells, total_weight=n_rows)
    counts = np.zeros(len(observed), dtype=np.int64)
    done = 0
    for drawn in _at_once(relabelled, n_rows, n_labels, rng, n_resamples):
        null = _own_sums(exact, drawn, n_labels)
        null[:, :n_layers] = null[:, :n_layers].max(axis=1, keepdims=True)
        counts += (null >= reach).sum(axis=0)
        done += len(drawn)
        if progress is not None:
            progress(done)
    p = (1 + counts) / (1 + n_resamples)
    return RelabellingP(z=observed[:n_layers], p=p[:n_layers], window_p=p[n_layers:])


def _at_once(
    relabelled: Relabelled, n_rows: int, n_labels: int, rng: np.random.Generator, n_resamples: int
) -> Iterator[Int[ndarray, "part row"]]:
    """All relabellings, several chunks at a time; each chunk has a random stream of its own."""
    rows = max(_LEAST_ROWS, _INDICATORS_PER_CHUNK // (n_rows * n_labels))
    starts = range(0, n_resamples, rows)
    most = max(1, _LABELS_AT_ONCE // (rows * n_rows))
    parts: list[ndarray] = []
    for start, stream in zip(starts, chunk_streams(rng, len(starts)), strict=True):
        drawn = relabelled(stream, min(rows, n_resamples - start))
        parts.append(drawn.astype(np.int32))
        if len(parts) == most or start + rows >= n_resamples:
            yield np.concatenate(parts)
            parts.clear()


def _own_sums(
    exact: Float[ndarray, "cell column"], labels: Int[ndarray, "part row"], n_labels: int
) -> Float[ndarray, "part column"]:
    """The sum over rows of each row's scores under its label, for every relabelling.

    A relabelling is a matrix with a single 1 for each row, at the cell of its label. On the exact
    grid sums are the same in whichever order they are taken.
    """
    n_parts, n_rows = labels.shape
    n_columns = exact.shape[1]
    at_a_time = max(1, _SCORES_AT_ONCE // (n_labels * n_columns))
    sums = np.zeros((n_parts, n_columns))
    for first in range(0, n_rows, at_a_time):
        chosen = labels[:, first : first + at_a_time]
        n_chosen = chosen.shape[1]
        cells = chosen + np.arange(0, n_chosen * n_labels, n_labels, dtype=np.int32)
        ends = np.arange(0, cells.size + 1, n_chosen, dtype=np.int32)
        picked = csr_array(
            (np.ones(cells.size), cells.ravel(), ends), shape=(n_parts, n_chosen * n_labels)
        )
        sums += picked @ exact[first * n_labels : (first + n_chosen) * n_labels]
    return sums
