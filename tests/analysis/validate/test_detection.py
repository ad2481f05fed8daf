"""Claims about yes/no questions hold at a few repetitions, and would not for a wrong method."""

from dataclasses import replace

import pytest

from analysis.validate import detection, yes_no_answers
from analysis.validate.claims import CLAIMS
from analysis.validate.scale import Scale
from stats import area_difference, calibration, clustered_area, sign_flip_max_t

SCALE = Scale(repetitions=100, seed=1)


@pytest.mark.parametrize(
    "claims",
    [detection._mere_shift, detection._false_gains, detection._layers_of_contrasts],
)
def test_claims_hold_and_come_with_what_must_fail(claims):
    found = list(claims(SCALE))
    assert [(each.claim, each.value, each.bound) for each in found if not each.holds] == []
    assert any(" fails" in each.claim for each in found)


def quickly(monkeypatch):
    monkeypatch.setattr(yes_no_answers, "_POPULATION", 20_000)
    monkeypatch.setattr(yes_no_answers, "half_of", lambda scale: 10)
    monkeypatch.setattr(yes_no_answers, "_RESAMPLES", 99)


def test_claims_about_answers_hold(monkeypatch):
    quickly(monkeypatch)
    found = list(yes_no_answers.answer_claims(SCALE))
    assert [(each.claim, each.value, each.bound) for each in found if not each.holds] == []
    assert sum(" fails" in each.claim for each in found) >= 6


def test_the_claims_are_run():
    assert CLAIMS["detection"] is detection.detection_claims


def test_intervals_half_as_wide_fall_short(monkeypatch):
    def narrow(scores, positive, clusters):
        found = clustered_area(scores, positive, clusters)
        ends = ((found.estimate + end) / 2 for end in (found.low, found.high))
        return replace(found, **dict(zip(("low", "high"), ends, strict=True)))

    monkeypatch.setattr(detection, "clustered_area", narrow)
    first = next(detection._area_coverage(SCALE))
    assert (first.claim, first.holds) == ("clustered area of 0.89, 60 pairs", False)


def test_methods_that_are_not_adjusted_for_each_other_fall_short(monkeypatch):
    def unadjusted(*rows, **options):
        found = area_difference(*rows, **options)
        return replace(found, adjusted_p=found.p / 2)

    monkeypatch.setattr(detection, "area_difference", unadjusted)
    short = [each.claim for each in detection._false_gains(SCALE) if not each.holds]
    assert short == ["false gains in area, 15 methods, Holm"]


def test_layers_that_are_not_adjusted_for_each_other_fall_short(monkeypatch):
    def each_alone(rows, **options):
        return replace(sign_flip_max_t(rows, **options), omnibus_p=0.04)

    monkeypatch.setattr(detection, "sign_flip_max_t", each_alone)
    short = [each.claim for each in detection._layers_of_contrasts(SCALE) if not each.holds]
    assert short == ["contrasts over 30 layers, max-T FWER"]


def test_a_calibration_error_without_correction_for_its_bias_falls_short(monkeypatch):
    def uncorrected(*answers, **options):
        found = calibration(*answers, **options)
        return replace(found, ece=replace(found.ece, low=0.7 * found.ece.value))

    monkeypatch.setattr(yes_no_answers, "calibration", uncorrected)
    quickly(monkeypatch)
    short = {each.claim for each in yes_no_answers._calibration_coverage(SCALE) if not each.holds}
    assert "calibration error of 0, 60 clusters" in short
    assert not any(" fails" in claim for claim in short)
