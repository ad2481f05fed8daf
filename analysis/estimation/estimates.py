"""From readings to the numbers of one attribute: curves, tests, emergence, as plain results.

Joins what the readout says (probes) with what may be concluded from it (stats); every figure
here comes out of one of the two.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy import ndarray

from analysis.readings.readings import Readings
from analysis.runs.items import require_enough
from analysis.runs.study import Study
from data_prep.controls import strata
from probes.scores import ScoresByAnswer, scores_by_answer
from stats import (
    Emergence,
    cluster_bootstrap,
    emergence_layer,
    shuffled_label_test,
    sign_flip_max_t,
)

SCORES = ("bits", "correct", "brier")
CONTROLS = ("shuffled", "blank")
_LOSSES = ("brier",)
_SHUFFLED, _BLANK, _INTERVAL, _EMERGENCE = range(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """One score against one control."""

    control: Float[ndarray, "item layer"]
    """Score of each item under the control, as the score is defined."""
    effect: Float[ndarray, "scene layer"]
    """Real better than control, as share of what there is to gain; rows in order of scene id."""
    p: Float[ndarray, " layer"]
    omnibus_p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """One attribute under one readout."""

    results: dict[str, Any]
    """What goes into results.json."""
    scores: dict[str, dict[str, Float[ndarray, "item layer"]]]
    """Per condition and score, one number per item and layer."""
    effects: dict[str, Float[ndarray, "scene layer"]]
    """Per control, the effect in bits as share of H; rows in order of scene id."""


def estimate(readings: Readings, study: Study, *, key: int) -> Estimates:
    """Results of one attribute under one readout, with the scores that they come from.

    `key` tells attributes and readouts apart, so that each has random draws of its own.
    """
    require_enough(readings.items)
    by_answer = scores_by_answer(readings.real.astype(np.float64))
    blank = scores_by_answer(readings.blank.astype(np.float64))
    own = by_answer.of(readings.answer_index)
    table: dict[str, dict[str, Float[ndarray, "item layer"]]] = {
        "real": {score: getattr(own, score) for score in SCORES},
        "shuffled": {},
        "blank": {},
    }
    found: dict[str, dict[str, Any]] = {}
    effects = {}
    for number, score in enumerate(SCORES):
        streams = _Streams(study, key, number)
        contrasts = {
            "shuffled": _against_shuffled(readings, by_answer, score, streams),
            "blank": _against_blank(readings, own_scores=table["real"][score], blank=blank,
                                    score=score, streams=streams),
        }  # fmt: skip
        for control, contrast in contrasts.items():
            table[control][score] = contrast.control
        if score == "bits":
            effects = {control: contrast.effect for control, contrast in contrasts.items()}
        found[score] = _results(contrasts, table, score, study, streams, readings)
    main = found["bits"]
    main["other_scores"] = {
        score: {name: found[score][name] for name in ("outcome", "lambda_half", "omnibus_p")}
        for score in SCORES
        if score != "bits"
    }
    for layer, row in enumerate(main["layers"]):
        for score in ("correct", "brier"):
            row[score] = {
                condition: _mean_over_scenes(table[condition][score], readings)[layer].item()
                for condition in ("real", "shuffled", "blank")
            }
    return Estimates(results=main | _description(readings), scores=table, effects=effects)


def score_rows(estimates: Estimates, readings: Readings, readout: str) -> pd.DataFrame:
    """The item-level rows that are always kept: one per item, condition and layer."""
    items = readings.items
    n_items, n_layers = estimates.scores["real"]["bits"].shape
    parts = []
    for condition, scores in estimates.scores.items():
        part = items.loc[items.index.repeat(n_layers), ["item_id", "scene_id", "attribute"]]
        part = part.assign(condition=condition, readout=readout)
        part["layer"] = np.tile(np.arange(n_layers), n_items)
        for score in SCORES:
            part[score] = scores[score].astype(np.float32).ravel()
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def effect_rows(estimates: Estimates, readings: Readings, readout: str) -> pd.DataFrame:
    """The effect of every scene, control and layer: what comparisons are made from."""
    scenes = np.unique(readings.items["scene_id"].to_numpy(dtype=str))
    parts = []
    for control, effect in estimates.effects.items():
        n_scenes, n_layers = effect.shape
        rows = {
            "scene_id": np.repeat(scenes, n_layers),
            "attribute": str(readings.items["attribute"].iloc[0]),
            "readout": readout,
            "control": control,
            "layer": np.tile(np.arange(n_layers), n_scenes),
            "effect": effect.ravel(),
        }
        parts.append(pd.DataFrame(rows))
    return pd.concat(parts, ignore_index=True)


@dataclass(frozen=True, slots=True)
class _Streams:
    """Generators of one attribute, readout and score, by what they are for."""

    study: Study
    key: int
    score: int

    def rng(self, purpose: int, control: int = 0) -> np.random.Generator:
        return self.study.rng(2, self.key, self.score, purpose, control)


def _gain(score: str, readings: Readings) -> float:
    """What knowing the answer is worth beyond knowing how often each occurs, in the score's unit.

    For bits the entropy of the answers, for correct the error rate of always giving the most
    frequent one, for brier that of stating the frequencies.
    """
    share = np.bincount(readings.answer_index, minlength=len(readings.answers))
    share = share[share > 0] / share.sum()
    if score == "bits":
        return float(-(share * np.log2(share)).sum())
    return float(1 - share.max() if score == "correct" else 1 - np.square(share).sum())


def _against_shuffled(
    readings: Readings, by_answer: ScoresByAnswer, score: str, streams: _Streams
) -> Contrast:
    sign = -1 if score in _LOSSES else 1
    scores, gain = sign * getattr(by_answer, score), _gain(score, readings)
    n_resamples = streams.study.n_resamples
    if readings.swapped is None:
        test = shuffled_label_test(
            scores,
            readings.answer_index,
            strata(readings.items).to_numpy(),
            scenes=readings.items["scene_id"].to_numpy(),
            rng=streams.rng(_SHUFFLED),
            n_resamples=n_resamples,
        )
        return Contrast(
            control=sign * test.control,
            effect=test.scene_effect / gain,
            p=test.p,
            omnibus_p=test.omnibus_p,
        )
    swaps = [
        getattr(scores_by_answer(swap.astype(np.float64)).of(readings.answer_index), score)
        for swap in readings.swapped
    ]
    control = np.mean(swaps, axis=0)
    own = getattr(by_answer.of(readings.answer_index), score)
    effect = _scene_rows(sign * (own - control), readings) / gain
    test = sign_flip_max_t(effect, rng=streams.rng(_SHUFFLED), n_resamples=n_resamples)
    return Contrast(control=control, effect=effect, p=test.p, omnibus_p=test.omnibus_p)


def _against_blank(
    readings: Readings,
    *,
    own_scores: Float[ndarray, "item layer"],
    blank: ScoresByAnswer,
    score: str,
    streams: _Streams,
) -> Contrast:
    control = getattr(blank.of(readings.answer_index), score)
    sign = -1 if score in _LOSSES else 1
    effect = _scene_rows(sign * (own_scores - control), readings) / _gain(score, readings)
    test = sign_flip_max_t(effect, rng=streams.rng(_BLANK), n_resamples=streams.study.n_resamples)
    return Contrast(control=control, effect=effect, p=test.p, omnibus_p=test.omnibus_p)


def _results(
    contrasts: dict[str, Contrast],
    table: dict[str, dict[str, Float[ndarray, "item layer"]]],
    score: str,
    study: Study,
    streams: _Streams,
    readings: Readings,
) -> dict[str, Any]:
    # Both controls must be beaten: an intersection-union test, whose p is the larger of the two.
    both = max(contrast.omnibus_p for contrast in contrasts.values())
    emergence = {
        control: emergence_layer(
            contrast.effect,
            rng=streams.rng(_EMERGENCE, number),
            margin=study.margin,
            plateau=study.plateau,
            horizon=study.horizon,
            level=study.level,
            n_resamples=study.n_resamples,
            omnibus_p=both if control == study.primary_control else contrast.omnibus_p,
        )
        for number, (control, contrast) in enumerate(contrasts.items())
    }
    primary = contrasts[study.primary_control]
    interval = cluster_bootstrap(
        primary.effect,
        np.arange(len(primary.effect)),
        rng=streams.rng(_INTERVAL),
        n_resamples=study.n_resamples,
        level=study.level,
    )
    means = {name: _mean_over_scenes(scores[score], readings) for name, scores in table.items()}
    layers = [
        {
            "layer": layer,
            **{condition: means[condition][layer].item() for condition in means},
            "effect": interval.estimate[layer].item(),
            "low": interval.low[layer].item(),
            "high": interval.high[layer].item(),
            **{f"p_{name}": each.p[layer].item() for name, each in contrasts.items()},
        }
        for layer in range(len(interval.estimate))
    ]
    other = next(name for name in CONTROLS if name != study.primary_control)
    return {
        **emergence_results(emergence[study.primary_control]),
        "primary_control": study.primary_control,
        "omnibus_p": {name: contrast.omnibus_p for name, contrast in contrasts.items()},
        "layers": layers,
        "other_control": {"control": other, **emergence_results(emergence[other])},
        "interval_method": interval.method,
        "n_resamples": study.n_resamples,
    }


def emergence_results(found: Emergence) -> dict[str, Any]:
    """An emergence as plain numbers. A `high` of None: the set is open above."""
    crossing = found.lambda_half
    return {
        "outcome": found.outcome,
        "lambda_half": None
        if crossing is None
        else {
            "estimate": crossing.estimate,
            "low": crossing.low,
            "high": crossing.high,
            "level": crossing.level,
        },
        "fb_half": {"low": found.fb_half.low, "high": found.fb_half.high},
        "fb_delta": {
            "low": found.fb_delta.low,
            "high": found.fb_delta.high,
            "delta": found.margin,
        },
        "lambda_first": found.lambda_first,
        "lambda_sustained": found.lambda_sustained,
        "plateau": list(found.plateau),
        "plateau_effect": found.plateau_mean,
        "horizon": found.horizon,
        "level": found.level,
        "detectable_effect": float(found.detectable_effect.max()),
        "n_scenes": found.n_scenes,
    }


def _description(readings: Readings) -> dict[str, Any]:
    counts = np.bincount(readings.answer_index, minlength=len(readings.answers))
    return {
        "n_items": len(readings.items),
        "n_texts": len(set(readings.items["question"])),
        "answers": dict(zip(readings.answers, counts.tolist(), strict=True)),
        "answer_entropy_bits": _gain("bits", readings),
        "notes": list(readings.notes),
    }


def _scene_codes(readings: Readings) -> Int[ndarray, " item"]:
    return np.unique(readings.items["scene_id"].to_numpy(), return_inverse=True)[1]


def _scene_rows(
    values: Float[ndarray, "item layer"], readings: Readings
) -> Float[ndarray, "scene layer"]:
    """Means over each scene's items, in the order of scene ids."""
    scene = _scene_codes(readings)
    sums = np.zeros((scene.max() + 1, values.shape[1]))
    np.add.at(sums, scene, values)
    return sums / np.bincount(scene)[:, None]


def _mean_over_scenes(
    values: Float[ndarray, "item layer"], readings: Readings
) -> Float[ndarray, " layer"]:
    return _scene_rows(values, readings).mean(axis=0)
