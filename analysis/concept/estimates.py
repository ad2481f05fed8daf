"""From a concept's scores to where it is recognised: own images against others, and a blank one."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.concept.found import Asked, ByControl, ConceptAtLayer, FoundConcept
from analysis.concept.readings import ConceptReadings
from analysis.effects.emergence_results import emergence_results
from analysis.effects.found import fields_of
from analysis.run.study import Study
from analysis.streams import Stream
from stats import area_under_curve, two_sample_emergence
from stats.arguments import horizon_layer, plateau_window
from stats.two_sample_emergence import TwoSampleEmergence
from stats.welch_max_t import WelchTest, mean_max_t, welch_max_t


def concept_results(
    readings: ConceptReadings, study: Study, *, key: int, asked: Asked
) -> FoundConcept:
    """Results of one concept, before anything is decoded. Every image is a scene; the folders are
    not paired.

    The effect is the mean score of own images minus that of the contrast, in bits. On the plateau
    own images must beat both controls, each by a one-sided test: the contrast (Welch's t; the
    plateau must be above the margin besides), and the blank image, whose score is one number per
    layer. Over all layers they must beat both too, by the maximum of the same t. The margin is the
    study's share of the folder label's entropy.
    """
    own, contrast = readings.score[readings.own], readings.score[~readings.own]
    tests = concept_tests(readings, study, key=key)
    entropy = _label_entropy_bits(readings)
    found = two_sample_emergence(
        own,
        contrast,
        rng=study.rng(Stream.CONCEPT_EMERGENCE, key),
        margin=study.margin * entropy,
        omnibus_p=max(test.omnibus_p for test in tests.values()),
        other_plateau_p=max(test.window_p for test in tests.values()),
        plateau=study.plateau,
        horizon=study.horizon,
        level=study.level,
        n_resamples=study.n_resamples,
    )
    return FoundConcept(
        **fields_of(emergence_results(found.emergence)),
        omnibus_p=ByControl(contrast=tests["contrast"].omnibus_p, blank=tests["blank"].omnibus_p),
        plateau_p=_plateau_p(found, tests),
        layers=_layers(readings, found, tests, study.level),
        n_own=len(own),
        n_contrast=len(contrast),
        label_entropy_bits=entropy,
        n_resamples=study.n_resamples,
        notes=tuple(readings.notes),
        made_from=asked,
        decoded={},
    )


def _plateau_p(found: TwoSampleEmergence, tests: Mapping[str, WelchTest]) -> ByControl:
    contrast = max(tests["contrast"].window_p, found.emergence.plateau_p)
    return ByControl(contrast=contrast, blank=tests["blank"].window_p)


def _label_entropy_bits(readings: ConceptReadings) -> float:
    """The entropy, in bits, of which of the two folders an image comes from."""
    share = readings.own.mean()
    return float(-(share * np.log2(share) + (1 - share) * np.log2(1 - share)))


def _layers(
    readings: ConceptReadings,
    found: TwoSampleEmergence,
    tests: Mapping[str, WelchTest],
    level: float,
) -> tuple[ConceptAtLayer, ...]:
    own, contrast = readings.score[readings.own], readings.score[~readings.own]
    area = area_under_curve(own, contrast, level=level)
    return tuple(
        ConceptAtLayer(
            layer=layer,
            own=own[:, layer].mean().item(),
            contrast=contrast[:, layer].mean().item(),
            blank=readings.blank[layer].item(),
            effect=found.estimate[layer].item(),
            low=found.low[layer].item(),
            high=found.high[layer].item(),
            p_contrast=tests["contrast"].p[layer].item(),
            p_blank=tests["blank"].p[layer].item(),
            auc=area.estimate[layer].item(),
            auc_low=area.low[layer].item(),
            auc_high=area.high[layer].item(),
        )
        for layer in range(own.shape[1])
    )


def concept_tests(readings: ConceptReadings, study: Study, *, key: int) -> dict[str, WelchTest]:
    """One-sided tests of own images against each control, by layer and on the plateau."""
    own, contrast = readings.score[readings.own], readings.score[~readings.own]
    inside = plateau_window(study.plateau, horizon_layer(study.horizon, own.shape[1]))
    window, n_resamples = (inside.start, inside.stop - 1), study.n_resamples
    return {
        "contrast": welch_max_t(
            own,
            contrast,
            rng=study.rng(Stream.CONCEPT_CONTRAST, key),
            window=window,
            n_resamples=n_resamples,
        ),
        "blank": mean_max_t(
            own - readings.blank,
            rng=study.rng(Stream.CONCEPT_BLANK, key),
            window=window,
            n_resamples=n_resamples,
        ),
    }


def concept_rows(readings: ConceptReadings) -> pd.DataFrame:
    """The table that is always kept: a row per image and layer."""
    n_items, n_layers = readings.score.shape
    rows = readings.items.index.repeat(n_layers)
    table = readings.items.loc[rows, ["item_id", "scene_id", "attribute"]].reset_index(drop=True)
    return table.assign(
        folder=np.repeat(np.where(readings.own, "own", "contrast"), n_layers),
        layer=np.tile(np.arange(n_layers), n_items),
        bits=readings.score.astype(np.float32).ravel(),
        blank_bits=np.tile(readings.blank.astype(np.float32), n_items),
    )
