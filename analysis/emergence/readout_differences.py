"""Where two readouts of one attribute differ, on the same scenes."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.emergence.found import CrossingGap, LayerDifference, ReadoutPair, ReadoutsCompared
from analysis.run.study import Study
from analysis.streams import Stream
from stats import cluster_bootstrap, emergence_order, sign_flip_max_t

MEASURES = ("effect", "accuracy")
"""What readouts are compared by: the information that the image adds, as share of the entropy of
the answers, and the share of right answers under the own image."""
Pair = tuple[str, str]


def readout_differences(
    by_readout: Mapping[str, Mapping[str, Float[ndarray, "scene layer"]]],
    emerged: Mapping[str, bool],
    study: Study,
    *,
    key: int,
) -> ReadoutsCompared:
    """Compares every pair of readouts, layer by layer and in the layer of emergence.

    `by_readout` holds both `MEASURES` of each readout; the rows of all of them are the same scenes.
    Differences are the first readout minus the second, with intervals for each layer alone; their
    p-values are two-sided, from sign flips of scenes, adjusted over the layers of all pairs of a
    measure. `emerged` says which readouts have a layer of emergence. For pairs in which both have
    one, `crossing` is `lambda_half` of the second minus that of the first, from the paired scene
    bootstrap; its p-value, adjusted over pairs (Holm), decides.
    """
    pairs = list(combinations(by_readout, 2))
    told, right = (
        _by_layer({name: each[measure] for name, each in by_readout.items()}, pairs, study, key,
                  number)
        for number, measure in enumerate(MEASURES)
    )  # fmt: skip
    effects = {name: each["effect"] for name, each in by_readout.items()}
    crossings = _crossings(effects, emerged, study, key)
    return ReadoutsCompared(
        readouts=tuple(by_readout),
        pairs=tuple(
            ReadoutPair(
                first=pair[0],
                second=pair[1],
                effect=told[pair],
                accuracy=right[pair],
                omnibus_p=min(layer.p for layer in told[pair]),
                crossing=crossings.get(pair),
            )
            for pair in pairs
        ),
        n_scenes=len(next(iter(effects.values()))),
        level=study.level,
        n_resamples=study.n_resamples,
    )


def _by_layer(
    values: Mapping[str, Float[ndarray, "scene layer"]],
    pairs: list[Pair],
    study: Study,
    key: int,
    measure: int,
) -> dict[Pair, tuple[LayerDifference, ...]]:
    differences = np.stack([values[a] - values[b] for a, b in pairs], axis=1)
    p = sign_flip_max_t(
        differences,
        rng=study.rng(Stream.READOUTS_FLIPS, key, measure),
        n_resamples=study.n_resamples,
        tail="two-sided",
    ).p
    interval = cluster_bootstrap(
        differences,
        np.arange(len(differences)),
        rng=study.rng(Stream.READOUTS_INTERVALS, key, measure),
        n_resamples=study.n_resamples,
        level=study.level,
    )
    return {
        pair: tuple(
            LayerDifference(
                layer=layer,
                difference=interval.estimate[place, layer].item(),
                low=interval.low[place, layer].item(),
                high=interval.high[place, layer].item(),
                p=p[place, layer].item(),
            )
            for layer in range(p.shape[1])
        )
        for place, pair in enumerate(pairs)
    }


def _crossings(
    effects: Mapping[str, Float[ndarray, "scene layer"]],
    emerged: Mapping[str, bool],
    study: Study,
    key: int,
) -> dict[Pair, CrossingGap]:
    there = {name: effect for name, effect in effects.items() if emerged[name]}
    if len(there) < 2:
        return {}
    order = emergence_order(
        there,
        rng=study.rng(Stream.READOUTS_CROSSINGS, key),
        level=study.level,
        plateau=study.plateau,
        horizon=study.horizon,
        n_resamples=study.n_resamples,
    )
    return {
        pair: CrossingGap(estimate=one.estimate, low=one.low, high=one.high, p=one.p_holm)
        for pair, one in order.differences.items()
    }
