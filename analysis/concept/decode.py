"""What a simple decoder on top of each layer can tell of a column of the CSV, on images that it was
not fitted to."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from analysis.concept.decoded_column import ColumnOfItems, asked_of
from analysis.concept.found import (
    DecodedAtLayer,
    DecodedColumn,
    Score,
    TestedScore,
)
from analysis.run.study import Study
from analysis.streams import Stream
from probes.linear_probe import cross_fit
from probes.ridge import cross_fitted_ridge
from stats import cluster_share, interval_of_means, sign_flip_max_t

SOURCES = ("decoder", "permuted")
"""The two kinds of decoders: one fitted to the column, and one fitted to permuted values, which
must know nothing."""
Residuals = Float[Tensor, "item layer d_model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """Predictions for images that the decoder was not fitted to, with their scores and those of the
    baseline. Every image is a scene of its own."""

    predicted: Float[ndarray, "item layer"]
    """What the decoder of each layer predicts: numbers, or indices into the labels."""
    earned: Float[ndarray, "item layer"]
    """The score of each prediction: for labels 1 if right, else 0; for numbers minus the squared
    error."""
    baseline: Float[ndarray, " item"]
    """The score of the baseline, which predicts the most frequent label of all images, or the mean
    of the training images."""


def decode_numbers(
    residuals: Residuals, values: Float[ndarray, " item"], scenes: list[str]
) -> Decoded:
    """Decodes numbers by ridge regression, each scene by a fit on others, and compares with the
    mean of the training images."""
    found = cross_fitted_ridge(residuals, values, scenes=scenes)
    return Decoded(
        predicted=found.predicted,
        earned=-np.square(found.predicted - values[:, None]),
        baseline=-np.square(found.mean - values),
    )


def decode_labels(
    residuals: Residuals, values: Int[ndarray, " item"], scenes: list[str]
) -> Decoded:
    """Decodes labels by the linear probe, each scene by a fit on others, and compares with the most
    frequent label of all images."""
    names = [str(place) for place in range(int(values.max()) + 1)]
    probe = cross_fit(residuals, values, scenes=scenes, answers=names)
    predicted = probe.log_probs(residuals, scenes=scenes).argmax(axis=2)
    return Decoded(
        predicted=predicted.astype(float),
        earned=(predicted == values[:, None]).astype(float),
        baseline=most_frequent_right(values),
    )


def most_frequent_right(values: Int[ndarray, " item"]) -> Float[ndarray, " item"]:
    """1 where an image has the most frequent label of all images, else 0: what the decoder must
    beat.

    The most frequent label of the training images would not do: where labels are balanced, it is
    the one that the held-out images have the least of. It is right less often than guessing, and a
    decoder that knows nothing beats it (type-I error .25). The one here is right at least as often
    as guessing.
    """
    return (np.bincount(values).argmax() == values).astype(float)


def decode_results(
    residuals: Residuals, column: ColumnOfItems, study: Study, *, key: int
) -> tuple[DecodedColumn, dict[str, Decoded]]:
    """By layer the score of the decoder and of its permuted control, with the baseline.

    Labels (whole numbers) are scored by accuracy; other numbers by R^2, the share by which the
    baseline's squared error is reduced. Intervals are over images and take the decoders as fitted.
    The p-values are one-sided, from sign flips of the images' gains over the baseline, adjusted
    over layers.
    """
    values, scenes = column.values, column.items["scene_id"].tolist()
    numeric = values.dtype.kind == "f"
    fit: Callable[..., Decoded] = decode_numbers if numeric else decode_labels
    order = study.rng(Stream.DECODED_PERMUTATION, key).permutation(len(values))
    decoded = {
        "decoder": fit(residuals, values, scenes),
        "permuted": fit(residuals, values[order], scenes),
    }
    curves = (
        _curve(each, study, key, number, numeric=numeric)
        for number, each in enumerate(decoded.values())
    )
    found = DecodedColumn(
        measure="R2" if numeric else "accuracy",
        n_scenes=len(values),
        level=study.level,
        n_resamples=study.n_resamples,
        baseline=None if numeric else _majority(decoded["decoder"], study),
        layers=tuple(
            DecodedAtLayer(
                layer=layer, score=own.score, low=own.low, high=own.high, p=own.p, permuted=permuted
            )
            for layer, (own, permuted) in enumerate(zip(*curves, strict=True))
        ),
        left_out=column.n_without,
        labels=tuple(column.names),
        made_from=asked_of(column),
    )
    return found, decoded


def _curve(
    decoded: Decoded, study: Study, key: int, number: int, *, numeric: bool
) -> list[TestedScore]:
    baseline = np.broadcast_to(decoded.baseline[:, None], decoded.earned.shape)
    if numeric:
        interval = interval_of_means(
            explained,
            np.stack([decoded.earned, baseline]),
            rng=study.rng(Stream.DECODED_INTERVALS, key, number),
            n_resamples=study.n_resamples,
            level=study.level,
        )
    else:
        interval = cluster_share(decoded.earned, np.arange(len(decoded.earned)), level=study.level)
    test = sign_flip_max_t(
        decoded.earned - baseline,
        rng=study.rng(Stream.DECODED_TESTS, key, number),
        n_resamples=study.n_resamples,
    )
    return [
        TestedScore(
            score=interval.estimate[layer].item(),
            low=interval.low[layer].item(),
            high=interval.high[layer].item(),
            p=test.p[layer].item(),
        )
        for layer in range(len(test.p))
    ]


def explained(means: Float[ndarray, "moment draw layer"]) -> Float[ndarray, "draw layer"]:
    """R^2 from the mean squared errors of decoder and baseline; 0 where the baseline has no
    error."""
    errors, base = -means[0], -means[1]
    return 1 - np.divide(errors, base, out=np.ones_like(errors), where=base > 0)


def _majority(decoded: Decoded, study: Study) -> Score:
    interval = cluster_share(decoded.baseline, np.arange(len(decoded.baseline)), level=study.level)
    return Score(score=float(interval.estimate), low=float(interval.low), high=float(interval.high))


def decode_rows(
    items: pd.DataFrame, column: str, names: list[str], decoded: dict[str, Decoded]
) -> pd.DataFrame:
    """A table with a row per image, source and layer; labels are given by name, numbers as they
    are."""
    parts = []
    for source, each in decoded.items():
        n_items, n_layers = each.predicted.shape
        rows = items.index.repeat(n_layers)
        part = items.loc[rows, ["item_id", "scene_id", "attribute"]].reset_index(drop=True)
        flat = each.predicted.ravel()
        said = [names[int(place)] for place in flat] if names else [repr(float(v)) for v in flat]
        parts.append(
            part.assign(
                column=column,
                source=source,
                layer=np.tile(np.arange(n_layers), n_items),
                predicted=said,
                earned=each.earned.astype(np.float32).ravel(),
                baseline=np.repeat(each.baseline.astype(np.float32), n_layers),
            )
        )
    return pd.concat(parts, ignore_index=True)
