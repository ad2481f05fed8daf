"""Measures what is known of what is absent, for the questions of one name."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from analysis.absence.discrimination import discriminated
from analysis.absence.found import Discriminated
from analysis.absence.questions import questions_of
from analysis.absence.reading import Read, read_questions
from analysis.hallucination.abstention import abstained, calibrated, certain
from analysis.hallucination.detection import Told, detected
from analysis.hallucination.found import Detected, Hallucinated, Target
from analysis.hallucination.names import PROBE
from analysis.hallucination.signals import probe_signal, signals_of, stated, text_alone
from analysis.run.opened import OpenRun
from analysis.run.study import Study
from analysis.streams import Stream
from data_prep.attributes import stream_key
from stats import signal_detection

PREFERRED, WITHOUT_IMAGE, TEXT = "preferred answer", "without the image", "text alone"
_LEAST_WRONG = 10


def measured_hallucination(opened: OpenRun, name: str, *, most: int) -> Hallucinated:
    """What is known inside of what is not there, and what is said. Forward passes that the run
    holds are not made again. UserError if too few scenes can be asked."""
    questions = questions_of(opened, name, most=most)
    read = read_questions(opened, questions)
    study = opened.run.study
    absent, notes = _absent(read, study)
    wrong, more = _wrong(read, study)
    said = _said(read, study)
    every = signals_of(read, study, "wrong")
    probes = probe_signal(read, read.wrong)
    if probes is not None:
        every[PROBE] = probes
    return Hallucinated(
        kind=questions.kind,
        most=most,
        n_items=len(questions.items),
        n_scenes=questions.n_scenes,
        n_groups=questions.n_groups,
        n_texts=len(set(questions.items["question"])),
        absent=absent,
        wrong=wrong,
        abstained=abstained(read, every, study),
        calibrated=calibrated(read, study),
        said=said[0] if said else None,
        by_probe=said[1] if len(said) > 1 else None,
        certain=None if said else certain(read, study),
        notes=(*read.notes, *notes, *more),
        level=study.level,
        n_resamples=study.n_resamples,
    )


def _said(read: Read, study: Study) -> list[Discriminated]:
    """Hits and false alarms of what is said, and of a probe on the last layer if one can be fitted;
    nothing for questions of other answers than yes and no."""
    questions = read.questions
    if questions.kind != "existence":
        return []
    columns = [read.says_yes]
    by_absence = probe_signal(read, questions.absent)
    if by_absence is not None:
        columns.append(by_absence[:, -1] < 0)
    return discriminated(
        signal_detection(
            np.column_stack(columns),
            ~questions.absent,
            questions.groups,
            rng=study.rng(Stream.SIGNAL_DETECTION, stream_key(questions.name)),
            n_resamples=study.n_resamples,
            level=study.level,
        )
    )


def _absent(read: Read, study: Study) -> tuple[Detected, tuple[str, ...]]:
    positive = read.questions.absent
    return _target(read, study, "absent", positive, np.arange(len(positive)))


def _wrong(read: Read, study: Study) -> tuple[Detected | None, tuple[str, ...]]:
    """About answers that are right or wrong: of items that have a right answer."""
    answerable = np.flatnonzero(read.questions.right_answer >= 0)
    wrong = read.wrong[answerable]
    if min(wrong.sum(), (~wrong).sum()) < _LEAST_WRONG:
        return None, (
            f"right and wrong answers are not told apart: {int(wrong.sum())} of {len(wrong)} are "
            "wrong",
        )
    return _target(read, study, "wrong", wrong, answerable)


def _target(
    read: Read,
    study: Study,
    target: Target,
    positive: Bool[ndarray, " item"],
    rows: Int[ndarray, " item"],
) -> tuple[Detected, tuple[str, ...]]:
    part = _part(read, rows)
    signals = {name: each[rows] for name, each in signals_of(read, study, target).items()}
    found = probe_signal(part, positive)
    notes: tuple[str, ...] = ()
    if found is None:
        notes = (f"no probe of {target} answers: too few items of one side",)
    else:
        signals[PROBE] = found
    told = Told(
        positive=positive,
        groups=part.questions.groups,
        study=study,
        key=stream_key(f"{read.questions.name} {target}"),
    )
    return detected(told, signals, _baselines(read, rows, target)), notes


def _baselines(
    read: Read, rows: Int[ndarray, " item"], target: Target
) -> dict[str, Float[ndarray, " item"]]:
    """What needs no layer: how little the preferred answer has at the end, what is said without an
    image, and what the text alone tells."""
    blind = replace(read, real=read.blank)
    return {
        PREFERRED: -read.real[rows, -1].max(axis=1).astype(np.float64),
        WITHOUT_IMAGE: stated(blind, target)[rows, -1].astype(np.float64),
        TEXT: text_alone(read.questions)[rows],
    }


def _part(read: Read, rows: Int[ndarray, " item"]) -> Read:
    """The same readings of some of the items."""
    return replace(
        read,
        questions=read.questions.part(rows),
        real=read.real[rows],
        blank=read.blank[rows],
        residuals=read.residuals[rows.tolist()],
    )
