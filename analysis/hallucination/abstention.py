"""What is gained by holding back answers, whether stated probabilities mean what they say, and how
yes and no tell apart."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.absence.reading import Read
from analysis.effects.found import Interval
from analysis.hallucination.found import Abstained, Calibrated, Certain
from analysis.hallucination.signals import Signals
from analysis.run.study import Study
from analysis.streams import Stream
from data_prep.attributes import stream_key
from stats import (
    Estimate,
    calibration,
    cluster_bootstrap,
    risk_coverage,
)

_POINTS = 20


def abstained(read: Read, signals: Signals, study: Study) -> dict[str, Abstained]:
    """The risk of the answers that are given, by how many are held back, for each signal: of the
    last layer, and of what is said of the image's tokens and of attention over all layers."""
    wrong = read.wrong
    key = stream_key(read.questions.name)
    found = {}
    for place, (name, values) in enumerate(over_layers(signals).items()):
        curve = risk_coverage(
            -values,
            wrong,
            read.questions.groups,
            rng=study.rng(Stream.ABSTENTION, key, place),
            n_resamples=study.n_resamples,
            level=study.level,
        )
        shown = np.unique(np.linspace(0, len(curve.coverages) - 1, _POINTS).round().astype(int))
        found[name] = Abstained(
            coverage=tuple(curve.coverages[shown].tolist()),
            risk=tuple(
                Interval(
                    estimate=float(curve.risk[one]),
                    low=float(curve.low[one]),
                    high=float(curve.high[one]),
                )
                for one in shown
            ),
            area=_interval(curve.area),
            best_area=curve.best_area.value,
            at=_interval(curve.at),
        )
    return found


def over_layers(signals: Signals) -> dict[str, Float[ndarray, " item"]]:
    """One number for each item: a signal at the last layer, but the largest over the layers of what
    the image's tokens say, as its authors have it, and the mean over the layers of attention."""
    found = {name: values[:, -1] for name, values in signals.items()}
    if "words" in signals:
        # Signals are higher where more speaks for absence: the largest confidence is the smallest.
        found["words"] = signals["words"].min(axis=1)
    if "attention" in signals:
        found["attention"] = np.nanmean(signals["attention"], axis=1)
    return found


def calibrated(read: Read, study: Study) -> Calibrated:
    """Stated probability of the preferred answer against being right, for items that have a right
    answer."""
    questions = read.questions
    told = questions.right_answer >= 0
    top = np.exp2(read.real[told, -1].max(axis=1)).astype(np.float64).clip(0, 1)
    right = ~read.wrong[told]
    found = calibration(
        top,
        right,
        questions.groups[told],
        rng=study.rng(Stream.CALIBRATION, stream_key(questions.name)),
        n_resamples=study.n_resamples,
        level=study.level,
    )
    return Calibrated(
        n_items=int(told.sum()),
        stated=float(top.mean()),
        right=float(right.mean()),
        error=_interval(found.ece),
        error_if_calibrated=found.ece_if_calibrated,
        brier=_interval(found.brier),
    )


def _interval(one: Estimate) -> Interval:
    return Interval(estimate=one.value, low=one.low, high=one.high)


def certain(read: Read, study: Study) -> Certain:
    """How sure the model is of the answer that it prefers, where the thing is there and where it is
    not, and how often it would say one though it is not."""
    absent, groups = read.questions.absent, read.questions.groups
    top = np.exp2(read.real[:, -1].max(axis=1)).astype(np.float64)
    answers = read.begins_answer.astype(np.float64)
    key = stream_key(read.questions.name)

    def mean(values: ndarray, of: ndarray, place: int) -> Interval:
        found = cluster_bootstrap(
            values[of][:, None],
            groups[of],
            rng=study.rng(Stream.ABSTENTION, key, 100 + place),
            n_resamples=study.n_resamples,
            level=study.level,
        )
        ends = (found.estimate[0], found.low[0], found.high[0])
        estimate, low, high = (float(np.clip(each, 0, 1)) for each in ends)
        return Interval(estimate=estimate, low=low, high=high)

    return Certain(
        present=mean(top, ~absent, 0),
        absent=mean(top, absent, 1),
        answered=mean(answers, absent, 2),
    )
