"""Differences of readouts: planted ones are found where they are, and none where there is none."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom, ttest_1samp

from analysis.emergence.readout_differences import MEASURES, readout_differences
from analysis.run.study import Study
from tests.analysis.planted import QUICK

N_SCENES, N_LAYERS = 60, 9
READOUTS = ("logit_lens", "tuned_lens", "linear_probe")
BEGINS = {"logit_lens": 5, "tuned_lens": 3, "linear_probe": 3}


def curves(begins, *, seed=0, noise=0.3):
    """Both measures of each readout: 0 below the layer at which it begins, 1 from there on."""
    rng = np.random.default_rng(seed)
    shared = rng.standard_normal((N_SCENES, N_LAYERS))

    def curve(first):
        known = (np.arange(N_LAYERS) >= first).astype(float)
        # Scenes are hard or easy for every readout.
        own = rng.standard_normal((N_SCENES, N_LAYERS))
        return known + noise * (shared + own)

    return {name: {each: curve(first) for each in MEASURES} for name, first in begins.items()}


def compared(by_readout, *, emerged=True, study=QUICK, key=0):
    return readout_differences(by_readout, dict.fromkeys(by_readout, emerged), study, key=key)


@pytest.fixture(scope="module")
def planted():
    return curves(BEGINS)


@pytest.fixture(scope="module")
def found(planted):
    return compared(planted)


def pair_of(found, first, second):
    (row,) = (row for row in found.pairs if (row.first, row.second) == (first, second))
    return row


def test_every_pair_is_there_in_order(found):
    pairs = [(row.first, row.second) for row in found.pairs]
    assert pairs == list(combinations(READOUTS, 2))
    assert found.n_scenes == N_SCENES
    assert (found.level, found.n_resamples) == (QUICK.level, QUICK.n_resamples)


@pytest.mark.parametrize("measure", MEASURES)
def test_differences_are_the_firsts_minus_the_seconds(found, planted, measure):
    for pair in found.pairs:
        wanted = planted[pair.first][measure] - planted[pair.second][measure]
        rows = getattr(pair, measure)
        assert [row.layer for row in rows] == list(range(N_LAYERS))
        np.testing.assert_allclose([row.difference for row in rows], wanted.mean(0))
        assert all(row.low <= row.difference <= row.high for row in rows)
        assert all(0 < row.p <= 1 for row in rows)


@pytest.mark.parametrize("measure", MEASURES)
def test_planted_differences_are_shown_at_their_layers_and_nowhere_else(found, measure):
    for pair in found.pairs:
        apart = {3, 4} if pair.first == "logit_lens" else set()
        rows = getattr(pair, measure)
        assert {row.layer for row in rows if row.p <= 0.01} == apart
        for layer in apart:
            assert rows[layer].difference == pytest.approx(-1, abs=0.2)
            assert rows[layer].high < -0.7


def test_crossings_have_sign_and_size(found):
    for second in ("tuned_lens", "linear_probe"):
        crossing = pair_of(found, "logit_lens", second).crossing
        assert crossing.estimate == pytest.approx(-2, abs=0.2)
        assert crossing.low <= crossing.estimate <= crossing.high < -1.5
        assert crossing.p < 0.01
    same = pair_of(found, "tuned_lens", "linear_probe").crossing
    assert same.low < 0 < same.high
    assert same.p > 0.05


def test_the_other_order_turns_every_sign():
    one = compared(curves({"logit_lens": 5, "tuned_lens": 3}))
    by_readout = curves({"logit_lens": 5, "tuned_lens": 3})
    other = compared({name: by_readout[name] for name in reversed(by_readout)})
    (first,), (second,) = one.pairs, other.pairs
    for measure in MEASURES:
        for before, after in zip(getattr(first, measure), getattr(second, measure), strict=True):
            assert after.difference == pytest.approx(-before.difference)
            # Scenes are put in order by value, so the coins fall on others.
            assert after.p == pytest.approx(before.p, abs=0.08)
    assert first.crossing is not None
    assert second.crossing is not None
    assert second.crossing.estimate == pytest.approx(-first.crossing.estimate)


def test_the_same_draws_give_the_same_numbers(planted, found):
    assert compared(planted) == found
    assert compared(planted, key=1) != found


def test_a_readout_without_emergence_has_no_crossing(planted):
    emerged = {"logit_lens": False, "tuned_lens": True, "linear_probe": True}
    found = readout_differences(planted, emerged, QUICK, key=0)
    for pair in found.pairs:
        assert (pair.crossing is None) == (pair.first == "logit_lens")
    for few in ({"tuned_lens"}, set()):
        emerged = {name: name in few for name in READOUTS}
        found = readout_differences(planted, emerged, QUICK, key=0)
        assert [pair.crossing for pair in found.pairs] == [None] * 3
        assert all(
            len(getattr(pair, measure)) == N_LAYERS for pair in found.pairs for measure in MEASURES
        )


def test_equal_readouts_are_seldom_told_apart_anywhere():
    """Family-wise over layers and pairs; each layer's own test is the control that must fail."""
    seeds, level = 40, 0.05
    study = Study(n_resamples=800)
    wrong, alone = np.zeros(len(MEASURES)), 0
    for seed in range(seeds):
        equal = curves(dict.fromkeys(READOUTS, 4), seed=seed)
        found = compared(equal, emerged=False, study=study, key=seed)
        for number, measure in enumerate(MEASURES):
            wrong[number] += (
                min(row.p for pair in found.pairs for row in getattr(pair, measure)) <= level
            )
        differences = [equal[a]["effect"] - equal[b]["effect"] for a, b in combinations(equal, 2)]
        layer_by_layer: Any = ttest_1samp(np.hstack(differences), 0)
        alone += layer_by_layer.pvalue.min() <= level
    most = binom.ppf(0.999, seeds, level)
    assert (wrong <= most).all()
    assert alone > most
