"""What runs found, side by side and pair by pair, as plain numbers."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.compare.pairs import Pair, pairs_of
from analysis.compare.plan import ComparePlan
from analysis.compare.verdicts import adjusted
from analysis.finished.arms import MEASURES, Arm
from analysis.streams import Stream
from data_prep.attributes import stream_key
from stats import (
    MeanDifference,
    at_depths,
    cluster_share,
    common_depths,
    depth_difference,
    mean_difference,
)


def compared(by_attribute: Mapping[str, Sequence[Arm]], plan: ComparePlan) -> dict[str, Any]:
    """Every arm, and every comparison of two, adjusted over all of them (Holm).

    Each question (depth, same depth, curve, and each measure) is a family of its own.
    """
    arms = list(chain.from_iterable(by_attribute.values()))
    pairs = [pair for each in by_attribute.values() for pair in pairs_of(each)]
    places = {key: place for place, key in enumerate(dict.fromkeys(_name(arm) for arm in arms))}
    rows = [_comparison(pair, plan, _key(pair, places)) for pair in pairs]
    return {
        "arms": [_arm(arm, plan) for arm in arms],
        "comparisons": adjusted(rows, plan),
    }


def _name(arm: Arm) -> tuple[str, str]:
    return arm.run.key, arm.readout


def _key(pair: Pair, places: Mapping[tuple[str, str], int]) -> tuple[int, ...]:
    attribute = stream_key(pair.first.attribute)
    return attribute, places[_name(pair.first)], places[_name(pair.second)]


def _arm(arm: Arm, plan: ComparePlan) -> dict[str, Any]:
    row: dict[str, Any] = {
        "run": arm.run.key,
        "attribute": arm.attribute,
        "readout": arm.readout,
        "outcome": arm.found["outcome"],
        "monotone": arm.found["monotone"],
        "depth": _arm_depth(arm),
        "last_layer": arm.effect.shape[1] - 1,
        "n_scenes": len(arm.scenes),
        "n_items": len(arm.items),
    }
    for number, name in enumerate(MEASURES):
        values = arm.measures[:, number]
        row[name] = None
        if np.isfinite(values).all():
            # Probabilities are kept in single precision, and may round to a little above 1.
            shares = np.clip(values, 0, 1)
            interval = cluster_share(shares, np.arange(len(shares)), level=plan.level)
            row[name] = {
                "estimate": interval.estimate.item(),
                "low": interval.low.item(),
                "high": interval.high.item(),
            }
    return row


def _arm_depth(arm: Arm) -> dict[str, Any] | None:
    """The crossing and the first whole layer past it, in shares of the depth."""
    if not arm.emerged:
        return None
    last = arm.effect.shape[1] - 1
    crossing, layer = (
        {end: arm.found[name][end] / last for end in ("estimate", "low", "high")}
        for name in ("lambda_half", "layer")
    )
    return {**crossing, "level": arm.found["lambda_half"]["level"], "layer": layer}


def _comparison(pair: Pair, plan: ComparePlan, key: tuple[int, ...]) -> dict[str, Any]:
    """Second minus first, before adjustment."""
    first, second = pair.first, pair.second
    depth, why = _depth(pair, plan, key)
    return {
        "attribute": first.attribute,
        **{
            side: {"run": arm.run.key, "readout": arm.readout}
            for side, arm in (("first", first), ("second", second))
        },
        "paired": pair.paired,
        "n_scenes": [len(rows) for rows in pair.rows],
        "n_shared": pair.n_shared,
        "depth": depth,
        "no_depth": why,
        "curve": _curve(pair, plan, key),
        **{
            name: _measure(pair, number, plan, (*key, number))
            for number, name in enumerate(MEASURES)
        },
    }


def _depth(
    pair: Pair, plan: ComparePlan, key: tuple[int, ...]
) -> tuple[dict[str, Any] | None, str | None]:
    """The difference of relative depths; or None, and why there is none."""
    arms = pair.first, pair.second
    if any(arm.found["outcome"] != "emerged" for arm in arms):
        return None, "outcome"
    if not all(arm.emerged for arm in arms):
        return None, "not monotone"
    studies = [arm.run.study for arm in arms]
    found = depth_difference(
        *_rows(pair),
        rng=plan.rng(Stream.COMPARED_DEPTHS, *key),
        paired=pair.paired,
        plateau=(studies[0].plateau, studies[1].plateau),
        horizon=(studies[0].horizon, studies[1].horizon),
        margin=plan.margin,
        level=plan.level,
        n_resamples=plan.n_resamples,
    )
    if np.isnan(found.estimate):
        return None, "no plateau on these scenes"
    names = ("estimate", "low", "high", "p", "beyond", "p_beyond", "low_equivalence",
             "high_equivalence", "p_equivalence")  # fmt: skip
    return {
        "depths": list(found.depths),
        "layer_depths": list(found.layer_depths),
        **{name: getattr(found, name) for name in names},
    }, None


def _rows(pair: Pair) -> tuple[Float[ndarray, "scene layer"], Float[ndarray, "_scene _layer"]]:
    return pair.first.effect[pair.rows[0]], pair.second.effect[pair.rows[1]]


def curves_of(
    pair: Pair,
) -> tuple[Float[ndarray, " depth"], Float[ndarray, "scene depth"], Float[ndarray, "_scene depth"]]:
    """Relative depths of the shallower model, and the effects of both there."""
    first, second = _rows(pair)
    depths = common_depths(first.shape[1], second.shape[1])
    return depths, at_depths(first, depths), at_depths(second, depths)


def _curve(pair: Pair, plan: ComparePlan, key: tuple[int, ...]) -> dict[str, Any]:
    depths, first, second = curves_of(pair)
    found = _difference(first, second, pair, plan, plan.rng(Stream.COMPARED_CURVES, *key))
    return {
        "omnibus_p": found.omnibus_p,
        "depths": [
            {
                "depth": depth,
                "estimate": found.estimate[place].item(),
                "low": found.low[place].item(),
                "high": found.high[place].item(),
                "p": found.p[place].item(),
            }
            for place, depth in enumerate(depths.tolist())
        ],
    }


def _measure(
    pair: Pair, number: int, plan: ComparePlan, key: tuple[int, ...]
) -> dict[str, float] | None:
    first, second = (
        arm.measures[rows][:, [number]]
        for arm, rows in zip((pair.first, pair.second), pair.rows, strict=True)
    )
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        return None
    found = _difference(first, second, pair, plan, plan.rng(Stream.COMPARED_MEASURES, *key))
    return {
        "estimate": found.estimate.item(),
        "low": found.low.item(),
        "high": found.high.item(),
        "p": found.omnibus_p,
    }


def _difference(
    first: Float[ndarray, "scene column"],
    second: Float[ndarray, "_scene column"],
    pair: Pair,
    plan: ComparePlan,
    rng: np.random.Generator,
) -> MeanDifference:
    return mean_difference(
        first,
        second,
        rng=rng,
        paired=pair.paired,
        level=plan.level,
        n_resamples=plan.n_resamples,
    )
