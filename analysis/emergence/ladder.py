"""The ladder of readers: what a readout says, what its answer scores hold, what is linearly there.

Each rung includes the one before it. "Says" reads the scores by scale and prior. "Holds" has an
offset for each answer besides, so that an answer that is always preferred hides nothing. "There" is
the linear probe.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.emergence.found import Ladder, RungLayer, Step, StepLayer
from analysis.run.study import Study
from analysis.streams import Stream
from stats import cluster_bootstrap, sign_flip_max_t

RUNGS = ("says", "holds", "there")


def ladder(rungs: Mapping[str, Float[ndarray, "scene layer"]], study: Study, *, key: int) -> Ladder:
    """Effects on every rung by layer, and the steps between neighbouring rungs.

    The rows of all rungs are the same scenes. Intervals are for each layer alone; the p-values of a
    step are two-sided, from sign flips of scenes, adjusted over the layers of all steps together.
    """
    names = list(rungs)
    table = np.stack([rungs[name] for name in names], axis=1)
    steps = np.diff(table, axis=1)
    heights = _interval(table, study, study.rng(Stream.LADDER_RUNG_INTERVALS, key))
    changes = _interval(steps, study, study.rng(Stream.LADDER_STEP_INTERVALS, key))
    p = sign_flip_max_t(
        steps,
        rng=study.rng(Stream.LADDER_STEPS, key),
        n_resamples=study.n_resamples,
        tail="two-sided",
    ).p
    return Ladder(
        rungs=dict(zip(names, heights, strict=True)),
        steps=tuple(
            Step(lower=lower, upper=upper, layers=_tested(rows, each.tolist()))
            for (lower, upper), rows, each in zip(pairwise(names), changes, p, strict=True)
        ),
        n_scenes=len(table),
        level=study.level,
        n_resamples=study.n_resamples,
    )


def _interval(
    values: Float[ndarray, "scene row layer"], study: Study, rng: np.random.Generator
) -> list[tuple[RungLayer, ...]]:
    """Estimate and interval of every row and layer."""
    found = cluster_bootstrap(
        values,
        np.arange(len(values)),
        rng=rng,
        n_resamples=study.n_resamples,
        level=study.level,
    )
    return [
        tuple(
            RungLayer(
                layer=layer,
                estimate=found.estimate[row, layer].item(),
                low=found.low[row, layer].item(),
                high=found.high[row, layer].item(),
            )
            for layer in range(values.shape[2])
        )
        for row in range(values.shape[1])
    ]


def _tested(rows: Sequence[RungLayer], p: Sequence[float]) -> tuple[StepLayer, ...]:
    return tuple(
        StepLayer(layer=row.layer, estimate=row.estimate, low=row.low, high=row.high, p=one)
        for row, one in zip(rows, p, strict=True)
    )
