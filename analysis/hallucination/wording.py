"""What may be said of what a model knows of absent things, in sentences."""

from collections.abc import Iterator, Sequence

from analysis.absence.found import Discriminated
from analysis.effects.found import FoundEmergence, Interval
from analysis.hallucination.found import Hallucinated
from analysis.hallucination.names import PROBE, SIGNAL_NAMES, STATED
from analysis.wording import layers_text, listed, p_text, set_text

QUESTION_NAMES = {
    "exist": "whether a thing is there",
    "presence": "whether a thing is there",
}


def asked_about(name: str) -> str:
    """What the questions are about, in words that follow "asked"."""
    return QUESTION_NAMES.get(name, f"for the {name} of things that may not be there")


def hundredths(one: Interval) -> str:
    """An estimate with its interval, as ".89 (.87 to .91)"."""
    return f"{short(one.estimate)} ({short(one.low)} to {short(one.high)})"


def percent(one: Interval) -> str:
    """A share with its interval in percent."""
    middle, low, high = (f"{100 * each:.1f}" for each in (one.estimate, one.low, one.high))
    return f"{middle}% ({low} to {high})"


def short(value: float) -> str:
    """Two decimals without the zero before them, as shares are written."""
    text = f"{value:.2f}"
    if text == "-0.00":
        text = "0.00"
    return text.replace("0.", ".", 1) if abs(value) < 1 else text


def noted(notes: Sequence[str]) -> list[str]:
    """Notes as whole sentences."""
    return [f"{each[0].upper()}{each[1:]}." for each in notes]


def sentences(name: str, found: Hallucinated) -> list[str]:
    """What may be said of the questions of one name."""
    level = f"{100 * found.level:g}%"
    return [
        f"Asked {asked_about(name)}: {found.n_items:,} questions about {found.n_scenes:,} scenes, "
        f"{found.absent.n_positive:,} of them about what is not there ({level} intervals over "
        f"{found.n_groups:,} groups of scenes).",
        *_answers(name, found),
        *_said_at_the_end(found),
        *_probed(found),
        *_wrong(found),
        *_abstaining(found),
        *_stating(found),
    ]


def _answers(name: str, found: Hallucinated) -> Iterator[str]:
    if found.said is not None:
        yield f"The model says yes to {_yes(found.said)}: {_lean(found.said.criterion)}."
    if found.by_probe is not None:
        yield (
            "A linear probe at the last layer, at the threshold that it was fitted with, would say "
            f"yes to {_yes(found.by_probe)}."
        )
    if found.certain is not None:
        each = found.certain
        yield (
            f"Of a thing that is not there, a {name} is the model's most probable next word in "
            f"{percent(each.answered)} of the questions; the {name} that it prefers has a "
            f"probability of {hundredths(each.absent)} on average, against "
            f"{hundredths(each.present)} where the thing is there."
        )


def _yes(said: Discriminated) -> str:
    return (
        f"{percent(said.hits)} of what is there and to {percent(said.false_alarms)} of what is "
        f"not, d' = {_number(said.d_prime)}, criterion {_number(said.criterion)}"
    )


def _said_at_the_end(found: Hallucinated) -> Iterator[str]:
    what = (
        "What is said at the last layer"
        if found.certain is None
        else "How little the preferred answer has at the last layer"
    )
    yield (
        f"{what} tells absence with an area under the ROC curve (AUROC) of "
        f"{hundredths(found.absent.signals[STATED].last.area)}."
    )
    if found.absent.baselines:
        parts = [f"{what} {hundredths(area)}" for what, area in found.absent.baselines.items()]
        yield f"The baselines, which need no layer, reach: {', '.join(parts)}."


def _probed(found: Hallucinated) -> Iterator[str]:
    if PROBE not in found.absent.signals:
        return
    probe = found.absent.signals[PROBE]
    yield (
        f"A linear probe on the residual tells absence with {hundredths(probe.last.area)} at the "
        f"last layer{_rise(probe.emerged)}."
    )
    alpha = 1 - found.level + 1e-12
    shown = [each for each in found.absent.inside if each.p <= alpha]
    more = [each for each in shown if each.difference.low > 0]
    less = [each.layer for each in shown if each.difference.high < 0]
    if more:
        most = max(more, key=lambda each: each.difference.estimate)
        yield (
            f"So more is known inside than is said at the end: at "
            f"{layers_text([each.layer for each in more])}, by up to "
            f"{hundredths(most.difference)} of AUROC at layer {most.layer} ({p_text(most.p)}, "
            "adjusted over layers)."
        )
    else:
        yield "That the residual tells more than is said at the end is shown at no layer."
    if less:
        yield f"At {layers_text(less)} it tells less (adjusted over layers)."


def _rise(emerged: FoundEmergence | None) -> str:
    """Where the probe's area rises, in words that follow it."""
    if emerged is None:
        return ""
    if emerged.outcome == "not_emerged":
        return "; that it rises above guessing is not shown"
    if emerged.outcome == "from_start":
        return "; it is above guessing from the first layer on"
    if emerged.outcome == "died":
        return "; it rises above guessing, and falls back to it"
    half = emerged.lambda_half
    if half is None:
        return f"; half of its rise above guessing is reached at a layer of {_set(emerged)}"
    return (
        f"; half of its rise above guessing is reached at layer {half.estimate:.1f} ("
        f"{half.low:.1f} to {half.high:.1f})"
    )


def _set(emerged: FoundEmergence) -> str:
    return f"the set {set_text(emerged.fb_half)}"


def _wrong(found: Hallucinated) -> Iterator[str]:
    if found.wrong is None:
        return
    signals = found.wrong.signals
    parts = [
        f"by the {SIGNAL_NAMES[name]} with {hundredths(signals[name].last.area)}"
        for name in (STATED, PROBE)
        if name in signals
    ]
    yield (
        f"Of {found.wrong.n_items:,} questions that have a right answer "
        f"{found.wrong.n_positive:,} are answered wrong; which ones, is told at the last layer "
        f"{listed(parts)} of AUROC."
    )


def _abstaining(found: Hallucinated) -> Iterator[str]:
    if not found.abstained:
        return
    stated = found.abstained[STATED]
    counted = ", each about a thing that is not there among them" if found.certain else ""
    yield f"Of all answers {percent(stated.risk[-1])} are wrong{counted}."
    best = min(found.abstained, key=lambda name: found.abstained[name].area.estimate)
    other = "" if best == STATED else (
        f"; by the {SIGNAL_NAMES[best]}, over all coverages the best of {len(found.abstained)} "
        f"signals (chosen after looking), {percent(found.abstained[best].at)}"
    )  # fmt: skip
    yield (
        f"With the least sure fifth of the answers held back, by the {SIGNAL_NAMES[STATED]}, "
        f"{percent(stated.at)} of the others are wrong{other}."
    )


def _stating(found: Hallucinated) -> Iterator[str]:
    each = found.calibrated
    yield (
        f"Over {each.n_items:,} questions that have a right answer, the preferred answer has a "
        f"probability of {short(each.stated)} on average and is right in {100 * each.right:.1f}%; "
        f"the calibration error (ECE) is {hundredths(each.error)}, where perfect calibration would "
        f"show {short(each.error_if_calibrated)} on average, and the Brier score is "
        f"{hundredths(each.brier)}."
    )


def _lean(criterion: Interval) -> str:
    if criterion.high < 0:
        return "it leans to yes"
    return "it leans to no" if criterion.low > 0 else "a lean to yes or to no is not shown"


def _number(one: Interval) -> str:
    return f"{one.estimate:.2f} ({one.low:.2f} to {one.high:.2f})"
