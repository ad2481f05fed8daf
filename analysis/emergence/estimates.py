"""From readings to the numbers of one attribute: curves, tests, emergence.

Joins what the readout says (`probes`) with what may be concluded from it (`stats`): every number
here comes from one of the two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.effects.effect import CONDITIONS, SCORES, entropy_bits, guessed
from analysis.effects.found import (
    ByCondition,
    Finding,
    Guessing,
    Layer,
    WithAndWithout,
    fields_of,
)
from analysis.effects.measured import Measured, measured
from analysis.effects.shares_done import Done, unheard, within
from analysis.effects.verdict import verdict
from analysis.emergence.loudness import loudness_columns, sureness
from analysis.emergence.robustness import robustness
from analysis.readouts.taken import Readings
from analysis.run.items import require_enough, require_readable
from analysis.run.study import Study
from analysis.streams import Stream
from stats import (
    BootstrapInterval,
    cluster_bootstrap,
    heavy_tails,
    sign_flip_max_t,
)
from stats.scenes import scene_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """The estimates of one attribute under one readout."""

    results: Finding
    """The part that goes into results.json."""
    scores: dict[str, dict[str, Float[ndarray, "item layer"]]]
    """One number per item and layer, by condition and then by score."""
    effects: dict[str, Float[ndarray, "scene layer"]]
    """The effect as share of the entropy of the answers, by kind of reader; rows are scenes in the
    order of their ids."""


def estimate(readings: Readings, study: Study, *, key: int, done: Done = unheard) -> Estimates:
    """Results of one attribute under one readout, with the scores that they come from.

    `key` is a number of the attribute's own, so that each has its own random draws. `done` is told
    how far the work has come; the shares are those of 15,000 scenes.
    """
    require_enough(readings.items)
    require_readable(readings.items)
    found = measured(readings, study, key=key, done=within(done, 0.0, 0.3))
    scores = _scores(found)
    interval = cluster_bootstrap(
        found.main.rows,
        np.arange(len(found.main.rows)),
        rng=study.rng(Stream.EFFECT_INTERVAL, key),
        n_resamples=study.n_resamples,
        level=study.level,
    )
    against_blank = sign_flip_max_t(
        found.main.rows, rng=study.rng(Stream.AGAINST_BLANK, key), n_resamples=study.n_resamples
    )
    columns = loudness_columns(found, study, rng=study.rng(Stream.LOUDNESS, key)) | {
        "held": _mean(found.held.real.bits, found.scenes).tolist(),
        "p_shuffled": found.shuffled.p.tolist(),
        "p_blank": against_blank.p.tolist(),
    }
    done(0.5)
    decided = verdict(found, against_blank, study, rng=study.rng(Stream.EMERGENCE, key))
    done(0.6)
    results = Finding(
        **fields_of(decided),
        robustness=robustness(found, study, key=key, done=within(done, 0.6, 0.9)),
        sure=sureness(found, study, rng=study.rng(Stream.SURENESS, key)),
        layers=_layers(scores, found.scenes, interval, columns),
        interval_method=interval.method,
        n_resamples=study.n_resamples,
        **_description(found),
    )
    done(1.0)
    return Estimates(
        results=results,
        scores=scores,
        effects={"effect": found.main.rows, "held": found.held.rows},
    )


def _scores(found: Measured) -> dict[str, dict[str, Float[ndarray, "item layer"]]]:
    answer, main = found.readings.answer_index, found.main
    own, blank = (each.of(answer) for each in (found.stated.by_answer, found.stated.blank))
    unread = np.full_like(main.real.bits, np.nan)
    return {
        "real": {score: getattr(own, score) for score in SCORES} | {"information": main.real.bits},
        "shuffled": found.shuffled.stated | {"information": unread},
        "blank": {score: getattr(blank, score) for score in SCORES}
        | {"information": main.blank.bits},
    }


def _layers(
    scores: dict[str, dict[str, Float[ndarray, "item layer"]]],
    scenes: ndarray,
    interval: BootstrapInterval,
    columns: dict[str, list[Any]],
) -> tuple[Layer, ...]:
    """The numbers of each layer; scores are means over scenes."""
    means = {
        condition: {name: _mean(values, scenes) for name, values in each.items()}
        for condition, each in scores.items()
    }

    def under(score: str, layer: int, conditions: Sequence[str] = CONDITIONS) -> dict[str, float]:
        return {name: means[name][score][layer].item() for name in conditions}

    return tuple(
        Layer(
            layer=layer,
            effect=interval.estimate[layer].item(),
            low=interval.low[layer].item(),
            high=interval.high[layer].item(),
            information=WithAndWithout(**under("information", layer, ("real", "blank"))),
            stated=ByCondition(**under("bits", layer)),
            correct=ByCondition(**under("correct", layer)),
            brier=ByCondition(**under("brier", layer)),
            **{name: values[layer] for name, values in columns.items()},
        )
        for layer in range(len(interval.estimate))
    )


def _description(found: Measured) -> dict[str, Any]:
    readings = found.readings
    counts = np.bincount(readings.answer_index, minlength=len(readings.answers))
    guess = guessed(found.main.real, readings.answer_index)
    return {
        "n_items": len(readings.items),
        "n_texts": len(set(readings.items["question"])),
        "answers": dict(zip(readings.answers, counts.tolist(), strict=True)),
        "answer_entropy_bits": entropy_bits(readings),
        "guessing": Guessing(
            **{name: _mean(values, found.scenes).item() for name, values in guess.items()}
        ),
        "notes": (*readings.notes, *found.shuffled.notes, *_heavy_tails(found)),
    }


def _heavy_tails(found: Measured) -> list[str]:
    """Notes for the reader where a few scenes make up most of the variance on the plateau, by which
    emergence is decided."""
    first, last = found.plateau
    tails = heavy_tails(found.main.rows[:, first : last + 1])
    if not tails.heavy:
        return []
    return [
        f"{tails.n_carrying} of {tails.n_scenes} scenes carry more than half of the variance on "
        "the plateau: p-values and intervals rest on how rare such scenes are"
    ]


def _mean(values: Float[ndarray, "item layer"], scenes: ndarray) -> Float[ndarray, " layer"]:
    return scene_rows(values, scenes).mean(axis=0)
