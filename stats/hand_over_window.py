"""Between which layers is the image read out: all of the effect before them, and none after?

A crossing of one half says where the middle of the hand-over is, this where it begins and ends. A
layer is named only where a test shows it, so the window can be too wide, but hardly too narrow.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from stats.arguments import probability
from stats.forward_backward import shown_above
from stats.moved_share import moved_and_total


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOverWindow:
    """The layers between which the image's share falls from all to nothing.

    >>> total = np.random.default_rng(0).normal(1.0, 0.5, 40)
    >>> hand_over_window(total[:, None] * [1.0, 1.0, 0.5, 0.0, 0.0], total)
    HandOverWindow(start=1, end=3, margin=0.1, level=0.95, n_scenes=40)
    """

    start: int | None
    """The last layer of the unbroken run from layer 0 on in which the share is shown above
    1 - margin; None where that is not shown at layer 0."""
    end: int | None
    """The first layer of the unbroken run up to the last one in which the share is shown to lie
    within -margin..margin; None where that is not shown at the last layer."""
    margin: float
    """The share that counts as nothing."""
    level: float
    """Least probability that `start` is not too late and `end` not too early, both together."""
    n_scenes: int
    """Number of scenes (pairs of images), the units of each test."""


def hand_over_window(
    image_moved: Float[ndarray, "scene layer"],
    total: Float[ndarray, " _scene"],
    *,
    margin: float = 0.1,
    level: float = 0.95,
) -> HandOverWindow:
    """Show up to which layer all of the effect is at the image, and from which on none is.

    Rows are scenes, as for `moved_share`. With a the last layer of the unbroken run from layer 0 on
    whose share exceeds 1 - `margin`, and b the first layer from which on all shares lie within
    -margin..margin, P(`start` <= a and b <= `end`) >= `level`, where None is no claim. No monotone
    curve is assumed. `start` is too late only where the test at the one layer a + 1 errs, `end` too
    early only where that at b - 1 does, so the tests need no correction over layers (a fixed
    sequence); each side has half of the error. The tests are one-sided t tests over scenes of
    `image_moved` less a multiple of `total`, linear in the scene, whose mean must be near normal:
    where one pair in seven has all that is tested for, the error of one side is about .04 with 40
    pairs and .03 with 300, not .025. Both ends are None where the mean total is not shown to be
    positive, since a share then has no meaning.

    Raises ValueError for a margin that is not between 0 and .5, and where `moved_share` does.
    Source: Hsu & Berger (1999), JASA 94:468; Fieller (1954), J. R. Stat. Soc. B 16:175; Schuirmann
    (1987), J. Pharmacokin. Biopharm. 15:657 (both bounds of nothing).

    >>> rng = np.random.default_rng(0)
    >>> total = rng.normal(1.0, 0.5, 60)
    >>> share = np.array([1.0, 1.0, 0.6, 0.0, 0.0])
    >>> moved = total[:, None] * share + rng.normal(0, [0, 0.1, 0.1, 0.1, 0], (60, 5))
    >>> found = hand_over_window(moved, total)
    >>> found.start, found.end
    (1, 3)
    """
    table, whole = moved_and_total(image_moved, total)
    level = probability(level, name="level")
    margin = share_margin(margin)
    alpha, column = (1 - level) / 2, whole[:, None]
    positive = bool(shown_above(column, alpha=alpha).item())
    all_there = shown_above(table - (1 - margin) * column, alpha=alpha)
    nothing = shown_above(margin * column - table, alpha=alpha)
    nothing &= shown_above(margin * column + table, alpha=alpha)
    before, after = _run(all_there), _run(nothing[::-1])
    return HandOverWindow(
        start=before - 1 if positive and before else None,
        end=table.shape[1] - after if positive and after else None,
        margin=margin,
        level=level,
        n_scenes=len(table),
    )


def share_margin(margin: float) -> float:
    """`margin` as a float between 0 and one half, the largest share that may count as nothing.

    Raises ValueError otherwise.

    >>> share_margin(0.1)
    0.1
    """
    if not 0 < margin < 0.5:
        raise ValueError(
            f"`margin` must be a share between 0 and 0.5 of the total effect, got {margin}: "
            "pass a share such as 0.1"
        )
    return float(margin)


def _run(flags: Bool[ndarray, " layer"]) -> int:
    """Number of leading True values."""
    return len(flags) if flags.all() else int(np.argmin(flags))
