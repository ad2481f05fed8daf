"""Which share of a total effect is moved by patching some positions at a layer?

Activations of one image are put in the place of another's, and the answer's log odds move by a part
of what they move by when the whole image is exchanged. The share is a ratio of means over pairs of
images, and never a mean of the pairs' ratios: the total of a pair whose answer the model does not
know is near 0, or negative, and its ratio may then be any number.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.typing import ArrayLike
from scipy.stats import t as student_t

from stats.arguments import enough_scenes, finite_array, probability
from stats.scenes import canonical_order


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedShare:
    """The share of the total effect that is moved at each layer, with an interval for each.

    >>> total = np.array([1.0, 2.0, 3.0, 2.0])
    >>> found = moved_share(total[:, None] * [1.0, 0.5, 0.0], total, level=0.9)
    >>> found.estimate.tolist(), found.low.tolist(), found.total_mean
    ([1.0, 0.5, 0.0], [1.0, 0.5, 0.0], 2.0)
    """

    estimate: Float[ndarray, " layer"]
    """Mean of `moved` over the mean of `total`: 1 where all of the effect is moved, 0 where none
    is, and unbounded in both directions. NaN where the mean total is not positive."""
    low: Float[ndarray, " layer"]
    """Lower end of the interval, each layer alone (not simultaneous); -inf where the mean total is
    not clear enough from 0 for a bound."""
    high: Float[ndarray, " layer"]
    """Upper end of the interval, likewise; inf where there is no bound."""
    total_mean: float
    """The mean total effect, in the unit of the values."""
    level: float
    """Nominal coverage of each interval."""
    n_scenes: int
    """Number of scenes (pairs of images), the units that were sampled."""


def moved_share(
    moved: Float[ndarray, "scene layer"], total: Float[ndarray, " _scene"], *, level: float = 0.95
) -> MovedShare:
    """Estimate the share of the total effect that is moved at each layer.

    A row is a scene, here a pair of images: an independent draw, of which both directions were
    averaged before. `total` is the effect of exchanging the whole image and `moved` that of the
    patched part, in one unit (bits of log odds) and with one sign.

    The interval is Fieller's. It holds each share s at which a t test over scenes does not reject
    that the mean of `moved` - s `total` is 0. That is linear in the scene, so nothing is divided by
    the total of a scene or of a resample, whose ratios have no bounds. Where the mean total is not
    shown to be positive at this level, the interval has no ends: ask `follows` first. With totals
    of heavy tails it covers more than a bootstrap of the ratio, which is too narrow where few pairs
    carry a share near 0 or 1 (see the validation).

    Of disjoint parts, 1 minus the sum of their shares is the `moved_share` of `total` less all that
    is moved by the parts. Raises ValueError for values that are not finite, for unequal numbers of
    scenes and for fewer than 2 scenes. Source: Fieller (1954), J. R. Stat. Soc. B 16:175.

    >>> rng = np.random.default_rng(0)
    >>> total = rng.normal(1.0, 1.0, 60)
    >>> moved = total[:, None] * [1.0, 0.4] + rng.normal(0.0, [0.0, 0.1], (60, 2))
    >>> found = moved_share(moved, total)
    >>> found.estimate.round(1).tolist(), found.low.round(2).tolist()
    ([1.0, 0.4], [1.0, 0.38])
    """
    table, whole = moved_and_total(moved, total)
    level = probability(level, name="level")
    quantile = float(student_t.ppf((1 + level) / 2, len(table) - 1))
    low, high = fieller_ends(table, whole, quantile=quantile)
    return MovedShare(
        estimate=share_of_means(table, whole),
        low=low,
        high=high,
        total_mean=float(whole.mean()),
        level=level,
        n_scenes=len(table),
    )


def share_of_means(
    moved: Float[ndarray, "scene layer"], total: Float[ndarray, " scene"]
) -> Float[ndarray, " layer"]:
    """The mean of `moved` over the mean of `total`; NaN where that is not positive.

    >>> share_of_means(np.array([[1.0], [0.0]]), np.array([3.0, 1.0])).tolist()
    [0.25]
    """
    # Summed in one table, so that equal columns have equal means to the last digit.
    *means, whole = np.column_stack([moved, total]).mean(axis=0)
    return np.array(means) / whole if whole > 0 else np.full(len(means), np.nan)


def fieller_ends(
    moved: Float[ndarray, "scene layer"], total: Float[ndarray, " scene"], *, quantile: float
) -> tuple[Float[ndarray, " layer"], Float[ndarray, " layer"]]:
    """Both ends of the set of shares s at which |t| of `moved` - s `total` is below `quantile`.

    In shares of the mean total; -inf and inf where the t statistic of the total itself is not above
    the quantile, since the set then has no ends. With a quantile of Student's t it says the same as
    t tests of the mean at each share (Fieller 1954, J. R. Stat. Soc. B 16:175).

    >>> total = np.array([1.0, 2.0, 3.0, 2.0])
    >>> low, high = fieller_ends(total[:, None] * [1.0, 0.5], total, quantile=2.0)
    >>> low.tolist(), high.tolist()
    ([1.0, 0.5], [1.0, 0.5])
    """
    n_scenes, mean = total.shape[0], total.mean()
    scale = quantile**2 / (n_scenes * (n_scenes - 1))
    centred = total - mean
    lead = mean**2 - scale * np.square(centred).sum()
    share = share_of_means(moved, total)
    if not (lead > 0 and np.isfinite(share).all()):
        unknown = np.full(moved.shape[1], np.inf)
        return -unknown, unknown
    # What is left has the mean 0, and exactly nothing is left of a share that all scenes have.
    left = moved - share * total[:, None]
    middle = scale * (centred @ left)
    root = np.sqrt(middle**2 + lead * scale * np.square(left).sum(axis=0))
    return share - (root + middle) / lead, share + (root - middle) / lead


def moved_and_total(
    moved: ArrayLike | Sequence[Sequence[float]], total: ArrayLike | Sequence[float]
) -> tuple[Float[ndarray, "scene layer"], Float[ndarray, " scene"]]:
    """Both as checked arrays whose rows are in an order of their own, whatever it was before.

    Raises ValueError for values that are not finite, for unequal numbers of scenes and for fewer
    than 2 scenes.

    >>> table, whole = moved_and_total([[2.0], [1.0]], [5.0, 4.0])
    >>> table.tolist(), whole.tolist()
    ([[1.0], [2.0]], [4.0, 5.0])
    """
    table = finite_array(moved, name="moved", axes=["scene", "layer"])
    whole = finite_array(total, name="total", axes=["scene"])
    if len(whole) != len(table):
        raise ValueError(
            f"`total` must hold one value per scene of `moved` ({len(table)}), got {len(whole)}: "
            "pass the total effect of the same scenes in the same order"
        )
    enough_scenes(len(table), name="moved")
    rows = canonical_order(np.column_stack([table, whole]))
    return rows[:, :-1], rows[:, -1]
