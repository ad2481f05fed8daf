"""Does one model know earlier than another? Emergence compared at relative depth.

Models differ in their number of layers, so the layer of half plateau is divided by the last one.
"""

from collections.abc import Sequence

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
from stats.half_crossing import half_plateau_crossing, plausible_curves
from stats.order import CrossingDifference, crossing_difference
from stats.scenes import canonical_order


def depth_difference(
    first: Float[ndarray, "scene layer"],
    second: Float[ndarray, "_scene _layer"],
    *,
    rng: np.random.Generator,
    paired: bool,
    plateau: tuple[Sequence[int] | None, Sequence[int] | None] = (None, None),
    level: float = 0.95,
    n_resamples: int = 10_000,
) -> CrossingDifference:
    """Difference of `lambda_half` / L, second minus first, of two models or two data sets.

    Estimand: the difference of relative depths, 0 (embeddings) to 1 (last block), at which the
    mean effect crosses half of its plateau. `paired` where both have the same scenes in the same
    order (two models on one data set): scenes are then redrawn together. Otherwise the samples
    must be independent. `plateau` gives each one's window in its own layers (default: its last
    quarter). Forward-backward sets are in layers, so `sets_apart` is False here.

    Raises ValueError where paired samples differ in scenes, for a model without blocks, and as
    `emergence_layer`. Source: Davison & Hinkley (1997), sections 2.4 and 3.2.
    """
    level = probability(level, name="level")
    n_resamples = resamples_for_interval(n_resamples, level)
    tables = []
    for name, effect in (("first", first), ("second", second)):
        table = finite_array(effect, name=name, axes=["scene", "layer"])
        enough_scenes(len(table), name=name)
        if table.shape[1] < 2:
            raise ValueError(f"`{name}` must have at least 2 layers, got 1: depth needs a last one")
        tables.append(table)
    if paired and len(tables[0]) != len(tables[1]):
        raise ValueError(
            f"`second` must have the scenes of `first` ({len(tables[0])}) to be paired, got "
            f"{len(tables[1])}: keep the shared scenes, or pass paired=False"
        )
    curves = _curves(tables, paired=paired, rng=rng, n_resamples=n_resamples)
    depths, drawn = [], []
    for table, curve, window in zip(tables, curves, plateau, strict=True):
        last = horizon_layer(None, table.shape[1])
        where = plateau_window(window, last)
        depths.append(
            half_plateau_crossing(canonical_order(table).mean(axis=0, keepdims=True), where)[0]
            / last
        )
        drawn.append(half_plateau_crossing(curve, where) / last)
    return crossing_difference(
        depths[1] - depths[0], drawn[1] - drawn[0], reach=1.0, level=level, sets_apart=False
    )


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
