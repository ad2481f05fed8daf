"""How loudly a readout speaks, what that costs, and when it becomes sure, layer by layer."""

from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.effects.effect import answer_scores
from analysis.effects.emergence_results import emergence_results
from analysis.effects.measured import Measured
from analysis.run.study import Study
from stats import cluster_bootstrap, emergence_layer, loudness
from stats.scenes import scene_rows


def loudness_columns(
    measured: Measured, study: Study, *, rng: np.random.Generator
) -> dict[str, list[dict[str, float]]]:
    """By layer, each with an interval: the scale by which the scores must be multiplied to mean
    what they say, the bits lost by taking them at their word, and how sure the readout says it is.

    Bits lost are those of the cross-fitted reader minus those of the readout's own probabilities
    of the same answers.
    """
    readings, stated, scenes = measured.readings, measured.stated, measured.scenes
    guess, told = measured.main.real.guess, measured.main.real.bits
    scale = loudness(answer_scores(readings.real), readings.answer_index, scenes, level=study.level)
    items = np.arange(len(scenes))
    own = np.log2(guess[items, readings.answer_index])[:, None] + told
    at_its_word = stated.by_answer.of(readings.answer_index).bits
    return {
        "scale": [
            {"estimate": one, "low": low, "high": high}
            for one, low, high in zip(
                scale.scale.tolist(), scale.low.tolist(), scale.high.tolist(), strict=True
            )
        ],
        "lost": _intervals(own - at_its_word, scenes, study, rng),
        "certainty": _intervals(stated.certainty, scenes, study, rng),
    }


def sureness(measured: Measured, study: Study, *, rng: np.random.Generator) -> dict[str, Any]:
    """When the readout becomes sure of an answer, right or wrong: its certainty's emergence."""
    rows = scene_rows(measured.stated.certainty, measured.scenes)
    found = emergence_layer(
        rows,
        rng=rng,
        margin=study.margin,
        plateau=study.plateau,
        horizon=study.horizon,
        level=study.level,
        n_resamples=study.n_resamples,
    )
    results = emergence_results(found)
    names = (
        "outcome", "lambda_half", "layer", "monotone", "declines", "fb_half", "plateau_effect",
    )  # fmt: skip
    return {name: results[name] for name in names}


def _intervals(
    values: Float[ndarray, "item layer"], scenes: ndarray, study: Study, rng: np.random.Generator
) -> list[dict[str, float]]:
    found = cluster_bootstrap(
        values, scenes, rng=rng, n_resamples=study.n_resamples, level=study.level
    )
    ends = (found.estimate.tolist(), found.low.tolist(), found.high.tolist())
    return [
        {"estimate": one, "low": low, "high": high} for one, low, high in zip(*ends, strict=True)
    ]
