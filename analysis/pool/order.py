"""Differences of attributes over models, and the order that they allow to claim."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from analysis.finished.arms import Arm
from analysis.pool.estimates import both_emerged, pairs, pooled_difference, too_few
from analysis.pool.found import PooledDifference, PooledOrder, ShownOrder, Verdict
from analysis.pool.plan import PoolPlan
from stats import adjusted_p
from stats.crossing_errors import CrossingErrors
from stats.random_effects import RandomEffects, p_not_above

# Rounding of 1 - level.
_EXACT = 1e-12


def pooled_differences(
    arms: Mapping[str, Sequence[Arm]], plan: PoolPlan
) -> tuple[PooledDifference, ...]:
    """The differences of every two attributes, with `p_beyond` adjusted over all of them, and what
    they allow to claim."""
    links = set(pairwise(arms))
    found = [_difference(arms, pair, plan, link=pair in links) for pair in pairs(tuple(arms))]
    tested = [place for place, one in enumerate(found) if one.p_beyond is not None]
    if tested:
        holm = adjusted_p(np.array([found[place].p_beyond for place in tested])).tolist()
        for place, p in zip(tested, holm, strict=True):
            verdict = _verdict(found[place], p, plan)
            found[place] = replace(found[place], p_beyond_holm=p, verdict=verdict)
    return tuple(found)


def pooled_order(
    arms: Mapping[str, Sequence[Arm]],
    differences: Sequence[PooledDifference],
) -> PooledOrder:
    """The chain in the order given (each link at 1 - level, intersection-union), and the order of
    each model by point estimates."""
    links = [one.p_earlier for one in differences if one.link]
    tested = [p for p in links if p is not None]
    shown: dict[tuple[str, ...], list[str]] = {}
    without = []
    for place, arm in enumerate(next(iter(arms.values()))):
        crossings = {name: each[place].found.lambda_half for name, each in arms.items()}
        layers = {name: one.estimate for name, one in crossings.items() if one is not None}
        if len(layers) < len(crossings):
            without.append(arm.run.key)
            continue
        order = sorted(layers, key=lambda name: layers[name])
        shown.setdefault(tuple(order), []).append(arm.run.key)
    by_number = sorted(shown.items(), key=lambda item: -len(item[1]))
    return PooledOrder(
        chain=tuple(arms),
        chain_p=max(tested) if tested and len(tested) == len(links) else None,
        orders=tuple(ShownOrder(order=order, runs=tuple(runs)) for order, runs in by_number),
        without=tuple(without),
    )


def _difference(
    arms: Mapping[str, Sequence[Arm]], pair: tuple[str, str], plan: PoolPlan, *, link: bool
) -> PooledDifference:
    firsts, seconds = both_emerged(arms, *pair)
    row = PooledDifference(
        first=pair[0], second=pair[1], link=link, n_both=len(firsts), depth=None, beyond=None,
        p_beyond=None, p_earlier=None, p_beyond_holm=None, verdict="not_pooled",
        n_first_earlier=0, n_first_beyond=0, n_second_beyond=0, not_pooled=too_few(len(firsts)),
    )  # fmt: skip
    if row.not_pooled is not None:
        return replace(row, not_pooled=row.not_pooled.replace("it has", "both have"))
    found, errors, why = pooled_difference(firsts, seconds, plan)
    if found is None:
        return replace(row, not_pooled=why)
    beyond = 1 / min(errors.last_layers)
    return replace(
        row, depth=found[0], beyond=beyond, **_tests(found[1], beyond), **_counts(errors, beyond)
    )


def _tests(found: RandomEffects, beyond: float) -> dict[str, float]:
    """The p-values of a difference: both pooled means must lie beyond one layer, since the weighted
    mean is too sure of itself where one model's error is many times another's."""
    both = found.weighted, found.unweighted
    earlier = max(p_not_above(one, beyond) for one in both)
    later = max(1 - p_not_above(one, -beyond) for one in both)
    return {"p_earlier": earlier, "p_beyond": min(1.0, 2 * min(earlier, later))}


def _counts(errors: CrossingErrors, beyond: float) -> dict[str, int]:
    return {
        "n_first_earlier": int((errors.estimates > 0).sum()),
        "n_first_beyond": int((errors.estimates > beyond).sum()),
        "n_second_beyond": int((errors.estimates < -beyond).sum()),
    }


def _verdict(found: PooledDifference, p: float, plan: PoolPlan) -> Verdict:
    if found.depth is None or p > 1 - plan.level + _EXACT:
        return "undecided"
    return "first_earlier" if found.depth.weighted.mean > 0 else "second_earlier"
