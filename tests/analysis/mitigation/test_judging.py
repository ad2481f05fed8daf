"""Verdicts on arms of which everything is known: a shift is no gain, a gain is found, and what is
neither is not claimed."""

import numpy as np
import pytest

from analysis.mitigation.found import Compared
from analysis.mitigation.judging import Ground, judged_methods, verdict, yes_or_no
from analysis.mitigation.methods.arms import Arm, OnPremises
from analysis.mitigation.methods.probing import threshold
from analysis.run.study import Study

N_GROUPS = 150


class Known:
    """Questions in groups of two things that are there and two that are not."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.absent = np.tile([False, True, False, True], N_GROUPS)
        self.groups = np.repeat(np.arange(N_GROUPS), 4)
        self.odds = 2.5 * ~self.absent + rng.logistic(size=len(self.absent)) - 1.25
        self.ground = Ground(
            absent=self.absent, groups=self.groups, right_answer=np.where(self.absent, -1, 0)
        )
        self.study = Study(n_resamples=800)

    def arm(self, name: str, odds: np.ndarray, **premise) -> Arm:
        scores = np.zeros((len(odds), 2), dtype=np.float32)
        scores[:, 0] = 1
        return Arm(
            name=name, kind="decoding", setting="", passes=0.0, odds=odds,
            premises={"color": OnPremises(scores=scores, **premise)},
        )  # fmt: skip

    def judged(self, *arms: Arm):
        every = [self.arm("greedy", self.odds), *arms]
        found = yes_or_no(self.study, every, self.ground)
        return judged_methods(self.study, every, found, {"color": self.ground})


@pytest.fixture(scope="module")
def known():
    return Known(np.random.default_rng(0))


def test_a_shift_is_no_gain_and_equals_its_own_placebo(known):
    found = known.judged(known.arm("shift", known.odds + 1.0))["shift"]
    assert found.verdict == "no gain"
    assert found.gain is not None
    assert found.gain.estimate == 0
    assert found.answers is not None
    assert found.answers.yes.estimate > 0.55
    assert found.against_shift is not None
    assert found.against_shift.difference.estimate == 0


def test_a_real_gain_is_found_and_a_loss_called_so(known):
    better = np.where(known.absent, known.odds - 1.5, known.odds + 1.5)
    noise = np.random.default_rng(1).logistic(size=len(known.odds))
    found = known.judged(known.arm("better", better), known.arm("worse", known.odds + 3 * noise))
    assert found["better"].verdict == "gain"
    assert found["worse"].verdict == "loss"
    assert found["better"].against_shift.difference.low > 0


def test_a_model_that_never_says_no_is_judged_by_its_order(known):
    found = known.judged(known.arm("never no", known.odds + 100))["never no"]
    assert found.verdict == "no gain"
    assert found.answers is not None
    assert found.answers.yes.estimate == 1
    assert np.isfinite([found.answers.d_prime.estimate, found.answers.criterion.low]).all()
    assert found.against_shift is not None
    assert found.against_shift.difference.estimate == 0


def test_declining_costs_right_answers_where_things_are_there(known):
    declines = known.absent | (np.arange(len(known.absent)) % 8 == 0)
    arm = known.arm("declines", known.odds, declines=declines, absence=declines.astype(float))
    harm = known.judged(arm)["declines"].harm["color"]
    assert harm.declined_absent.estimate == 1
    assert harm.declined_present.estimate == pytest.approx(0.25)
    assert harm.right.estimate == pytest.approx(0.75)
    assert harm.lost.estimate == pytest.approx(-0.25)
    assert harm.more.estimate > 0


@pytest.mark.parametrize(
    ("p", "estimate", "equivalent", "said"),
    [
        (0.01, 0.1, False, "gain"),
        (0.01, -0.1, False, "loss"),
        (0.2, 0.001, True, "no gain"),
        (0.2, 0.02, False, "not shown"),
    ],
)
def test_what_may_be_said_of_a_difference(p, estimate, equivalent, said):
    one = Compared(estimate=estimate, low=-1.0, high=1.0, p=p, equivalent=equivalent)
    assert verdict(one, Study(n_resamples=800)) == said


def test_the_threshold_declines_what_is_absent_and_keeps_what_is_right():
    odds = np.array([3.0, 2.0, 1.0, -1.0, -2.0])
    absent = np.array([True, True, False, True, False])
    right = np.array([False, False, True, False, True])
    # Declining the first two gains two; the third would cost a right answer, the fourth gains it
    # back: as good, so the higher threshold is kept.
    assert threshold(odds, absent, right) == pytest.approx(1.5)
    assert threshold(odds, np.zeros(5, bool), np.ones(5, bool)) == np.inf
    assert threshold(odds, np.ones(5, bool), np.zeros(5, bool)) == -np.inf
