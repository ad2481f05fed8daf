"""From lens trajectories to numbers: curves under each condition, differences to the controls.

Everything is a mean over scenes with an interval from redrawing scenes; differences are paired
within scenes, and tested by sign flips with the maximum over layers.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.effects.found import Interval
from analysis.run.study import Study
from analysis.streams import Stream
from analysis.trajectory.found import Curves, Followed, LayerDifference, LayerMean
from analysis.trajectory.readings import CONDITIONS, Trajectories
from stats import (
    BootstrapInterval,
    ClusterShare,
    cluster_bootstrap,
    cluster_share,
    sign_flip_max_t,
)
from stats.scenes import codes, scene_means

if TYPE_CHECKING:
    from probes.answers.words import RightWord
    from probes.lens_trajectory import LensTrajectory

# Shuffling gives the same prompts to other items: it can change only what the item's answer
# enters, and that of all others is the same list in another order.
SHARES = ("answer_first",)
OF_THE_ANSWER = ("p_answer", "log2_rank_answer", "answer_first")
Values = Float[ndarray, "item layer"]


def measures(found: "LensTrajectory", right: "RightWord") -> dict[str, Values]:
    """The values of each measure by layer, for every item; divergences of adjacent layers begin at
    layer 1."""
    by_name: dict[str, Any] = {
        "top1_probability": found.probabilities[..., 0],
        "entropy_bits": found.entropy_bits,
        "kl_bits": found.kl_to_final_bits,
        "jsd_adjacent_bits": found.jsd_adjacent_bits,
        "jsd_final_bits": found.jsd_final_bits,
        "p_answer": right.probability,
        "log2_rank_answer": np.log2(right.rank),
        "answer_first": right.rank == 1,
    }
    return {name: np.asarray(values, dtype=float) for name, values in by_name.items()}


def estimate_curves(read: Trajectories, study: Study, *, key: int) -> Curves:
    """For each measure a curve for every condition, and real minus control with its test by layer.

    The p-values are two-sided and adjusted over the layers of a measure and control.
    """
    by_condition = {
        name: measures(found, read.right[name]) for name, found in read.by_condition.items()
    }
    curves: dict[tuple[str, str], Values] = {
        (name, condition): by_condition[condition][name]
        for name in by_condition["real"]
        for condition in CONDITIONS
        if condition != "shuffled" or name in OF_THE_ANSWER
    }
    differences = {
        (name, condition): by_condition["real"][name] - values
        for (name, condition), values in curves.items()
        if condition != "real"
    }
    shares = {pair: values for pair, values in curves.items() if pair[0] in SHARES}
    means = {pair: values for pair, values in curves.items() if pair[0] not in SHARES}
    scenes = read.items["scene_id"].to_numpy()
    found = intervals(means, scenes, study, rng=study.rng(Stream.TRAJECTORY_CURVES, key))
    found |= share_intervals(shares, scenes, study)
    against = intervals(
        differences, scenes, study, rng=study.rng(Stream.TRAJECTORY_DIFFERENCES, key)
    )
    p = _tests(differences, scenes, study, key)
    followed = {
        name: Followed(
            conditions={c: found[name, c] for c in CONDITIONS if (name, c) in found},
            differences={
                c: _tested(against[name, c], p[name, c]) for c in CONDITIONS if (name, c) in against
            },
        )
        for name in by_condition["real"]
    }
    return Curves(**followed)


def _tested(rows: Sequence[LayerMean], p: Sequence[float]) -> tuple[LayerDifference, ...]:
    return tuple(
        LayerDifference(layer=row.layer, estimate=row.estimate, low=row.low, high=row.high, p=one)
        for row, one in zip(rows, p, strict=True)
    )


def intervals(
    values: Mapping[Any, Values],
    scenes: ndarray,
    study: Study,
    *,
    rng: np.random.Generator,
) -> dict[Any, tuple[LayerMean, ...]]:
    """For each of `values` a row per layer: the mean over scenes with its interval. The same
    resamples of scenes serve all of them.

    The last column is always the last layer: values with fewer columns begin at a later layer.
    """
    table = np.concatenate(list(values.values()), axis=1)
    found = cluster_bootstrap(
        table, scenes, rng=rng, n_resamples=study.n_resamples, level=study.level
    )
    return _rows(values, found)


def share_intervals(
    values: Mapping[Any, Values], scenes: ndarray, study: Study
) -> dict[Any, tuple[LayerMean, ...]]:
    """For each of `values` a row per layer with a share of scenes. Its interval lies within 0 to 1
    and needs no resamples."""
    table = np.concatenate(list(values.values()), axis=1)
    return _rows(values, cluster_share(table, scenes, level=study.level))


def _rows(
    values: Mapping[Any, Values], found: BootstrapInterval | ClusterShare
) -> dict[Any, tuple[LayerMean, ...]]:
    n_layers = max(each.shape[1] for each in values.values())
    rows, start = {}, 0
    for name, each in values.items():
        columns = range(start, start + each.shape[1])
        first = n_layers - each.shape[1]
        rows[name] = tuple(
            LayerMean(
                layer=first + place,
                estimate=found.estimate[column].item(),
                low=found.low[column].item(),
                high=found.high[column].item(),
            )
            for place, column in enumerate(columns)
        )
        start = columns.stop
    return rows


def one_interval(found: BootstrapInterval | ClusterShare, column: int) -> Interval:
    """Estimate and interval of one column."""
    return Interval(
        estimate=found.estimate[column].item(),
        low=found.low[column].item(),
        high=found.high[column].item(),
    )


def _tests(
    differences: Mapping[tuple[str, str], Values], scenes: ndarray, study: Study, key: int
) -> dict[tuple[str, str], list[float]]:
    scene = codes(scenes, len(scenes), name="scenes")
    return {
        pair: sign_flip_max_t(
            scene_means(values, scene),
            rng=study.rng(Stream.TRAJECTORY_TESTS, key, number),
            n_resamples=study.n_resamples,
            tail="two-sided",
        ).p.tolist()
        for number, (pair, values) in enumerate(differences.items())
    }
