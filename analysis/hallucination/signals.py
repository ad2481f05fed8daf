"""Signals by which absence, or a wrong answer, might be told at each layer; all are higher where
more speaks for it."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.special import log_softmax, logsumexp

from analysis.absence.questions import Questions
from analysis.absence.reading import Read
from analysis.hallucination.found import Target
from analysis.hallucination.names import STATED
from analysis.run.study import Study
from analysis.streams import Stream
from data_prep.attributes import stream_key
from data_prep.errors import UserError
from probes.linear_probe import cross_fit
from stats import information

_LN2 = np.log(2)
Signals = dict[str, Float[ndarray, "item layer"]]


def signals_of(read: Read, study: Study, target: Target) -> Signals:
    """The signals about a target that these readings allow, but for the probe."""
    divergence = _jsd_bits(read.real, read.blank)
    found = {
        STATED: stated(read, target),
        "information": -claimed_bits(read, study),
        "entropy": read.entropy_bits,
        "image": -divergence,
        "last": read.kl_to_last_bits,
    }
    if read.words is not None:
        found["words"] = -read.words
    if read.attention is not None:
        found["attention"] = -read.attention
    return {name: np.asarray(each, dtype=np.float64) for name, each in found.items()}


def stated(read: Read, target: Target) -> Float[ndarray, "item layer"]:
    """log2 odds of no, where no is what absence means; else minus log2 of the preferred answer."""
    if target == "absent" and read.questions.kind == "existence":
        answers = read.questions.answers.answers
        return read.real[:, :, answers.index("no")] - read.real[:, :, answers.index("yes")]
    return -read.real.max(axis=2)


def claimed_bits(read: Read, study: Study) -> Float[ndarray, "item layer"]:
    """Bits that the answers' scores claim to tell about the answer: the divergence of what a small
    reader makes of them from how often each answer occurs.

    The reader is fitted on the items of other scenes that have a right answer; see
    `stats.information`.
    """
    questions = read.questions
    scenes, right = questions.items["scene_id"].to_numpy(), questions.right_answer
    told = right >= 0
    scores = read.real.transpose(0, 2, 1).astype(np.float64) * _LN2
    found = information(
        scores[told],
        right[told],
        scenes[told],
        rng=study.rng(Stream.ABSENCE_READERS, stream_key(questions.name)),
    )
    fold_of = dict(zip(scenes[told], found.fold, strict=True))
    prior_of = dict(zip(found.fold, found.guess, strict=True))
    # A scene whose questions all lack an answer was seen by no reader: any will do.
    fold = np.array([fold_of.get(each, 0) for each in scenes])
    log_prior = np.log(np.array([prior_of[each] for each in fold]) + 1e-12)
    scale, exponent = found.fold_scale[fold], found.fold_prior_exponent[fold]
    log_q = log_softmax(scale[:, None] * scores + exponent[:, None] * log_prior[:, :, None], axis=1)
    return (np.exp(log_q) * (log_q - log_prior[:, :, None])).sum(axis=1) / _LN2


def probe_signal(
    read: Read, positive: Bool[ndarray, " item"]
) -> Float[ndarray, "item layer"] | None:
    """log2 odds of the target by a linear probe on the residual, cross-fitted by group of scenes;
    None where there are too few items of one side to fit one."""
    groups = [str(each) for each in read.questions.items["group"]]
    try:
        probe = cross_fit(
            read.residuals, positive.astype(np.int64), scenes=groups, answers=["no", "yes"]
        )
    except UserError:
        return None
    log_p = probe.log_probs(read.residuals, scenes=groups)
    return (log_p[:, :, 1] - log_p[:, :, 0]).astype(np.float64)


def text_alone(questions: Questions) -> Float[ndarray, " item"]:
    """How often the thing that a text names is absent from the scenes of other groups."""
    absent = questions.absent.astype(float)
    text = np.unique(questions.items["question"], return_inverse=True)[1]
    group = questions.groups
    n_text = np.bincount(text).astype(float)
    sum_text = np.bincount(text, absent)
    both = text * (group.max() + 1) + group
    n_own, sum_own = (np.bincount(both, each, minlength=0)[both] for each in (None, absent))
    others = n_text[text] - n_own
    share = np.divide(
        sum_text[text] - sum_own, others, out=np.full(len(text), 0.5), where=others > 0
    )
    return share


def _jsd_bits(
    one: Float[ndarray, "item layer answer"], two: Float[ndarray, "item layer answer"]
) -> Float[ndarray, "item layer"]:
    """Jensen-Shannon divergence of two distributions over the answers, given by log2 p."""
    p, q = (each.astype(np.float64) * _LN2 for each in (one, two))
    mixture = logsumexp(np.stack([p, q]), axis=0) - _LN2
    parts = [(np.exp(each) * (each - mixture)).sum(axis=2) for each in (p, q)]
    return np.maximum(sum(parts) / (2 * _LN2), 0)
