"""The estimates of a comparison: every arm by itself, and the arms pair by pair."""

from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.compare.found import (
    ArmDepth,
    Change,
    ComparedArm,
    Comparison,
    CurveDifference,
    DepthDifference,
    EffectDifference,
    NoDepth,
    Side,
)
from analysis.compare.pairs import Pair, pairs_of
from analysis.compare.plan import ComparePlan
from analysis.compare.verdicts import adjusted
from analysis.effects.found import Interval
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


def compared_arms(
    by_attribute: Mapping[str, Sequence[Arm]], plan: ComparePlan
) -> tuple[ComparedArm, ...]:
    """The estimates of every arm by itself."""
    return tuple(_arm(arm, plan) for arms in by_attribute.values() for arm in arms)


def comparisons(
    by_attribute: Mapping[str, Sequence[Arm]], plan: ComparePlan
) -> tuple[Comparison, ...]:
    """Every comparison of two arms, with p-values adjusted over all comparisons (Holm).

    Depth, equal depth, curve and each measure are separate questions, and each is adjusted as a
    family of its own.
    """
    arms = list(chain.from_iterable(by_attribute.values()))
    pairs = [pair for each in by_attribute.values() for pair in pairs_of(each)]
    places = {key: place for place, key in enumerate(dict.fromkeys(_name(arm) for arm in arms))}
    return adjusted([_comparison(pair, plan, _key(pair, places)) for pair in pairs], plan)


def _name(arm: Arm) -> tuple[str, str]:
    return arm.run.key, arm.readout


def _key(pair: Pair, places: Mapping[tuple[str, str], int]) -> tuple[int, ...]:
    attribute = stream_key(pair.first.attribute)
    return attribute, places[_name(pair.first)], places[_name(pair.second)]


def _arm(arm: Arm, plan: ComparePlan) -> ComparedArm:
    measures = {
        name: _arm_measure(arm.measures[:, number], plan) for number, name in enumerate(MEASURES)
    }
    return ComparedArm(
        run=arm.run.key,
        attribute=arm.attribute,
        readout=arm.readout,
        outcome=arm.found.outcome,
        monotone=arm.found.monotone,
        depth=_arm_depth(arm),
        last_layer=arm.effect.shape[1] - 1,
        n_scenes=len(arm.scenes),
        n_items=len(arm.items),
        **measures,
    )


def _arm_measure(values: Float[ndarray, " scene"], plan: ComparePlan) -> Interval | None:
    if not np.isfinite(values).all():
        return None
    # Probabilities are kept in single precision, and may round to a little above 1.
    shares = np.clip(values, 0, 1)
    found = cluster_share(shares, np.arange(len(shares)), level=plan.level)
    return Interval(estimate=found.estimate.item(), low=found.low.item(), high=found.high.item())


def _arm_depth(arm: Arm) -> ArmDepth | None:
    """The interpolated layer of emergence and the first whole layer past it, as shares of the
    depth; None if the arm has no such layer."""
    half, whole = arm.found.lambda_half, arm.found.layer
    if half is None or whole is None:
        return None
    last = arm.effect.shape[1] - 1
    return ArmDepth(
        estimate=half.estimate / last,
        low=half.low / last,
        high=half.high / last,
        level=half.level,
        layer=Interval(
            estimate=whole.estimate / last, low=whole.low / last, high=whole.high / last
        ),
    )


def _comparison(pair: Pair, plan: ComparePlan, key: tuple[int, ...]) -> Comparison:
    """The second arm minus the first, before adjustment: the fields for Holm's p hold those of this
    comparison alone."""
    first, second = pair.first, pair.second
    depth, why = _depth(pair, plan, key)
    changes = {
        name: _change(pair, number, plan, (*key, number)) for number, name in enumerate(MEASURES)
    }
    return Comparison(
        attribute=first.attribute,
        first=Side(run=first.run.key, readout=first.readout),
        second=Side(run=second.run.key, readout=second.readout),
        paired=pair.paired,
        n_scenes=(len(pair.rows[0]), len(pair.rows[1])),
        n_shared=pair.n_shared,
        depth=depth,
        no_depth=why,
        curve=_curve(pair, plan, key),
        verdict="undecided",
        **changes,
    )


def _depth(
    pair: Pair, plan: ComparePlan, key: tuple[int, ...]
) -> tuple[DepthDifference | None, NoDepth | None]:
    """The difference of relative depths and None; or None, and why there is no difference."""
    arms = pair.first, pair.second
    if any(arm.found.outcome != "emerged" for arm in arms):
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
    return DepthDifference(
        depths=found.depths,
        layer_depths=found.layer_depths,
        estimate=found.estimate,
        low=found.low,
        high=found.high,
        p=found.p,
        beyond=found.beyond,
        p_beyond=found.p_beyond,
        low_equivalence=found.low_equivalence,
        high_equivalence=found.high_equivalence,
        p_equivalence=found.p_equivalence,
        p_holm=found.p,
        p_beyond_holm=found.p_beyond,
        p_equivalence_holm=found.p_equivalence,
    ), None


def _rows(pair: Pair) -> tuple[Float[ndarray, "scene layer"], Float[ndarray, "_scene _layer"]]:
    return pair.first.effect[pair.rows[0]], pair.second.effect[pair.rows[1]]


def curves_of(
    pair: Pair,
) -> tuple[Float[ndarray, " depth"], Float[ndarray, "scene depth"], Float[ndarray, "_scene depth"]]:
    """The relative depths of the layers of the shallower model, and the effects of both arms
    there."""
    first, second = _rows(pair)
    depths = common_depths(first.shape[1], second.shape[1])
    return depths, at_depths(first, depths), at_depths(second, depths)


def _curve(pair: Pair, plan: ComparePlan, key: tuple[int, ...]) -> CurveDifference:
    depths, first, second = curves_of(pair)
    found = _difference(first, second, pair, plan, plan.rng(Stream.COMPARED_CURVES, *key))
    return CurveDifference(
        omnibus_p=found.omnibus_p,
        depths=tuple(
            EffectDifference(
                depth=depth,
                estimate=found.estimate[place].item(),
                low=found.low[place].item(),
                high=found.high[place].item(),
                p=found.p[place].item(),
            )
            for place, depth in enumerate(depths.tolist())
        ),
        omnibus_p_holm=found.omnibus_p,
    )


def _change(pair: Pair, number: int, plan: ComparePlan, key: tuple[int, ...]) -> Change | None:
    first, second = (
        arm.measures[rows][:, [number]]
        for arm, rows in zip((pair.first, pair.second), pair.rows, strict=True)
    )
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        return None
    found = _difference(first, second, pair, plan, plan.rng(Stream.COMPARED_MEASURES, *key))
    return Change(
        estimate=found.estimate.item(),
        low=found.low.item(),
        high=found.high.item(),
        p=found.omnibus_p,
        p_holm=found.omnibus_p,
    )


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
