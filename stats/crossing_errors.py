"""The depth at which several models' effects emerge, with the errors that their scenes leave.

This is what `random_effects` pools: each model's `lambda_half` as a share of its depth, or the
difference between two attributes of one model, and the covariance of their errors over scenes,
since models that see the same scenes share a part of their errors.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from stats.arguments import enough_resamples, enough_scenes, horizon_layer, plateau_window
from stats.half_crossing import half_plateau_crossing, plausible_curves
from stats.scenes import canonical_order

_LEAST_RESAMPLES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCurves:
    """One model's effects by layer: of one attribute, or of two on the same scenes."""

    curves: Float[ndarray, "scene curve layer"]
    """The effects. Where there is one curve, its depth is estimated; where there are two, the depth
    of the second minus that of the first."""
    scenes: tuple[str, ...]
    """The name of each row's scene."""
    data: str
    """The name of the data set that the scenes are from. Two models share a scene where both the
    data set's and the scene's name are the same."""
    plateau: Sequence[int] | None = None
    """First and last layer of the plateau; by default the last quarter up to the horizon."""
    horizon: int | None = None
    """The last layer that is considered; by default the last one there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossingErrors:
    """Depths of emergence, or differences of them, of several models, in shares of the depth."""

    estimates: Float[ndarray, " model"]
    """The depths, or differences, in shares of the depth; NaN where a mean plateau is not
    positive."""
    covariance: Float[ndarray, "model model"]
    """The covariance of the errors of `estimates`, by the scene bootstrap; 0 between models that
    share no scenes."""
    absent: Float[ndarray, " model"]
    """Share of resamples without a crossing. Each of them counts as the value farthest from the
    estimate that is possible, so that they widen the error."""
    last_layers: tuple[int, ...]
    """The last layer of each model, by which its layers are divided."""


def crossing_errors(
    models: Sequence[ModelCurves], *, rng: np.random.Generator, n_resamples: int = 2000
) -> CrossingErrors:
    """Estimate each model's depth of emergence (or difference of two) and the errors' covariance.

    Standard errors are standard deviations over resamples of a model's own scenes (bootstrap-t
    curves below 200 scenes, as in `half_crossing`). Models of the same data are redrawn together on
    the scenes that all of them have, which gives the correlation; it is scaled by the share of
    scenes that are common, as the correlation of two means would be. Bootstrap intervals of a
    crossing are not symmetric: the standard deviation only weighs models, it is no interval.

    Raises ValueError for fewer than 2 scenes, for another number of names than of rows, for fewer
    than 200 resamples and for a plateau or horizon outside of the layers. Source: Davison & Hinkley
    (1997), section 2.2.

    >>> effect = np.random.default_rng(0).normal([[0, 0, 1, 1, 1]], 0.1, (30, 1, 5))
    >>> model = ModelCurves(curves=effect, scenes=tuple(map(str, range(30))), data="clevr")
    >>> found = crossing_errors([model, model], rng=np.random.default_rng(1), n_resamples=200)
    >>> found.estimates.round(1).tolist(), found.covariance.shape
    ([0.4, 0.4], (2, 2))
    """
    n_resamples = enough_resamples(n_resamples, least=_LEAST_RESAMPLES)
    for model in models:
        enough_scenes(len(model.curves), name="curves")
        if len(model.scenes) != len(model.curves):
            raise ValueError(
                f"`scenes` must name every row of `curves` ({len(model.curves)}), got "
                f"{len(model.scenes)} names: pass one name per row, in the same order"
            )
    streams = rng.spawn(2 * len(models))
    drawn = [
        _drawn([model], [model.curves], stream, n_resamples)[:, 0]
        for model, stream in zip(models, streams, strict=False)
    ]
    errors = np.array([
        _filled(model, each).std(ddof=1) for model, each in zip(models, drawn, strict=True)
    ])  # fmt: skip
    correlation = _correlation(models, streams[len(models) :], n_resamples)
    return CrossingErrors(
        estimates=np.array([_estimate(model) for model in models]),
        covariance=correlation * np.outer(errors, errors),
        absent=np.array([np.isnan(each).mean() for each in drawn]),
        last_layers=tuple(model.curves.shape[2] - 1 for model in models),
    )


def _correlation(
    models: Sequence[ModelCurves], streams: Sequence[np.random.Generator], n_resamples: int
) -> Float[ndarray, "model model"]:
    """Correlation of the models' errors; 1 on the diagonal, 0 between models of different data."""
    found = np.eye(len(models))
    for stream, data in zip(streams, dict.fromkeys(model.data for model in models), strict=False):
        places = [place for place, model in enumerate(models) if model.data == data]
        alike = [models[place] for place in places]
        shared = set.intersection(*(set(model.scenes) for model in alike))
        if len(places) < 2 or len(shared) < 2:
            continue
        tables = [model.curves[_rows(model, shared)] for model in alike]
        drawn = _drawn(alike, tables, stream, n_resamples)
        filled = np.column_stack([_filled(m, d) for m, d in zip(alike, drawn.T, strict=True)])
        constant = filled.std(axis=0) == 0
        filled[:, constant] = stream.standard_normal((len(filled), int(constant.sum())))
        share = np.sqrt([len(shared) / len(model.scenes) for model in alike])
        part = np.corrcoef(filled, rowvar=False) * np.outer(share, share)
        np.fill_diagonal(part, 1.0)
        found[np.ix_(places, places)] = part
    return found


def _rows(model: ModelCurves, shared: set[str]) -> list[int]:
    """Places of the shared scenes, in the order of their names, which is the same in all models."""
    places = {scene: place for place, scene in enumerate(model.scenes)}
    return [places[scene] for scene in sorted(shared)]


def _drawn(
    models: Sequence[ModelCurves],
    tables: Sequence[Float[ndarray, "scene _curve _layer"]],
    rng: np.random.Generator,
    n_resamples: int,
) -> Float[ndarray, "resample model"]:
    """Redrawn depths of all models on the same scenes; NaN where there is no crossing."""
    flat = [table.reshape(len(table), -1) for table in tables]
    together = canonical_order(np.hstack(flat))
    drawn = plausible_curves(together, rng=rng, n_resamples=n_resamples)
    parts = np.split(drawn, np.cumsum([part.shape[1] for part in flat])[:-1], axis=1)
    return np.column_stack([
        _depth(model, part.reshape(n_resamples, *model.curves.shape[1:]))
        for model, part in zip(models, parts, strict=True)
    ])  # fmt: skip


def _estimate(model: ModelCurves) -> float:
    rows = model.curves.reshape(len(model.curves), -1)
    mean = canonical_order(rows).mean(axis=0).reshape(1, *model.curves.shape[1:])
    return float(_depth(model, mean)[0])


def _depth(model: ModelCurves, curves: Float[ndarray, "row curve layer"]) -> Float[ndarray, " row"]:
    last = curves.shape[2] - 1
    stop = horizon_layer(model.horizon, curves.shape[2])
    window = plateau_window(model.plateau, stop)
    depths = [
        half_plateau_crossing(curves[:, place, : stop + 1], window) / last
        for place in range(curves.shape[1])
    ]
    return depths[0] if len(depths) == 1 else depths[1] - depths[0]


def _filled(model: ModelCurves, drawn: Float[ndarray, " resample"]) -> Float[ndarray, " resample"]:
    """The resamples, where NaN is replaced by the possible value farthest from the estimate."""
    ends = (0.0, 1.0) if model.curves.shape[1] == 1 else (-1.0, 1.0)
    middle = _estimate(model)
    return np.where(np.isnan(drawn), max(ends, key=lambda end: abs(end - middle)), drawn)
