"""A concept's emergence and a decoder's score: planted ones are found, and none where none is."""

from dataclasses import replace

import jsonschema
import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import binom

from analysis.concept.decode import decode_results, decode_rows
from analysis.concept.decoded_column import ColumnOfItems
from analysis.concept.estimates import concept_results, concept_rows, concept_tests
from analysis.concept.found import Asked, FoundConcept
from analysis.concept.readings import ConceptReadings, concept_words
from analysis.concept.report import concept_sentence, decode_sentence
from analysis.typed import json_schema, written
from analysis.validate.concept import plain_difference_p
from data_prep.errors import UserError
from tests.analysis.planted import EMERGING, QUICK

ASKED = Asked(words=("eye",), against=(), question="What is this?")


def planted(strength, *, n_own=40, n_contrast=30, shift=0.0, seed=0) -> ConceptReadings:
    """Scores of own images lie `strength[l]` bits higher; `shift` is on all images, not the blank.

    Images differ in level and spread, the contrast's twice as much.
    """
    rng = np.random.default_rng(seed)
    own = np.arange(n_own + n_contrast) < n_own
    spread = np.where(own, 1.0, 2.0)[:, None]
    noise = rng.standard_normal((len(own), 1)) + rng.standard_normal((len(own), len(strength)))
    items = pd.DataFrame({"scene_id": [f"s{n:03d}" for n in range(len(own))]})
    items = items.assign(item_id=items["scene_id"], attribute="shown")
    return ConceptReadings(
        items=items,
        own=own,
        score=shift - 12 + spread * noise + own[:, None] * np.array(strength),
        blank=np.full(len(strength), -12.0),
        notes=("a note",),
    )


def found_of(readings, key=0):
    return concept_results(readings, QUICK, key=key, asked=ASKED)


def test_a_planted_concept_emerges_at_its_layer():
    found = found_of(planted(EMERGING))
    jsonschema.validate(written(found), json_schema(FoundConcept))
    assert found.outcome == "emerged"
    # Half of 4 bits is what layer 4 was given.
    assert found.lambda_half is not None
    assert abs(found.lambda_half.estimate - 4) < 0.6
    assert found.lambda_half.low <= 4 <= found.lambda_half.high
    assert found.fb_half.low <= 4
    assert found.omnibus_p.contrast < 0.01
    assert max(found.plateau_p.named.values()) < 0.01
    assert found.layers[8].auc > 0.85
    assert found.layers[8].effect == pytest.approx(4, abs=1.2)
    said = concept_sentence(found)
    assert "eye is recognised from layer" in said
    assert "Welch t, one-sided, on the plateau of layers 7 to 8: p " in said
    assert "its maximum over layers: p " in said


def test_both_controls_must_be_beaten():
    """Own images above others, but all of them below the blank one."""
    found = found_of(planted(EMERGING, shift=-9))
    assert found.omnibus_p.contrast < 0.01
    assert found.omnibus_p.blank > 0.05
    assert found.outcome == "not_emerged"
    said = concept_sentence(found)
    assert (
        "is not shown to be recognised by layer 8 (on the plateau not shown above the blank" in said
    )


def test_what_all_images_share_is_no_recognition():
    found = found_of(planted((0,) * 9, shift=5))
    assert found.omnibus_p.blank < 0.01
    assert found.outcome == "not_emerged"


def test_some_layer_is_no_recognition():
    """Both controls are beaten in the middle layers, and neither on the plateau."""
    early = (0, 0, 0, 8, 8, 8, 0, 0, 0)
    found = found_of(planted(early))
    assert max(found.omnibus_p.named.values()) < 0.01
    assert min(found.plateau_p.named.values()) > 0.05
    assert found.outcome in ("not_emerged", "died")
    assert "is recognised" not in concept_sentence(found)


def test_each_control_is_beaten_on_the_plateau_and_not_at_layers_of_its_own():
    """The contrast on the plateau, the blank image before it: neither alone is recognition."""
    readings = planted((0, 0, 0, 4, 4, 4, 4, 4, 4), shift=4)
    blank = np.where(np.arange(9) < 7, readings.blank, readings.blank + 12)
    found = found_of(replace(readings, blank=blank))
    assert max(found.omnibus_p.named.values()) < 0.01
    assert found.plateau_p.contrast < 0.01
    assert found.plateau_p.blank > 0.9
    assert found.outcome == "not_emerged"
    assert "(on the plateau not shown above the blank image)" in concept_sentence(found)


def test_what_was_lost_again_is_no_recognition():
    found = replace(found_of(planted(EMERGING)), outcome="died")
    said = concept_sentence(found)
    assert "is lost again by layer 8: that is no recognition" in said


def test_a_curve_that_falls_again_has_a_set_and_no_single_layer():
    found = replace(found_of(planted(EMERGING)), lambda_half=None, layer=None, monotone=False)
    said = concept_sentence(found)
    assert "eye is recognised by a layer in " in said
    assert "of 8 (forward-backward set; 95%) and has no single layer" in said


def test_the_test_keeps_its_level_where_folders_do_not_differ():
    """20 own images against 60 of a third of the spread; labels permuted on that must fail."""
    n, adjusted, plateau, permuted = 200, 0, 0, 0
    for seed in range(n):
        rng = np.random.default_rng(seed)
        readings = planted((0,) * 12, n_own=20, n_contrast=60, seed=seed)
        spread = np.where(readings.own, 3.0, 1.0)[:, None]
        score = spread * rng.standard_normal(readings.score.shape)
        tests = concept_tests(replace(readings, score=score), QUICK, key=seed)
        adjusted += tests["contrast"].omnibus_p <= 0.05
        plateau += tests["contrast"].window_p <= 0.05
        permuted += plain_difference_p(score[readings.own], score[~readings.own], rng) <= 0.05
    assert adjusted <= binom.ppf(0.999, n, 0.06)
    assert plateau <= binom.ppf(0.999, n, 0.06)
    assert permuted > binom.ppf(0.999, n, 0.06)


def test_every_image_has_its_row():
    readings = planted(EMERGING)
    rows = concept_rows(readings)
    assert len(rows) == 70 * 9
    first = rows.loc[rows["item_id"] == "s000", "bits"]
    np.testing.assert_allclose(np.asarray(first), readings.score[0], rtol=1e-6)
    assert rows.groupby("folder")["item_id"].nunique().to_dict() == {"own": 40, "contrast": 30}


def residuals(n_items, n_layers=4, width=16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n_items, n_layers, width, generator=generator)


SCENES = [f"image {n}" for n in range(90)]


def column(values) -> ColumnOfItems:
    """These values on as many images."""
    scenes = SCENES[: len(values)]
    items = pd.DataFrame({"item_id": scenes, "scene_id": scenes, "attribute": "shown"})
    numeric = values.dtype.kind == "f"
    return ColumnOfItems(
        kind="number" if numeric else "label",
        items=items,
        rows=list(range(len(values))),
        values=values,
        names=[] if numeric else [f"label {place}" for place in range(values.max() + 1)],
        n_without=0,
    )


def test_a_planted_number_is_decoded_from_its_layer_on():
    values = np.random.default_rng(0).normal(50, 12, 90)
    shown = residuals(90)
    shown[:, 2:, 3] = torch.from_numpy((values - 50) / 12).float()[:, None]
    found, decoded = decode_results(shown, column(values), QUICK, key=0)
    assert found.measure == "R2"
    assert found.baseline is None
    scores = [row.score for row in found.layers]
    assert max(scores[:2]) < 0.1
    assert min(scores[2:]) > 0.8
    assert all(row.low <= row.score <= row.high for row in found.layers)
    assert [row.p <= 0.05 for row in found.layers] == [False, False, True, True]
    assert max(row.permuted.score for row in found.layers) < 0.1
    said = decode_sentence("age", found)
    assert "shown above the baseline at layers 2, 3 (90 images)." in said
    rows = decode_rows(column(values).items, "age", [], decoded)
    assert len(rows) == 90 * 4 * 2


def test_a_planted_label_is_decoded_from_its_layer_on():
    values = np.arange(90) % 3
    shown = residuals(90)
    shown[:, 2:, :3] += 4 * torch.eye(3)[values][:, None]
    found, _ = decode_results(shown, column(values), QUICK, key=0)
    assert found.measure == "accuracy"
    assert found.labels == ("label 0", "label 1", "label 2")
    assert found.layers[0].score < 0.55
    assert found.layers[3].score > 0.9
    assert found.layers[3].permuted.score < 0.55
    assert [row.p <= 0.05 for row in found.layers] == [False, False, True, True]


def test_nothing_is_decoded_where_nothing_is():
    """The negative control: 5% of sets may show something at some layer."""
    hits = 0
    for seed in range(40):
        values = np.random.default_rng(seed).standard_normal(40)
        shown = residuals(40, n_layers=3, width=6, seed=seed)
        found, _ = decode_results(shown, column(values), QUICK, key=seed)
        hits += min(row.p for row in found.layers) <= 0.05
    assert hits <= binom.ppf(0.999, 40, 0.05)


@pytest.mark.parametrize(
    ("words", "against", "message"),
    [
        ((), (), "--words needs words, got"),
        (("",), (), "--words needs words, got"),
        (("eye",), (" ",), "--against needs words, got"),
        (("eye", "retina"), ("Eye",), "belongs to one answer, got 'eye' under concept and against"),
    ],
)
def test_words_that_cannot_be_followed(words, against, message):
    with pytest.raises(UserError, match=message):
        concept_words(words, against)
