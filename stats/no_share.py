"""Is it shown that a patch moves nothing that matters, as a control must?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.stats import t as student_t

from stats.arguments import probability
from stats.course import p_above
from stats.hand_over_window import share_margin
from stats.moved_share import fieller_ends, moved_and_total, share_of_means


@dataclass(frozen=True, slots=True, kw_only=True)
class NoShare:
    """At which layers the share of the total effect is shown to be less than the margin.

    >>> total = np.array([1.0, 2.0, 3.0, 2.0])
    >>> found = no_share(total[:, None] * [0.0, 0.01, 0.5], total, margin=0.1)
    >>> found.shown.tolist(), found.shown_at_all
    ([True, True, False], False)
    """

    estimate: Float[ndarray, " layer"]
    """The share at each of `layers`; NaN where the mean total is not positive."""
    low: Float[ndarray, " layer"]
    """Lower end of the interval at 2 level - 1 (90% for level .95), each layer alone; it lies
    within the margins just where `p` is at most 1 - level."""
    high: Float[ndarray, " layer"]
    """Upper end of that interval."""
    p: Float[ndarray, " layer"]
    """P-value for "the share is the margin or more, either way", each layer alone: the larger of
    two one-sided p-values."""
    shown: Bool[ndarray, " layer"]
    """Whether the share is shown to lie within the margins, each layer alone."""
    p_at_all: float
    """P-value for "it is so at one of `layers`": the largest `p`, an intersection-union test."""
    shown_at_all: bool
    """Whether the shares at all of `layers` together are shown to lie within the margins."""
    most: float
    """The largest |share| that is not excluded at any of `layers`: the least margin that would just
    be shown at all of them. Infinite where the total is not shown to be positive."""
    layers: tuple[int, ...]
    """The layers that were tested."""
    margin: float
    """The share that counts as nothing."""
    level: float
    """1 minus the probability of claiming falsely that nothing is moved."""
    n_scenes: int
    """Number of scenes (pairs of images), the units of each test."""


def no_share(
    moved: Float[ndarray, "scene layer"],
    total: Float[ndarray, " _scene"],
    *,
    margin: float = 0.1,
    level: float = 0.95,
    layers: Sequence[int] | None = None,
) -> NoShare:
    """Test whether the share moved lies within -margin..margin, at each layer and at all (TOST).

    Rows are scenes, as for `moved_share`. The tests are one-sided t tests of `margin` times `total`
    plus and minus `moved`, linear in the scene, and so valid without dividing; both means are
    positive only if the total is, so that nothing is claimed of a share that has no meaning.
    `layers` are those that the claim is about (default: all). Leave out those at which nothing can
    be moved, whatever the model does: they say nothing about it.

    Raises ValueError for a margin that is not between 0 and .5, for layers that there are not, and
    where `moved_share` does. Source: Schuirmann (1987), J. Pharmacokin. Biopharm. 15:657; Berger
    (1982), Technometrics 24:295; Fieller (1954), J. R. Stat. Soc. B 16:175.

    >>> rng = np.random.default_rng(0)
    >>> total = rng.normal(1.0, 0.5, 60)
    >>> found = no_share(rng.normal(0, 0.1, (60, 4)), total, layers=[1, 2, 3])
    >>> found.shown_at_all, found.most < 0.1
    (True, True)
    """
    table, whole = moved_and_total(moved, total)
    level, margin = probability(level, name="level"), share_margin(margin)
    chosen = _layers(layers, table.shape[1])
    table = table[:, chosen]
    allowed = margin * whole
    p = np.array([max(p_above(allowed - one), p_above(allowed + one)) for one in table.T])
    quantile = float(student_t.ppf(level, len(table) - 1))
    low, high = fieller_ends(table, whole, quantile=quantile)
    return NoShare(
        estimate=share_of_means(table, whole),
        low=low,
        high=high,
        p=p,
        shown=p <= 1 - level,
        p_at_all=float(p.max()),
        shown_at_all=bool(p.max() <= 1 - level),
        most=float(np.maximum(-low, high).max()),
        layers=chosen,
        margin=margin,
        level=level,
        n_scenes=len(table),
    )


def _layers(layers: Sequence[int] | None, n_layers: int) -> tuple[int, ...]:
    chosen = tuple(range(n_layers)) if layers is None else tuple(int(layer) for layer in layers)
    if not chosen or not set(chosen) <= set(range(n_layers)):
        raise ValueError(
            f"`layers` must name layers from 0 to {n_layers - 1}, got {list(chosen)}: "
            "pass those at which something could be moved"
        )
    return chosen
