"""The p-value of an estimate over clusters, by Student's t."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.stats import t as student


def two_sided_p(
    estimate: Float[ndarray, " column"], error: Float[ndarray, " column"], n_clusters: int
) -> Float[ndarray, " column"]:
    """Two-sided p-value for "it is 0" of each estimate with its standard error; never 0.

    The degrees of freedom are those of a spread over `n_clusters` independent clusters, less one.
    Where the clusters have no spread it is 1 for an estimate of 0, and otherwise 2^(1 - clusters):
    so seldom do all clusters agree by chance in which side of 0 they are on.

    >>> two_sided_p(np.array([2.262, 0.0, 0.5]), np.array([1.0, 0.0, 0.0]), 10).round(3).tolist()
    [0.05, 1.0, 0.002]
    """
    spread = error > 0
    t = np.divide(np.abs(estimate), error, out=np.zeros_like(error), where=spread)
    without = np.where(estimate == 0, 1.0, 2.0 ** (1 - n_clusters))
    p = np.where(spread, 2 * student.sf(t, n_clusters - 1), without)
    return np.maximum(p, np.finfo(float).tiny)
