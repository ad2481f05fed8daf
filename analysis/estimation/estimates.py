"""From readings to the numbers of one attribute: curves, tests, emergence, as plain results.

Joins what the readout says (probes) with what may be concluded from it (stats); every figure
here comes out of one of the two.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.estimation.controls import Shuffled, shuffled_control
from analysis.estimation.effect import (
    CONDITIONS,
    SCORES,
    Effect,
    Stated,
    effect_of,
    entropy_bits,
    guessed,
    stated_of,
)
from analysis.estimation.emergence_results import emergence_results
from analysis.estimation.loudness_estimates import loudness_columns, sureness
from analysis.estimation.robustness import Measured, other_windows, robustness
from analysis.estimation.scene_rows import scene_rows
from analysis.readings.readings import Readings
from analysis.runs.items import require_enough
from analysis.runs.study import Study
from stats import BootstrapInterval, cluster_bootstrap, emergence_layer, sign_flip_max_t
from stats.course import p_above

_STAGE = 2
_FOLDS, _SHUFFLED, _BLANK, _INTERVAL, _EMERGENCE, _SURE, _LOUDNESS, _ROBUSTNESS = range(8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """One attribute under one readout."""

    results: dict[str, Any]
    """What goes into results.json."""
    scores: dict[str, dict[str, Float[ndarray, "item layer"]]]
    """Per condition and score, one number per item and layer."""
    effects: dict[str, Float[ndarray, "scene layer"]]
    """By kind of reader, the effect as share of H; rows in order of scene id."""


def estimate(readings: Readings, study: Study, *, key: int) -> Estimates:
    """Results of one attribute under one readout, with the scores that they come from.

    `key` tells attributes apart, so that each has random draws of its own.
    """
    require_enough(readings.items)
    scenes = readings.items["scene_id"].to_numpy(dtype=str)
    main, held = (
        effect_of(readings, rng=study.rng(_STAGE, key, _FOLDS), offsets=offsets)
        for offsets in (False, True)
    )
    stated = stated_of(readings)
    last = main.rows.shape[1] - 1 if study.horizon is None else study.horizon
    plateau = study.plateau_up_to(last)
    windows = (plateau, *other_windows(plateau, last).values())
    shuffled = shuffled_control(
        readings,
        stated,
        windows=windows,
        rng=study.rng(_STAGE, key, _SHUFFLED),
        n_resamples=study.n_resamples,
    )
    # The image must tell more than a blank one, and the answer more often than guessing: each
    # plateau above the margin, or what is taken off badly would count as knowledge.
    above_guessing = p_above(
        main.real_rows[:, plateau[0] : plateau[1] + 1].mean(axis=1) - study.margin
    )
    found = emergence_layer(
        main.rows,
        rng=study.rng(_STAGE, key, _EMERGENCE),
        margin=study.margin,
        plateau=plateau,
        horizon=study.horizon,
        level=study.level,
        n_resamples=study.n_resamples,
        omnibus_p=shuffled.omnibus_p,
        other_plateau_p=max(above_guessing, shuffled.window_p[0]),
    )
    against_blank = sign_flip_max_t(
        main.rows, rng=study.rng(_STAGE, key, _BLANK), n_resamples=study.n_resamples
    )
    interval = cluster_bootstrap(
        main.rows,
        np.arange(len(main.rows)),
        rng=study.rng(_STAGE, key, _INTERVAL),
        n_resamples=study.n_resamples,
        level=study.level,
    )
    scores = _scores(readings, main, stated, shuffled)
    omnibus_p = {"shuffled": shuffled.omnibus_p, "blank": against_blank.omnibus_p}
    plateau_p = {
        "shuffled": shuffled.window_p[0],
        "blank": max(found.plateau_p, above_guessing),
    }
    results = {
        **emergence_results(found),
        "omnibus_p": omnibus_p,
        "plateau_p": plateau_p,
        # Of a run with this finding alone; adjusted anew whenever the run gets another.
        "omnibus_p_holm": max(*omnibus_p.values(), *plateau_p.values()),
        "robustness": robustness(
            Measured(readings=readings, main=main, held=held, stated=stated, shuffled=shuffled),
            study,
            plateau=plateau,
            horizon=last,
            key=(_STAGE, key, _ROBUSTNESS),
        ),
        "sure": sureness(stated, scenes, study, rng=study.rng(_STAGE, key, _SURE)),
        "layers": _layers(
            scores,
            scenes,
            interval,
            {
                **loudness_columns(
                    readings, main, stated, study, rng=study.rng(_STAGE, key, _LOUDNESS)
                ),
                "held": _mean(held.real.bits, scenes).tolist(),
                "p_shuffled": shuffled.p.tolist(),
                "p_blank": against_blank.p.tolist(),
            },
        ),
        "interval_method": interval.method,
        "n_resamples": study.n_resamples,
    }
    return Estimates(
        results=results | _description(readings, main),
        scores=scores,
        effects={"effect": main.rows, "held": held.rows},
    )


def _scores(
    readings: Readings, main: Effect, stated: Stated, shuffled: Shuffled
) -> dict[str, dict[str, Float[ndarray, "item layer"]]]:
    own, blank = (each.of(readings.answer_index) for each in (stated.by_answer, stated.blank))
    unread = np.full_like(main.real.bits, np.nan)
    return {
        "real": {score: getattr(own, score) for score in SCORES} | {"information": main.real.bits},
        "shuffled": shuffled.stated | {"information": unread},
        "blank": {score: getattr(blank, score) for score in SCORES}
        | {"information": main.blank.bits},
    }


def _layers(
    scores: dict[str, dict[str, Float[ndarray, "item layer"]]],
    scenes: ndarray,
    interval: BootstrapInterval,
    columns: dict[str, list[Any]],
) -> list[dict[str, Any]]:
    """One row per layer; scores as means over scenes."""
    means = {
        condition: {name: _mean(values, scenes) for name, values in each.items()}
        for condition, each in scores.items()
    }

    def by_condition(score: str, layer: int) -> dict[str, float]:
        return {name: means[name][score][layer].item() for name in CONDITIONS}

    return [
        {
            "layer": layer,
            "effect": interval.estimate[layer].item(),
            "low": interval.low[layer].item(),
            "high": interval.high[layer].item(),
            "information": {
                name: means[name]["information"][layer].item() for name in ("real", "blank")
            },
            "stated": by_condition("bits", layer),
            "correct": by_condition("correct", layer),
            "brier": by_condition("brier", layer),
            **{name: values[layer] for name, values in columns.items()},
        }
        for layer in range(len(interval.estimate))
    ]


def _description(readings: Readings, main: Effect) -> dict[str, Any]:
    counts = np.bincount(readings.answer_index, minlength=len(readings.answers))
    scenes = readings.items["scene_id"].to_numpy(dtype=str)
    guess = guessed(main.real, readings.answer_index)
    return {
        "n_items": len(readings.items),
        "n_texts": len(set(readings.items["question"])),
        "answers": dict(zip(readings.answers, counts.tolist(), strict=True)),
        "answer_entropy_bits": entropy_bits(readings),
        "guessing": {name: _mean(values, scenes).item() for name, values in guess.items()},
        "notes": list(readings.notes),
    }


def _mean(values: Float[ndarray, "item layer"], scenes: ndarray) -> Float[ndarray, " layer"]:
    return scene_rows(values, scenes).mean(axis=0)
