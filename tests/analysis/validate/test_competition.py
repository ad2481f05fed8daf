"""The claims about competing words hold at a few repetitions, and would not for a wrong method."""

from analysis.validate import competition
from analysis.validate.competition import competition_claims
from analysis.validate.scale import Scale

SCALE = Scale(repetitions=200, seed=1)


def test_claims_hold_and_come_with_what_must_fail():
    found = list(competition_claims(SCALE))
    assert [each.claim for each in found if not each.holds] == []
    assert any("fail" in each.claim for each in found)


def test_the_plain_ratio_in_its_place_falls_short(monkeypatch):
    def plain(readings, words, own, shuffled):
        return own.ratio

    monkeypatch.setattr(competition, "added_rows", plain)
    short = {each.claim for each in competition_claims(SCALE) if not each.holds}
    assert {each for each in short if "to a preferred word, all answers" in each}
    assert {each for each in short if "to a preferred word, a pair" in each}
