"""From a concept's scores to where it is recognised: own images against others, and a blank one."""

from typing import Any

import numpy as np
import pandas as pd

from analysis.estimation.emergence_results import emergence_results
from analysis.readings.concept_readings import ConceptReadings
from analysis.runs.study import Study
from stats import (
    area_under_curve,
    shuffled_label_test,
    sign_flip_max_t,
    two_sample_emergence,
)

_STAGE = 22
_LABELS, _BLANK, _EMERGENCE = range(3)


def concept_results(readings: ConceptReadings, study: Study, *, key: int) -> dict[str, Any]:
    """Results of one concept, as plain numbers; an image is a scene, folders are not paired.

    The effect is the mean score of own images minus that of the contrast, in bits. Both controls
    must be beaten: folder labels permuted among all images, and own images against the blank one
    (paired; the blank image's score is one number per layer). The margin is the study's share of
    the folder label's entropy.
    """
    own, contrast = readings.score[readings.own], readings.score[~readings.own]
    omnibus, by_layer = _tests(readings, study, key)
    share = readings.own.mean()
    entropy = float(-(share * np.log2(share) + (1 - share) * np.log2(1 - share)))
    found = two_sample_emergence(
        own,
        contrast,
        rng=study.rng(_STAGE, key, _EMERGENCE),
        margin=study.margin * entropy,
        omnibus_p=max(omnibus.values()),
        plateau=study.plateau,
        horizon=study.horizon,
        level=study.level,
        n_resamples=study.n_resamples,
    )
    area = area_under_curve(own, contrast, level=study.level)
    layers = [
        {
            "layer": layer,
            "own": own[:, layer].mean().item(),
            "contrast": contrast[:, layer].mean().item(),
            "blank": readings.blank[layer].item(),
            "effect": found.estimate[layer].item(),
            "low": found.low[layer].item(),
            "high": found.high[layer].item(),
            **{f"p_{control}": p[layer].item() for control, p in by_layer.items()},
            "auc": area.estimate[layer].item(),
            "auc_low": area.low[layer].item(),
            "auc_high": area.high[layer].item(),
        }
        for layer in range(own.shape[1])
    ]
    return {
        **emergence_results(found.emergence),
        "omnibus_p": omnibus,
        "layers": layers,
        "n_own": len(own),
        "n_contrast": len(contrast),
        "label_entropy_bits": entropy,
        "n_resamples": study.n_resamples,
        "notes": list(readings.notes),
    }


def _tests(
    readings: ConceptReadings, study: Study, key: int
) -> tuple[dict[str, float], dict[str, Any]]:
    """Omnibus p and p by layer, each one-sided (own images above) and adjusted over layers."""
    # Under the other label an image's score counts the other way round: relabelling the signed
    # scores is permuting the folders in the difference of means.
    labels = readings.own.astype(np.int64)
    shuffled = shuffled_label_test(
        np.stack([-readings.score, readings.score], axis=1),
        labels,
        np.zeros(len(labels), dtype=np.int64),
        rng=study.rng(_STAGE, key, _LABELS),
        n_resamples=study.n_resamples,
    )
    blank = sign_flip_max_t(
        readings.score[readings.own] - readings.blank,
        rng=study.rng(_STAGE, key, _BLANK),
        n_resamples=study.n_resamples,
    )
    omnibus = {"shuffled": shuffled.omnibus_p, "blank": blank.omnibus_p}
    return omnibus, {"shuffled": shuffled.p, "blank": blank.p}


def concept_rows(readings: ConceptReadings) -> pd.DataFrame:
    """The item-level rows that are always kept: one per image and layer."""
    n_items, n_layers = readings.score.shape
    rows = readings.items.index.repeat(n_layers)
    table = readings.items.loc[rows, ["item_id", "scene_id", "attribute"]].reset_index(drop=True)
    return table.assign(
        folder=np.repeat(np.where(readings.own, "own", "contrast"), n_layers),
        layer=np.tile(np.arange(n_layers), n_items),
        bits=readings.score.astype(np.float32).ravel(),
        blank_bits=np.tile(readings.blank.astype(np.float32), n_items),
    )
