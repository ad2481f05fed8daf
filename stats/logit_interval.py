"""Ends of an interval for a share or probability that stay in [0, 1]: on the logit scale."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import expit, logit


def logit_interval(
    share: Float[ndarray, " column"], error: Float[ndarray, " column"], *, quantile: float
) -> Float[ndarray, "2 column"]:
    """Lower and upper end: `quantile` standard errors to either side of the share's logit.

    `error` is the standard error of the share, in its unit; on the logit scale it is that over
    share (1 - share). A share without spread, or of 0 or 1, has both ends where it is itself: what
    is left open there is for the caller to say.

    Source: Pepe (2003), The Statistical Evaluation of Medical Tests, section 5.2.

    >>> ends = logit_interval(np.array([0.9, 1.0]), np.array([0.05, 0.0]), quantile=1.96)
    >>> ends.round(3).tolist()
    [[0.752, 1.0], [0.964, 1.0]]
    """
    alive = (error > 0) & (share > 0) & (share < 1)
    inside = np.where(alive, share, 0.5)
    reach = quantile * error / (inside * (1 - inside))
    return np.where(alive, expit(logit(inside) + np.stack([-reach, reach])), share)
