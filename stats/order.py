"""Which attribute emerges first? Differences of `lambda_half`, and what they allow to claim.

Half of an attribute's own plateau does not move with its amplitude, so strong and weak attributes
compare. Layers of first significance do not, for a stronger effect is significant earlier.
Attribute labels are never permuted, since unequal amplitudes alone would make such a test reject.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise, permutations

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from stats.arguments import (
    enough_scenes,
    finite_array,
    horizon_layer,
    plateau_window,
    probability,
    resamples_for_interval,
)
from stats.forward_backward import LayerSet, half_forward_backward_set
from stats.half_crossing import half_plateau_crossing, plausible_curves
from stats.multiplicity import adjusted_p
from stats.scenes import canonical_order

# With more attributes there are too many orders to report each.
_MOST_ORDERED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossingDifference:
    """`lambda_half` of the second minus that of the first; above 0 where the first is earlier.

    >>> drawn = np.linspace(0.5, 1.5, 99)
    >>> found = crossing_difference(1.0, drawn, reach=4.0, level=0.9, sets_apart=False)
    >>> round(found.low, 2), round(found.high, 2), found.p_earlier
    (0.54, 1.46, 0.01)
    """

    estimate: float
    """The difference in layers (or in shares of the depth), interpolated; NaN where a mean plateau
    is not positive."""
    low: float
    """Lower end of the paired scene bootstrap's interval for this pair alone."""
    high: float
    """Upper end of that interval."""
    p: float
    """Two-sided p-value of this pair alone, for "no difference"."""
    p_earlier: float
    """One-sided p-value of this pair alone, for "the first does not emerge before the second"."""
    p_holm: float
    """`p` adjusted by Holm's method, so that it is simultaneous over all pairs of the same result:
    for a pair that is reported by itself."""
    sets_apart: bool
    """Whether the forward-backward sets are disjoint, the first's before the second's. It says
    the same as `p_earlier` <= 1 - level, but with a guaranteed error."""
    level: float
    """Nominal coverage of the interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergenceOrder:
    """The order in which attributes emerge, with its uncertainty.

    >>> rng = np.random.default_rng(0)
    >>> early = rng.normal([0, 0, 1, 1, 1], 0.1, (30, 5))
    >>> late = rng.normal([0, 0, 0, 1, 1], 0.1, (30, 5))
    >>> effects = {"color": early, "shape": late}
    >>> found = emergence_order(effects, rng=rng, n_resamples=999)
    >>> found.order_probability
    {('color', 'shape'): 1.0, ('shape', 'color'): 0.0}
    """

    order: tuple[str, ...]
    """The attributes in the order given, which is the one that `chain_p` tests."""
    estimates: Mapping[str, float]
    """`lambda_half` of each attribute in layers; NaN where its mean plateau is not positive."""
    differences: Mapping[tuple[str, str], CrossingDifference]
    """The difference of each pair of attributes, the one that stands earlier in `order` first."""
    chain_p: float
    """P-value for "the order given is wrong somewhere": the largest `p_earlier` of neighbours in
    the order. It is an intersection-union test of all of them, which needs no adjustment."""
    chain_sets_apart: bool
    """Whether the forward-backward sets of all neighbours are disjoint and in the order given."""
    order_probability: Mapping[tuple[str, ...], float]
    """Share of resamples with each full order. Where the shares sum to less than 1, the rest are
    resamples with a tie or with a plateau that is not positive."""
    crossings: Mapping[str, Float[ndarray, " resample"]]
    """`lambda_half` of each attribute in every resample, paired; NaN where its plateau is not
    positive."""
    sets: Mapping[str, LayerSet]
    """Forward-backward set of each attribute's `lambda_half`."""
    level: float
    """Level of intervals and sets."""
    n_scenes: int
    """Number of scenes, the same ones for every attribute."""
    n_resamples: int
    """How often all scenes were redrawn."""


def emergence_order(
    effects: Mapping[str, Float[ndarray, "scene layer"]],
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    plateau: Sequence[int] | None = None,
    horizon: int | None = None,
    n_resamples: int = 10_000,
) -> EmergenceOrder:
    """Compare the layers of half plateau of several attributes on the same scenes.

    Estimand of a pair: the difference of the interpolated crossings of half of each mean curve's
    own plateau. Rows of all effects are the same scenes in the same order, so the bootstrap is
    paired. The chain of neighbours is an intersection-union test, each link at 1 - level without
    correction; links that are reported on their own have Holm's p. A resample whose plateau is not
    positive counts against every claim. An attribute that has not emerged should not be put in an
    order.

    Raises ValueError for fewer than 2 or more than 6 attributes, for unequal shapes, and where
    `emergence_layer` does for its effect, plateau, horizon, level and resamples.
    Source: Berger (1982), Technometrics 24:295 (chain); Davison & Hinkley (1997) (bootstrap).

    >>> rng = np.random.default_rng(0)
    >>> early = rng.normal([0, 0, 1, 1, 1], 0.1, (30, 5))
    >>> late = rng.normal([0, 0, 0, 1, 1], 0.1, (30, 5))
    >>> effects = {"color": early, "shape": late}
    >>> found = emergence_order(effects, rng=rng, n_resamples=999)
    >>> found.chain_p, found.chain_sets_apart, round(found.estimates["color"], 1)
    (0.001, True, 1.5)
    """
    names, table = _stacked(effects)
    level = probability(level, name="level")
    n_resamples = resamples_for_interval(n_resamples, level)
    last = horizon_layer(horizon, table.shape[2])
    window = plateau_window(plateau, last)
    table = table[:, :, : last + 1]

    estimates = half_plateau_crossing(table.mean(axis=0), window)
    drawn = paired_crossings(table, window, rng=rng, n_resamples=n_resamples)
    pair = (window.start, window.stop - 1)
    sets = {
        name: half_forward_backward_set(table[:, place], plateau=pair, level=level)
        for place, name in enumerate(names)
    }
    differences = _differences(names, estimates, drawn, sets, reach=float(last), level=level)
    links = [differences[link] for link in pairwise(names)]
    return EmergenceOrder(
        order=names,
        estimates=dict(zip(names, estimates.tolist(), strict=True)),
        differences=differences,
        chain_p=max(link.p_earlier for link in links),
        chain_sets_apart=all(link.sets_apart for link in links),
        order_probability=_order_probability(names, drawn),
        crossings={name: drawn[:, place] for place, name in enumerate(names)},
        sets=sets,
        level=level,
        n_scenes=len(table),
        n_resamples=n_resamples,
    )


def paired_crossings(
    effects: Float[ndarray, "scene curve layer"],
    plateau: slice,
    *,
    rng: np.random.Generator,
    n_resamples: int,
) -> Float[ndarray, "resample curve"]:
    """Each resample's crossings of half of the plateau, all curves from the same redrawn scenes.

    In layers; NaN where a resampled plateau is not positive.

    >>> effect = np.random.default_rng(0).normal([0, 0, 1, 1, 1], 0.1, (30, 5))
    >>> curves = np.stack([effect, 2 * effect], axis=1)
    >>> drawn = paired_crossings(
    ...     curves, slice(3, 5), rng=np.random.default_rng(1), n_resamples=99
    ... )
    >>> drawn.shape, bool(np.allclose(drawn[:, 0], drawn[:, 1]))
    ((99, 2), True)
    """
    n_scenes, n_curves, n_layers = effects.shape
    together = effects.reshape(n_scenes, -1)
    curves = plausible_curves(together, rng=rng, n_resamples=n_resamples)
    crossings = half_plateau_crossing(curves.reshape(-1, n_layers), plateau)
    return crossings.reshape(n_resamples, n_curves)


def crossing_difference(
    estimate: float,
    differences: Float[ndarray, " resample"],
    *,
    reach: float,
    level: float,
    sets_apart: bool,
) -> CrossingDifference:
    """The interval and the p-values of a difference, from its resamples.

    A resample that is NaN has no difference: it counts as -`reach` for the lower end, as `reach`
    for the upper end and against every p-value. `p_holm` is that of a single pair, `p`.

    >>> drawn = np.linspace(-1.0, 1.0, 99)
    >>> crossing_difference(0.0, drawn, reach=4.0, level=0.95, sets_apart=False).p
    1.0
    """
    tail = (1 - level) / 2
    absent = np.isnan(differences)
    low = np.quantile(np.where(absent, -reach, differences), tail, method="weibull")
    high = np.quantile(np.where(absent, reach, differences), 1 - tail, method="weibull")
    total = 1 + len(differences)
    p_earlier = (1 + int((absent | (differences <= 0)).sum())) / total
    p_later = (1 + int((absent | (differences >= 0)).sum())) / total
    p = min(1.0, 2 * min(p_earlier, p_later))
    return CrossingDifference(
        estimate=float(estimate),
        low=float(low),
        high=float(high),
        p=p,
        p_earlier=p_earlier,
        p_holm=p,
        sets_apart=sets_apart,
        level=level,
    )


def _stacked(
    effects: Mapping[str, Float[ndarray, "scene layer"]],
) -> tuple[tuple[str, ...], Float[ndarray, "scene attribute layer"]]:
    names = tuple(effects)
    if not 2 <= len(names) <= _MOST_ORDERED:
        raise ValueError(
            f"`effects` must hold 2 to {_MOST_ORDERED} attributes, got {len(names)}: pass a "
            "mapping from attribute to effect [scene, layer]"
        )
    tables = [
        finite_array(effects[name], name=f"effects[{name!r}]", axes=["scene", "layer"])
        for name in names
    ]
    for name, table in zip(names, tables, strict=True):
        if table.shape != tables[0].shape:
            raise ValueError(
                f"`effects[{name!r}]` must have the shape of `effects[{names[0]!r}]` "
                f"{tables[0].shape}, got {table.shape}: keep the scenes that all attributes have"
            )
    enough_scenes(len(tables[0]), name="effects")
    stacked = np.stack(tables, axis=1)
    return names, canonical_order(stacked.reshape(len(stacked), -1)).reshape(stacked.shape)


def _differences(
    names: tuple[str, ...],
    estimates: Float[ndarray, " attribute"],
    drawn: Float[ndarray, "resample attribute"],
    sets: Mapping[str, LayerSet],
    *,
    reach: float,
    level: float,
) -> dict[tuple[str, str], CrossingDifference]:
    pairs = list(combinations(range(len(names)), 2))
    found = [
        crossing_difference(
            estimates[b] - estimates[a],
            drawn[:, b] - drawn[:, a],
            reach=reach,
            level=level,
            sets_apart=_apart(sets[names[a]], sets[names[b]]),
        )
        for a, b in pairs
    ]
    holm = adjusted_p(np.array([one.p for one in found])).tolist()
    return {
        (names[a], names[b]): replace(one, p_holm=p)
        for (a, b), one, p in zip(pairs, found, holm, strict=True)
    }


def _apart(earlier: LayerSet, later: LayerSet) -> bool:
    return earlier.high is not None and earlier.high < later.low


def _order_probability(
    names: tuple[str, ...], drawn: Float[ndarray, "resample attribute"]
) -> dict[tuple[str, ...], float]:
    # A comparison with NaN is false, so an absent crossing is in no order.
    def holds(order: Sequence[int]) -> Bool[ndarray, " resample"]:
        return np.logical_and.reduce([drawn[:, a] < drawn[:, b] for a, b in pairwise(order)])

    orders = permutations(range(len(names)))
    return {tuple(names[i] for i in order): float(holds(order).mean()) for order in orders}
