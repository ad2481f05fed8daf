"""Claims about two samples hold at a few repetitions, and would not for a wrong method."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.validate import two_samples
from analysis.validate.scale import Scale
from analysis.validate.two_samples import overtaking_claims, two_sample_claims
from stats.welch_max_t import welch_max_t

SCALE = Scale(repetitions=100, seed=1)


@pytest.mark.parametrize("claims", [two_sample_claims, overtaking_claims])
def test_claims_hold_and_come_with_what_must_fail(claims):
    found = list(claims(SCALE))
    assert [each.claim for each in found if not each.holds] == []
    assert any("fail" in each.claim for each in found)


def test_a_test_that_rejects_too_often_falls_short(monkeypatch):
    def naive(first, second, **options):
        found = welch_max_t(first, second, **options)
        return replace(found, p=found.p / 6, omnibus_p=found.omnibus_p / 6)

    monkeypatch.setattr(two_samples, "welch_max_t", naive)
    found = {each.claim: each for each in two_sample_claims(SCALE)}
    assert not found["two-sample max-T FWER, 30 and 30 scenes"].holds


def test_the_test_that_is_not_used_is_a_permutation_test():
    rng = np.random.default_rng(0)
    pairs = (two_samples.samples(rng, (8, 8), (1.0, 1.0)) for _ in range(200))
    p = [two_samples._plain_p(*pair, rng) for pair in pairs]
    assert min(p) >= 1 / 200
    assert 0.4 < np.mean(p) < 0.6
