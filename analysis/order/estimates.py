"""Estimates the order of attributes from their effects in the scenes that all of them share."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.effects.found import Finding
from analysis.order.found import AskedOrder, FoundOrder, FullOrder, LayerDistribution, LayerGap
from analysis.run.study import Study
from stats import EmergenceOrder, emergence_order

_BINS_PER_LAYER = 50


def order_results(
    effects: Mapping[str, Float[ndarray, "scene layer"]],
    findings: Mapping[str, Finding],
    study: Study,
    *,
    asked: AskedOrder,
    rng: np.random.Generator,
) -> FoundOrder:
    """The layers of emergence, their differences, the test of the order given, and the probability
    of every order.

    An attribute without a layer (it did not emerge, or its curve is not monotone) cannot be
    compared: it is left out, with the reason. If fewer than two attributes have a layer, there are
    no differences, and nothing is claimed (`chain_p` is None).
    """
    with_layer = {name for name, one in findings.items() if one.lambda_half is not None}
    emerged = {name: effects[name] for name in effects if name in with_layer}
    found = FoundOrder(
        readout=asked.readout,
        given=asked.given,
        declared=asked.declared,
        rests_on=asked.rests_on,
        attributes=tuple(emerged),
        left_out={
            name: _without_layer(one) for name, one in findings.items() if name not in with_layer
        },
        estimates={},
        differences=(),
        chain_p=None,
        chain_sets_apart=False,
        order_probability=(),
        distribution={},
        level=study.level,
        n_resamples=study.n_resamples,
        n_scenes=len(next(iter(effects.values()))),
    )
    return found if len(emerged) < 2 else _with_order(found, emerged, study, rng)


def _with_order(
    found: FoundOrder,
    emerged: Mapping[str, Float[ndarray, "scene layer"]],
    study: Study,
    rng: np.random.Generator,
) -> FoundOrder:
    order = emergence_order(
        emerged,
        rng=rng,
        level=study.level,
        plateau=study.plateau,
        horizon=study.horizon,
        n_resamples=study.n_resamples,
    )
    last = next(iter(emerged.values())).shape[1] - 1
    return replace(
        found,
        estimates=dict(order.estimates),
        differences=_differences(order),
        chain_p=order.chain_p,
        chain_sets_apart=order.chain_sets_apart,
        order_probability=tuple(
            FullOrder(order=names, probability=probability)
            for names, probability in order.order_probability.items()
        ),
        distribution={name: _distribution(drawn, last) for name, drawn in order.crossings.items()},
    )


def _without_layer(found: Finding) -> str:
    if found.outcome == "emerged":
        return "not monotone"
    return found.outcome.replace("_", " ")


def _differences(order: EmergenceOrder) -> tuple[LayerGap, ...]:
    links = set(pairwise(order.order))
    return tuple(
        LayerGap(
            first=first,
            second=second,
            link=(first, second) in links,
            estimate=one.estimate,
            low=one.low,
            high=one.high,
            p=one.p,
            p_earlier=one.p_earlier,
            p_holm=one.p_holm,
            sets_apart=one.sets_apart,
        )
        for (first, second), one in order.differences.items()
    )


def _distribution(crossings: Float[ndarray, " resample"], last: int) -> LayerDistribution:
    """The share of resamples by layer of emergence, in bins of a fiftieth of a layer; resamples
    without such a layer are in no bin."""
    edges = np.linspace(0, last, last * _BINS_PER_LAYER + 1)
    counts, _ = np.histogram(crossings[~np.isnan(crossings)], bins=edges)
    return LayerDistribution(
        layers=tuple(((edges[:-1] + edges[1:]) / 2).round(3).tolist()),
        share=tuple((counts / len(crossings)).tolist()),
    )
