"""Claims about patching hold at a few repetitions, and would not for a wrong method."""

from dataclasses import replace

import pytest

from analysis.validate import causes
from analysis.validate.causes import cause_claims
from analysis.validate.scale import Scale
from stats import follows, hand_over

SCALE = Scale(repetitions=100, seed=1)


@pytest.fixture(scope="module")
def found():
    return {each.claim: each for each in cause_claims(SCALE)}


def test_claims_hold_and_come_with_what_must_fail(found):
    assert [each.claim for each in found.values() if not each.holds] == []
    assert sum("fail" in claim for claim in found) >= 8


def test_a_gate_that_looks_at_the_mean_effect_alone_falls_short(monkeypatch):
    def naive(base, source):
        one = follows(base, source)
        return replace(one, shown=one.total_p <= 0.05)

    monkeypatch.setattr(causes, "follows", naive)
    claims = {each.claim: each for each in causes._random_models(SCALE)}
    assert not claims["random models, 2 answers, answer follows"].holds


def test_intervals_half_as_wide_fall_short(monkeypatch):
    def narrow(moved, total, **options):
        one = hand_over(moved, total, **options)
        if one.half is None:
            return one
        middle = one.half.estimate
        ends = ((middle + one.half.low) / 2, (middle + one.half.high) / 2)
        return replace(one, half=replace(one.half, low=ends[0], high=ends[1]))

    monkeypatch.setattr(causes, "hand_over", narrow)
    more = Scale(repetitions=300, seed=1)
    claims = {each.claim: each for each in causes._hand_over_cell(more, "gradual", 80, 4)}
    assert not claims["hand-over, crossing, gradual, 80 pairs"].holds
