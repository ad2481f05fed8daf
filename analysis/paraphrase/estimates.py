"""From the readings of every wording to its layer, and to the layer over wordings."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.effects.found import Interval
from analysis.effects.measured import Measured, measured
from analysis.effects.verdict import verdict
from analysis.paraphrase.found import OverWordings, Paraphrased, Wording
from analysis.readouts.taken import Readings
from analysis.run.study import Study
from analysis.streams import Stream
from data_prep.attributes import stream_key
from data_prep.items import attribute_of_items
from stats import sign_flip_max_t
from stats.crossing_errors import CrossingErrors, ModelCurves, crossing_errors
from stats.scenes import scene_rows
from stats.wordings import wording_effect

_LEAST = 3


def paraphrase_estimates(
    readings: Sequence[Readings],
    patterns: Sequence[str],
    study: Study,
    *,
    readout: str,
    source: str,
) -> Paraphrased:
    """The results of one attribute: every wording, with the question as asked first, and the
    numbers over those wordings that have a layer."""
    key = stream_key(attribute_of_items(readings[0].items))
    found = [_wording(each, study, key) for each in readings]
    with_layer = [place for place, (_, one) in enumerate(found) if one.layer is not None]
    rows = {place: found[place][0].main.rows for place in with_layer}
    errors, why = None, _too_few(len(with_layer))
    if why is None:
        scenes = tuple(np.unique(found[0][0].scenes))
        curves = [_curves(rows[place], scenes, study) for place in with_layer]
        errors = crossing_errors(
            curves, rng=study.rng(Stream.WORDING_ERRORS, key), n_resamples=study.n_resamples
        )
        why = _no_errors(errors)
    wordings = [
        _named(one, pattern, _error(errors, with_layer, place))
        for place, ((_, one), pattern) in enumerate(zip(found, (None, *patterns), strict=True))
    ]
    return Paraphrased(
        readout=readout,
        paraphrases=source,
        wordings=tuple(wordings),
        over=None if why is not None or errors is None else _over(errors, study.level),
        not_pooled=why,
        level=study.level,
        n_resamples=study.n_resamples,
        n_scenes=len(set(readings[0].items["scene_id"])),
    )


def _wording(readings: Readings, study: Study, key: int) -> tuple[Measured, Wording]:
    """Tested and placed as the attribute itself is, with its random draws in every wording:
    they differ in nothing but the text, and the question as asked gives what emergence gives."""
    one = measured(readings, study, key=key)
    against_blank = sign_flip_max_t(
        one.main.rows, rng=study.rng(Stream.AGAINST_BLANK, key), n_resamples=study.n_resamples
    )
    found = verdict(one, against_blank, study, rng=study.rng(Stream.EMERGENCE, key))
    half = found.lambda_half
    lost = found.outcome == "emerged" and half is None
    right = one.stated.by_answer.of(readings.answer_index).correct[:, -1:]
    return one, Wording(
        pattern=None,
        example=str(readings.items["question"].iloc[0]),
        outcome="not_monotone" if lost else found.outcome,
        layer=None
        if half is None
        else Interval(estimate=half.estimate, low=half.low, high=half.high),
        standard_error=None,
        plateau_effect=found.plateau_effect,
        accuracy=float(scene_rows(right, one.scenes).mean()),
        n_scenes=found.n_scenes,
    )


def _curves(
    rows: Float[ndarray, "scene layer"], scenes: tuple[str, ...], study: Study
) -> ModelCurves:
    return ModelCurves(
        curves=rows[:, None],
        scenes=scenes,
        data="the same scenes",
        plateau=study.plateau,
        horizon=study.horizon,
    )


def _too_few(n_wordings: int) -> str | None:
    if n_wordings < _LEAST:
        return f"{n_wordings} of the wordings have a layer, a spread needs {_LEAST}"
    return None


def _no_errors(errors: CrossingErrors) -> str | None:
    if np.isnan(errors.estimates).any():
        return "a wording's effect has no plateau above 0"
    if np.diag(errors.covariance).min() <= 0:
        return "a wording's layer does not move from scene to scene, so that it has no error"
    if np.ptp(errors.estimates) == 0:
        return "all wordings have the very same layer, so that there is no spread"
    return None


def _over(errors: CrossingErrors, level: float) -> OverWordings:
    last = errors.last_layers[0]
    found = wording_effect(errors.estimates * last, errors.covariance * last**2, level=level)
    over = found.over_wordings
    mean = over.weighted.mean

    def within(low: float, high: float) -> Interval:
        return Interval(estimate=mean, low=max(0.0, low), high=min(float(last), high))

    return OverWordings(
        n_wordings=over.n_models,
        mean=within(over.weighted.low, over.weighted.high),
        tau=over.tau2**0.5,
        tau_low=over.tau2_low**0.5,
        tau_high=over.tau2_high**0.5,
        new=within(over.predicted_low, over.predicted_high),
        scene_sd=found.scene_variance**0.5,
        share=Interval(estimate=found.share, low=found.share_low, high=found.share_high),
    )


def _error(errors: CrossingErrors | None, with_layer: Sequence[int], place: int) -> float | None:
    if errors is None or place not in with_layer:
        return None
    own = with_layer.index(place)
    return float(errors.covariance[own, own] ** 0.5 * errors.last_layers[own])


def _named(one: Wording, pattern: str | None, error: float | None) -> Wording:
    return replace(one, pattern=pattern, standard_error=error)
