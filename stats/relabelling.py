"""P-values of sums over relabelled rows, by layer and by window of layers.

What is relabelled is whichever of several scores counts as a row's own. The sums are linear in the
scores, so many relabellings are one matrix product, and exact on a common grid.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from stats.exact_sums import grid_unit, on_exact_grid
from stats.streams import chunk_streams

_INDICATORS_PER_CHUNK = 2**19
_LEAST_ROWS = 8
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
) -> RelabellingP:
    """Compare the sum of the rows' own scores with sums after relabelling.

    `standard[r, k]` is row r's score under label k, scaled so that the sum over relabelled rows has
    mean 0 and variance 1 at each layer, and `labels` holds each row's own label. `windows` are
    first and last layers, both included. p = (1 + relabellings as extreme) / (1 + relabellings).

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
    indicator = np.eye(n_labels)
    rows = max(_LEAST_ROWS, _INDICATORS_PER_CHUNK // len(cells))
    starts = range(0, n_resamples, rows)
    for start, stream in zip(starts, chunk_streams(rng, len(starts)), strict=True):
        drawn = relabelled(stream, min(rows, n_resamples - start))
        null = indicator[drawn].reshape(len(drawn), -1) @ exact
        null[:, :n_layers] = null[:, :n_layers].max(axis=1, keepdims=True)
        counts += (null >= reach).sum(axis=0)
    p = (1 + counts) / (1 + n_resamples)
    return RelabellingP(z=observed[:n_layers], p=p[:n_layers], window_p=p[n_layers:])
