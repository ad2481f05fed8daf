"""Which attribute emerges first? Differences of `lambda_half`, and what they allow to claim.

Half of an attribute's own plateau does not move with its amplitude, so strong and weak attributes
compare; layers of first significance do not (a stronger effect is significant earlier). Attribute
labels are never permuted: unequal amplitudes alone make that reject.
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

# Of more attributes the orders are too many to name each.
_MOST_ORDERED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossingDifference:
    """`lambda_half` of the second minus that of the first; above 0 where the first is earlier."""

    estimate: float
    """In layers (or in depth), interpolated; NaN where a mean plateau is not positive."""
    low: float
    """Lower end of the interval, of the paired scene bootstrap: of this pair alone."""
    high: float
    """Upper end."""
    p: float
    """Two-sided, of this pair alone, for "no difference"."""
    p_earlier: float
    """One-sided, of this pair alone, for "the first does not emerge before the second"."""
    p_holm: float
    """`p`, simultaneous over all pairs of the same result (Holm): for a pair reported by itself."""
    sets_apart: bool
    """The forward-backward sets are disjoint, the first's before the second's: the guaranteed form
    of `p_earlier` <= 1 - level."""
    level: float
    """Nominal coverage of the interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergenceOrder:
    """The order in which attributes emerge, with its uncertainty."""

    order: tuple[str, ...]
    """Attributes in the order given, which is the one that `chain_p` tests."""
    estimates: Mapping[str, float]
    """`lambda_half` of each; NaN where its mean plateau is not positive."""
    differences: Mapping[tuple[str, str], CrossingDifference]
    """Each pair in the order given: (earlier in it, later in it)."""
    chain_p: float
    """For "the order given is wrong somewhere": the largest `p_earlier` of its links, an
    intersection-union test of all of them that needs no adjustment."""
    chain_sets_apart: bool
    """The forward-backward sets of all links are disjoint and in the order given."""
    order_probability: Mapping[tuple[str, ...], float]
    """Share of resamples with each full order. What is missing from 1 are resamples with a tie or
    with a plateau that is not positive."""
    crossings: Mapping[str, Float[ndarray, " resample"]]
    """`lambda_half` of each in every resample, paired; NaN where its plateau is not positive."""
    sets: Mapping[str, LayerSet]
    """Forward-backward set of each attribute's `lambda_half`."""
    level: float
    """Level of intervals and sets."""
    n_scenes: int
    """Scenes, the same for every attribute."""
    n_resamples: int
    """Redraws of all scenes."""


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
    paired. The chain is an intersection-union test, each link at 1 - level without correction;
    links reported on their own have Holm's p. A resample whose plateau is not positive counts
    against every claim. An attribute that has not emerged should not be put in an order.

    Raises ValueError for fewer than 2 attributes, unequal shapes, and as `emergence_layer`.
    Source: Berger (1982), Technometrics 24:295 (chain); Davison & Hinkley (1997) (bootstrap).
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
    """Crossing of half of the plateau per resample, all curves from the same redrawn scenes."""
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
    """Interval and p-values from resampled differences; NaN counts as -+`reach`, against both."""
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
