"""What each arm differs from plain by: within each seed, and over seeds."""

from collections.abc import Collection, Mapping

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.effects.found import Interval
from analysis.remedies.found import MEASURES, PLAIN, AgainstPlain, Measure, OverSeeds
from stats import adjusted_p
from stats.paired_seeds import SeedDifference, each_difference, seed_difference

MARGIN = 0.02
LEAST_SEEDS = 2
Rows = Mapping[Measure, Float[ndarray, " group"]]


def against_plain(
    rows: Mapping[tuple[str, int], Rows], *, level: float
) -> tuple[AgainstPlain, ...]:
    """All measures of every arm minus those of plain, of the seeds that both have, arm by arm.

    `rows` holds by arm and seed the values of which a model's measures are the means; see
    `measures.Measured`. P-values are adjusted over the arms of a measure, which are those with
    enough seeds. An arm that shares no seed with plain is left out.
    """
    found: dict[tuple[str, Measure], AgainstPlain] = {}
    for measure in MEASURES:
        pooled: dict[str, SeedDifference] = {}
        for arm, seeds in shared_seeds(rows).items():
            own, plain = (
                np.stack([rows[name, seed][measure] for seed in seeds]) for name in (arm, PLAIN)
            )
            each = each_difference(own, plain, level=level)
            found[arm, measure] = AgainstPlain(
                arm=arm,
                measure=measure,
                by_seed={
                    seed: Interval(
                        estimate=float(each.estimate[place]),
                        low=max(-1.0, float(each.low[place])),
                        high=min(1.0, float(each.high[place])),
                    )
                    for place, seed in enumerate(seeds)
                },
                over=None,
            )
            if len(seeds) >= LEAST_SEEDS:
                pooled[arm] = seed_difference(own, plain, margin=MARGIN, level=level)
        holm = adjusted_p(np.array([one.p for one in pooled.values()])) if pooled else ()
        for (arm, one), p_holm in zip(pooled.items(), holm, strict=True):
            before = found[arm, measure]
            found[arm, measure] = AgainstPlain(
                arm=arm, measure=measure, by_seed=before.by_seed, over=_over(one, float(p_holm))
            )
    arms = list(dict.fromkeys(arm for arm, _ in found))
    return tuple(found[arm, measure] for arm in arms for measure in MEASURES)


def shared_seeds(models: Collection[tuple[str, int]]) -> dict[str, list[int]]:
    """For each arm but plain the seeds that plain has, too, if there are any."""
    arms = [arm for arm in dict.fromkeys(arm for arm, _ in models) if arm != PLAIN]
    shared = {
        arm: sorted(seed for own, seed in models if own == arm and (PLAIN, seed) in models)
        for arm in arms
    }
    return {arm: seeds for arm, seeds in shared.items() if seeds}


def _over(found: SeedDifference, p_holm: float) -> OverSeeds:
    pooled = found.pooled
    return OverSeeds(
        mean=Interval(estimate=pooled.mean, low=max(-1.0, pooled.low), high=min(1.0, pooled.high)),
        tau=found.tau,
        p=found.p,
        p_holm=p_holm,
        p_equivalence=found.p_equivalence,
    )
