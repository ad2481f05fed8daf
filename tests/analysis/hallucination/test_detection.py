"""Planted signals: what knows from a layer on is found there, more inside than is said is called
so, and noise, the control, is nothing."""

import numpy as np
import pytest

from analysis.hallucination.detection import Told, detected
from analysis.hallucination.names import PROBE, STATED
from analysis.run.study import Study

N_GROUPS, N_LAYERS, KNOWN_FROM = 80, 7, 3


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(0)
    absent = np.tile([False, True, False, True], N_GROUPS)
    noise = rng.normal(size=(3, len(absent), N_LAYERS))
    knows = np.where(np.arange(N_LAYERS) >= KNOWN_FROM, 2.0, 0.0) * absent[:, None]
    known, partly, nothing = knows + noise[0], 0.3 * knows + noise[1], noise[2]
    partly[:, 0] = np.nan  # like attention, which layer 0 has none of
    told = Told(
        positive=absent, groups=np.repeat(np.arange(N_GROUPS), 4), study=Study(n_resamples=800),
        key=1,
    )  # fmt: skip
    signals = {STATED: 0.3 * knows + noise[1], PROBE: known, "attention": partly, "noise": nothing}
    return detected(told, signals, {"chance": rng.normal(size=len(absent))})


def test_the_layer_from_which_on_absence_is_told_is_found(found):
    emerged = found.signals[PROBE].emerged
    assert emerged.outcome == "emerged"
    assert emerged.lambda_half.low <= KNOWN_FROM - 0.5 <= emerged.lambda_half.high
    assert emerged.fb_half.low <= KNOWN_FROM <= emerged.fb_half.high
    assert found.signals[PROBE].p_holm <= 0.05
    assert found.signals[PROBE].last.area.estimate == pytest.approx(0.92, abs=0.04)


def test_more_is_known_inside_exactly_where_it_is(found):
    more = [each.layer for each in found.inside if each.p <= 0.05 and each.difference.low > 0]
    assert more == list(range(KNOWN_FROM, N_LAYERS))


def test_noise_is_nothing(found):
    noise = found.signals["noise"]
    assert noise.p_holm > 0.05
    assert noise.emerged.outcome == "not_emerged"
    chance = found.baselines["chance"]
    assert chance.low <= 0.5 <= chance.high


def test_a_signal_that_lacks_a_layer_has_the_others(found):
    signal = found.signals["attention"]
    assert [each.layer for each in signal.layers] == list(range(1, N_LAYERS))
    assert signal.emerged is None
