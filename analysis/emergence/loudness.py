"""How loudly a readout speaks, what that costs, and when it becomes sure, layer by layer."""

from dataclasses import fields

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.effects.effect import answer_scores
from analysis.effects.emergence_results import emergence_results
from analysis.effects.found import Interval, Sure
from analysis.effects.measured import Measured
from analysis.run.study import Study
from stats import cluster_bootstrap, emergence_layer, loudness
from stats.scenes import scene_rows


def loudness_columns(
    measured: Measured, study: Study, *, rng: np.random.Generator
) -> dict[str, list[Interval]]:
    """Three numbers by layer, each with an interval: the scale by which the scores must be
    multiplied to mean what they say, the bits lost by taking them as they are, and how sure the
    readout is.

    Bits lost are the information by a reader that was fitted on other scenes, minus that by the
    readout's own probabilities of the same answers.
    """
    readings, stated, scenes = measured.readings, measured.stated, measured.scenes
    guess, told = measured.main.real.guess, measured.main.real.bits
    scale = loudness(answer_scores(readings.real), readings.answer_index, scenes, level=study.level)
    items = np.arange(len(scenes))
    own = np.log2(guess[items, readings.answer_index])[:, None] + told
    at_its_word = stated.by_answer.of(readings.answer_index).bits
    return {
        "scale": _by_layer(scale.scale, scale.low, scale.high),
        "lost": _intervals(own - at_its_word, scenes, study, rng),
        "certainty": _intervals(stated.certainty, scenes, study, rng),
    }


def sureness(measured: Measured, study: Study, *, rng: np.random.Generator) -> Sure:
    """Where certainty emerges: the layer at which the readout becomes sure of an answer, right or
    wrong."""
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
    whole = emergence_results(found)
    return Sure(**{each.name: getattr(whole, each.name) for each in fields(Sure)})


def _intervals(
    values: Float[ndarray, "item layer"], scenes: ndarray, study: Study, rng: np.random.Generator
) -> list[Interval]:
    found = cluster_bootstrap(
        values, scenes, rng=rng, n_resamples=study.n_resamples, level=study.level
    )
    return _by_layer(found.estimate, found.low, found.high)


def _by_layer(
    estimate: Float[ndarray, " layer"],
    low: Float[ndarray, " layer"],
    high: Float[ndarray, " layer"],
) -> list[Interval]:
    ends = zip(estimate.tolist(), low.tolist(), high.tolist(), strict=True)
    return [Interval(estimate=one, low=least, high=most) for one, least, most in ends]
