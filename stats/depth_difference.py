"""Does one model know earlier than another, or equally early? Emergence at relative depth.

Models differ in their number of layers, so the layer of half plateau is divided by the last one.
No direction is claimed within one layer of the shallower model: the crossing is interpolated
between layers, so that equal steps at half depth in 8 and in 32 layers seem to differ by .05.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from stats.arguments import (
    enough_scenes,
    finite_array,
    horizon_layer,
    plateau_window,
    probability,
    resamples_for_interval,
)
from stats.half_crossing import first_layer_past, half_plateau_crossing, plausible_curves
from stats.order import crossing_difference
from stats.scenes import canonical_order

# Rounding of a difference of exactly one layer must not count as more.
_TIE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthDifference:
    """The second's relative depth minus the first's: above 0 where the first emerges earlier.

    The relative depth is `lambda_half` divided by the last layer, L. A resample in which a plateau
    is not positive has no depth; it counts against every claim.

    >>> effect = np.random.default_rng(0).normal([0, 0, 1, 1, 1], 0.1, (30, 5))
    >>> rng = np.random.default_rng(1)
    >>> found = depth_difference(effect, effect, rng=rng, paired=True, n_resamples=999)
    >>> found.estimate, found.p, found.p_equivalence  # A model and itself.
    (0.0, 1.0, 0.001)
    """

    depths: tuple[float, float]
    """The relative depths of the first and of the second on these scenes; NaN where the mean
    plateau is not positive."""
    layer_depths: tuple[float, float]
    """The first whole layer at or past the crossing, divided by L, of the first and of the second
    on these scenes; NaN where the mean plateau is not positive."""
    estimate: float
    """The second's depth minus the first's, in shares of the depth."""
    low: float
    """Lower end of the scene bootstrap's interval for this difference alone."""
    high: float
    """Upper end of that interval."""
    p: float
    """Two-sided p-value of this difference alone, for "no difference"; never 0. It allows no claim
    of a direction; `p_beyond` does."""
    beyond: float
    """One layer of the shallower model as share of its depth, 1 / min(L1, L2): the difference that
    interpolation between layers alone can make."""
    p_beyond: float
    """Two-sided p-value for "the difference is at most one layer of the shallower model"; never 0.
    A claim of a direction rests on this one."""
    level: float
    """Nominal coverage of the interval, and 1 minus the level of the equivalence test."""
    margin: float
    """Least difference that matters, in shares of the depth."""
    low_equivalence: float
    """Lower end of the interval at 2 level - 1 (90% for level .95), by which equivalence is
    judged."""
    high_equivalence: float
    """Upper end of the interval by which equivalence is judged."""
    p_equivalence: float
    """P-value for "the difference is `margin` or more, either way": the larger of two one-sided
    p-values; never 0."""
    paired: bool
    """Whether both curves of a scene were redrawn together."""
    n_scenes: tuple[int, int]
    """Number of scenes of the first and of the second; the same ones if paired."""
    n_resamples: int
    """How often all scenes were redrawn."""


def depth_difference(
    first: Float[ndarray, "scene layer"],
    second: Float[ndarray, "_scene _layer"],
    *,
    rng: np.random.Generator,
    paired: bool,
    plateau: tuple[Sequence[int] | None, Sequence[int] | None] = (None, None),
    horizon: tuple[int | None, int | None] = (None, None),
    margin: float = 0.1,
    level: float = 0.95,
    n_resamples: int = 10_000,
) -> DepthDifference:
    """Compare two models, or data sets, in the relative depth at which the effect emerges.

    Estimand: the difference of relative depths, 0 (embeddings) to 1 (last block), at which the mean
    effect crosses half of its plateau. Pass `paired=True` where both have the same scenes in the
    same order (two models on one data set): scenes are then redrawn together. Otherwise the samples
    must be independent. `plateau` and `horizon` hold a value for each of the two, in its own layers
    (default: the last quarter up to the horizon, and the last layer). Equivalence is inclusion of
    the interval at 2 level - 1 in -margin..margin, the bootstrap's form of two one-sided tests. A
    direction needs more than a difference: a step between two layers is put halfway between them,
    which is another share of 8 layers than of 32, so `p_beyond` tests against one layer of the
    shallower model instead of against 0.

    Raises ValueError where paired samples differ in scenes, for a model with a single layer, for a
    margin that is not between 0 and 1, and where `emergence_layer` does. Source: Davison & Hinkley
    (1997), sections 2.4 and 3.2; Schuirmann (1987), J. Pharmacokin. Biopharm. 15:657 (two one-sided
    tests).

    >>> rng = np.random.default_rng(0)
    >>> early = rng.normal([0, 0, 1, 1, 1], 0.1, (30, 5))
    >>> late = rng.normal([0, 0, 0, 1, 1], 0.1, (30, 5))
    >>> found = depth_difference(early, late, rng=rng, paired=True, n_resamples=999)
    >>> round(found.estimate, 2), found.beyond
    (0.26, 0.25)
    """
    level = probability(level, name="level")
    margin = probability(margin, name="margin")
    n_resamples = resamples_for_interval(n_resamples, level)
    tables = _checked(first, second, paired=paired)
    curves = _curves(tables, paired=paired, rng=rng, n_resamples=n_resamples)
    first_arm, second_arm = (
        _arm(table, curve, window, end)
        for table, curve, window, end in zip(tables, curves, plateau, horizon, strict=True)
    )
    estimate = second_arm.depth - first_arm.depth
    differences = second_arm.drawn - first_arm.drawn
    wide, narrow = (
        crossing_difference(estimate, differences, reach=1.0, level=share, sets_apart=False)
        for share in (level, 2 * level - 1)
    )
    beyond = 1 / (min(table.shape[1] for table in tables) - 1)
    return DepthDifference(
        depths=(first_arm.depth, second_arm.depth),
        layer_depths=(first_arm.layer_depth, second_arm.layer_depth),
        estimate=wide.estimate,
        low=wide.low,
        high=wide.high,
        p=wide.p,
        beyond=beyond,
        p_beyond=_beyond(differences, beyond),
        level=level,
        margin=margin,
        low_equivalence=narrow.low,
        high_equivalence=narrow.high,
        p_equivalence=_outside(differences, margin),
        paired=paired,
        n_scenes=(len(tables[0]), len(tables[1])),
        n_resamples=n_resamples,
    )


def _checked(
    first: Float[ndarray, "scene layer"], second: Float[ndarray, "_scene _layer"], *, paired: bool
) -> list[Float[ndarray, "_scene _layer"]]:
    tables = []
    for name, effect in (("first", first), ("second", second)):
        table = finite_array(effect, name=name, axes=["scene", "layer"])
        enough_scenes(len(table), name=name)
        if table.shape[1] < 2:
            raise ValueError(f"`{name}` must have at least 2 layers, got 1: pass all layers 0..L")
        tables.append(table)
    if paired and len(tables[0]) != len(tables[1]):
        raise ValueError(
            f"`second` must have the scenes of `first` ({len(tables[0])}) to be paired, got "
            f"{len(tables[1])}: keep the shared scenes, or pass paired=False"
        )
    return tables


def _curves(
    tables: list[Float[ndarray, "_scene _layer"]],
    *,
    paired: bool,
    rng: np.random.Generator,
    n_resamples: int,
) -> list[Float[ndarray, "resample _layer"]]:
    if not paired:
        return [
            plausible_curves(canonical_order(table), rng=rng, n_resamples=n_resamples)
            for table in tables
        ]
    together = canonical_order(np.hstack(tables))
    drawn = plausible_curves(together, rng=rng, n_resamples=n_resamples)
    return np.split(drawn, [tables[0].shape[1]], axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arm:
    """One model's crossing in shares of its depth; NaN where there is none."""

    depth: float
    layer_depth: float
    drawn: Float[ndarray, " resample"]


def _arm(
    table: Float[ndarray, "scene layer"],
    curves: Float[ndarray, "resample layer"],
    plateau: Sequence[int] | None,
    horizon: int | None,
) -> _Arm:
    last = table.shape[1] - 1
    stop = horizon_layer(horizon, table.shape[1])
    window = plateau_window(plateau, stop)
    mean = canonical_order(table).mean(axis=0, keepdims=True)
    crossing = float(half_plateau_crossing(mean[:, : stop + 1], window)[0])
    layer = np.nan if np.isnan(crossing) else first_layer_past(crossing)
    return _Arm(
        depth=crossing / last,
        layer_depth=layer / last,
        drawn=half_plateau_crossing(curves[:, : stop + 1], window) / last,
    )


def _outside(differences: Float[ndarray, " resample"], margin: float) -> float:
    """The larger of two one-sided p-values, each the share of resamples at or past one margin."""
    absent = np.isnan(differences)
    past = [(absent | (side * differences >= margin)).sum() for side in (1, -1)]
    return float((1 + max(past)) / (1 + len(differences)))


def _beyond(differences: Float[ndarray, " resample"], beyond: float) -> float:
    """Twice the smaller of two one-sided p-values, each the share of resamples that are not past
    `beyond` on one side; ties, and resamples without a depth, count against the claim."""
    absent = np.isnan(differences)
    within = [(absent | (side * differences <= beyond + _TIE)).sum() for side in (1, -1)]
    return min(1.0, float(2 * (1 + min(within)) / (1 + len(differences))))
