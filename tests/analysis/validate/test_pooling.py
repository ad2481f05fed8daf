"""The claims about means over models hold at a few repetitions, and not for a wrong method."""

from dataclasses import replace
from itertools import islice

import numpy as np

from analysis.validate import pooling
from analysis.validate.pooling import pooling_claims
from analysis.validate.scale import Scale
from stats.random_effects import random_effects

SCALE = Scale(repetitions=100, seed=1)
_INDEPENDENT = 19
"""Claims about models that share no scenes, which come first."""


def test_claims_hold_and_come_with_what_must_fail():
    found = list(pooling_claims(SCALE))
    assert [(each.claim, each.value) for each in found if not each.holds] == []
    assert sum("fails" in each.claim for each in found) >= 5


def test_an_interval_that_takes_models_for_known_falls_short(monkeypatch):
    """Fixed effects in place of random ones: scenes, and not models, as the units."""

    def fixed(estimates, covariance, **options):
        found = random_effects(estimates, covariance, **options)
        weights = 1 / np.diag(covariance)
        mean = float(weights @ estimates / weights.sum())
        half = 1.96 * float(weights.sum()) ** -0.5
        pooled = replace(found.weighted, mean=mean, low=mean - half, high=mean + half)
        return replace(found, weighted=pooled)

    monkeypatch.setattr(pooling, "random_effects", fixed)
    short = [each.claim for each in islice(pooling_claims(SCALE), _INDEPENDENT) if not each.holds]
    for n_models in (3, 5, 10):
        assert f"Hartung-Knapp coverage of the mean, {n_models} models, tau = 0.1" in short
