"""Every method against greedy answers, on the scenes that it was not tuned on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from analysis.absence.discrimination import column, discriminated
from analysis.absence.found import Discriminated
from analysis.effects.found import Interval
from analysis.mitigation.found import AgainstShift, Compared, Harm, Judged, Verdict
from analysis.mitigation.methods.arms import Arm, OnPremises
from analysis.mitigation.passes.parts import Part
from analysis.run.study import Study
from analysis.streams import Stream
from data_prep.attributes import stream_key
from stats import (
    adjusted_p,
    against_constant_shift,
    area_difference,
    cluster_bootstrap,
    cluster_share,
    clustered_area,
    equivalence,
    signal_detection,
)
from stats.scenes import scene_rows

MARGIN = 0.01
"""Difference of areas, and of shares of right answers, that counts as none."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ground:
    """The items that arms are judged by."""

    absent: Bool[ndarray, " item"]
    groups: Int[ndarray, " item"]
    right_answer: Int[ndarray, " item"]
    """The place of each item's right answer; -1 where none is right."""

    @classmethod
    def of(cls, part: Part) -> "Ground":
        questions = part.questions
        return cls(
            absent=questions.absent, groups=questions.groups, right_answer=questions.right_answer
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OnYesNo:
    """What is found of one method's answers yes and no."""

    answers: Discriminated
    area: Interval
    gain: Compared | None
    accuracy: Compared | None
    against_shift: AgainstShift | None


def judged_methods(
    study: Study,
    arms: Sequence[Arm],
    on_yes_no: Mapping[str, OnYesNo],
    premises: Mapping[str, Ground],
) -> dict[str, Judged]:
    """Every arm but the first, which is greedy answers, by its name."""
    harms = {name: _harms(study, name, ground, arms) for name, ground in premises.items()}
    found = {}
    for arm in arms[1:]:
        own = on_yes_no.get(arm.name)
        found[arm.name] = Judged(
            kind=arm.kind,
            setting=arm.setting,
            passes=arm.passes,
            answers=own and own.answers,
            area=own and own.area,
            gain=own and own.gain,
            verdict=own and own.gain and verdict(own.gain, study),
            accuracy=own and own.accuracy,
            against_shift=own and own.against_shift,
            harm={name: each[arm.name] for name, each in harms.items() if arm.name in each},
        )
    return found


def verdict(gain: Compared, study: Study) -> Verdict:
    """What may be said of a difference: gain or loss by Holm's p-value, no gain by equivalence."""
    if gain.p <= 1 - study.level + 1e-12:
        return "gain" if gain.estimate > 0 else "loss"
    return "no gain" if gain.equivalent else "not shown"


def yes_or_no(study: Study, arms: Sequence[Arm], ground: Ground) -> dict[str, OnYesNo]:
    """The arms that answer yes or no, greedy answers among them."""
    answering = [arm for arm in arms if arm.odds is not None]
    odds = np.column_stack([arm.odds for arm in answering if arm.odds is not None])
    yes, present, groups = odds > 0, ~ground.absent, ground.groups
    detected = discriminated(
        signal_detection(
            yes, present, groups, rng=study.rng(Stream.MITIGATION_YES),
            n_resamples=study.n_resamples, level=study.level,
        )
    )  # fmt: skip
    areas = clustered_area(odds, present, groups, level=study.level)
    gains = _area_gains(areas.rows, study)
    right = (yes == present[:, None]).astype(float)
    better = _compared(right, groups, study, Stream.MITIGATION_RIGHT, 0)
    shift = against_constant_shift(
        odds[:, 1:], yes[:, 1:], odds[:, 0], present, groups,
        rng=study.rng(Stream.MITIGATION_SHIFTS), n_resamples=study.n_resamples, level=study.level,
    )  # fmt: skip
    found = {}
    for place, arm in enumerate(answering):
        other = place - 1
        found[arm.name] = OnYesNo(
            answers=detected[place],
            area=column(areas, place),
            gain=None if place == 0 else gains[other],
            accuracy=None if place == 0 else better[other],
            against_shift=None
            if place == 0
            else AgainstShift(
                shifted=float(shift.placebo_accuracy[other]),
                difference=Compared(
                    estimate=float(shift.difference[other]),
                    low=float(shift.low[other]),
                    high=float(shift.high[other]),
                    p=float(shift.adjusted_p[other]),
                    equivalent=False,
                ),
            ),
        )
    return found


def _area_gains(rows: Float[ndarray, "group arm"], study: Study) -> list[Compared]:
    """Each column's area less that of the first."""
    found = area_difference(rows[:, 1:], rows[:, :1], margin=MARGIN, level=study.level)
    return [
        Compared(
            estimate=float(found.estimate[place]),
            low=float(found.low[place]),
            high=float(found.high[place]),
            p=float(found.adjusted_p[place]),
            equivalent=bool(found.equivalent[place]),
        )
        for place in range(len(found.estimate))
    ]


def _compared(
    right: Float[ndarray, "item arm"], groups: ndarray, study: Study, stream: Stream, key: int
) -> list[Compared]:
    """Each column's mean less that of the first, paired by item, over groups."""
    difference = right[:, 1:] - right[:, :1]
    found = cluster_bootstrap(
        difference, groups, rng=study.rng(stream, key), n_resamples=study.n_resamples,
        level=study.level,
    )  # fmt: skip
    rows = scene_rows(difference, groups)
    same = equivalence(rows, margin=MARGIN, level=study.level)
    p = adjusted_p(area_difference(rows, np.zeros((len(rows), 1)), level=study.level).p)
    return [
        Compared(
            estimate=float(found.estimate[place]),
            low=float(found.low[place]),
            high=float(found.high[place]),
            p=float(p[place]),
            equivalent=bool(same.equivalent[place]),
        )
        for place in range(difference.shape[1])
    ]


def _harms(study: Study, name: str, ground: Ground, arms: Sequence[Arm]) -> dict[str, Harm]:
    """What each arm does to questions about the look of things, by its name."""
    answering = [arm for arm in arms if name in arm.premises]
    premises = [arm.premises[name] for arm in answering]
    there, groups = ~ground.absent, ground.groups
    right = np.column_stack([_right(each, ground.right_answer) for each in premises])[there]
    shares = cluster_share(right, groups[there], level=study.level)
    lost = _compared(right, groups[there], study, Stream.MITIGATION_HARM, stream_key(name))
    speaks = np.column_stack([each.speaks_for_absence for each in premises])
    areas = clustered_area(speaks, ground.absent, groups, level=study.level)
    more = _area_gains(areas.rows, study)
    found = {}
    for place, (arm, each) in enumerate(zip(answering, premises, strict=True)):
        if place == 0:
            continue
        found[arm.name] = Harm(
            n_there=int(there.sum()),
            n_absent=int((~there).sum()),
            right=column(shares, place),
            lost=lost[place - 1],
            declined_absent=_declined(each, ground.absent, groups, study),
            declined_present=_declined(each, there, groups, study),
            area=column(areas, place),
            more=more[place - 1],
        )
    return found


def _right(answers: OnPremises, right_answer: ndarray) -> Float[ndarray, " item"]:
    right = answers.scores.argmax(axis=1) == right_answer
    return (right if answers.declines is None else right & ~answers.declines).astype(float)


def _declined(answers: OnPremises, of: ndarray, groups: ndarray, study: Study) -> Interval | None:
    if answers.declines is None:
        return None
    found = cluster_share(
        answers.declines[of].astype(float)[:, None], groups[of], level=study.level
    )
    return column(found, 0)
