"""The concept's test holds where the permuted difference fails, at a few repetitions."""

import numpy as np

from analysis.validate import concept
from analysis.validate.concept import concept_claims, plain_difference_p
from analysis.validate.scale import Scale
from analysis.validate.two_samples import samples

SCALE = Scale(repetitions=200, seed=1)


def test_claims_hold_and_come_with_what_must_fail():
    found = list(concept_claims(SCALE))
    assert [(each.claim, each.value, each.bound) for each in found if not each.holds] == []
    assert any("fail" in each.claim for each in found)


def test_a_test_that_rejects_too_often_falls_short(monkeypatch):
    def naive(own, contrast, *, rng, window, n_resamples):
        found = welch_max_t(own, contrast, rng=rng, window=window, n_resamples=n_resamples)
        # Each layer alone, and the least of them.
        least = float(found.p.min()) / 5
        return type(found)(
            p=found.p / 5, omnibus_p=least, window_p=found.window_p, t=found.t,
            n_scenes=found.n_scenes, n_resamples=n_resamples,
        )  # fmt: skip

    welch_max_t = concept.welch_max_t
    monkeypatch.setattr(concept, "welch_max_t", naive)
    short = [each.claim for each in concept_claims(SCALE) if not each.holds]
    assert len(short) == 1
    assert "over layers" in short[0]


def test_the_test_that_is_not_used_is_a_permutation_test():
    rng = np.random.default_rng(0)
    p = [plain_difference_p(*samples(rng, (8, 8), (1.0, 1.0)), rng) for _ in range(200)]
    assert min(p) >= 1 / 200
    assert 0.4 < np.mean(p) < 0.6
