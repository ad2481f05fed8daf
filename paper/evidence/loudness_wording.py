"""Sentences on how confident a readout is compared with what it knows ("loudness"), and on the
comparison of readers."""

from collections.abc import Mapping

from analysis.effects.found import Crossing, Finding, Sure
from analysis.emergence.found import Step, StepLayer
from analysis.wording import listed
from paper.evidence.plain import interval, layers_said, level, number, of_h


def loudness_sentences(name: str, found: Finding) -> str:
    """Sentences that say when the readout knows, when it is sure, at which layers it claims too
    much or too little, and how much information this costs."""
    known, sure = found.lambda_half, found.sure
    parts = [f"{name[:1].upper()}{name[1:]}: the readout {_known(found, known)} and {_sure(sure)}."]
    parts += [said for said in (_falls(found), _scales(found)) if said]
    last = found.layers[-1]
    scale, lost = last.scale, last.lost
    parts.append(
        f"At the last layer the scale is {size(scale.estimate)} ({level(found.level)} CI "
        f"{size(scale.low)} to {size(scale.high)}), and taking the readout at its word costs "
        f"{number(lost.estimate)} bits ({interval(lost)})."
    )
    return " ".join(parts)


def _known(found: Finding, crossing: Crossing | None) -> str:
    if crossing is not None:
        return (
            f"knows it from layer {number(crossing.estimate, 1)} ({level(crossing.level)} CI "
            f"{interval(crossing, 1)})"
        )
    return {
        "from_start": "knows it from the start",
        "died": "knows it for some layers only",
        "not_emerged": "is not shown to know it",
        "emerged": "knows it, with no single layer to name,",
    }[found.outcome]


def _sure(sure: Sure) -> str:
    crossing = sure.lambda_half
    if crossing is not None:
        return (
            f"is sure of an answer, right or wrong, from layer {number(crossing.estimate, 1)} "
            f"({interval(crossing, 1)})"
        )
    return {
        "from_start": "is sure of an answer, right or wrong, from the start",
        "died": "is sure of an answer for some layers only",
        "not_emerged": "is not shown to become sure of any answer",
        "emerged": "becomes sure of an answer, right or wrong, with no single layer to name",
    }[sure.outcome]


def _falls(found: Finding) -> str:
    """A sentence on which of the two curves, knowledge or certainty, falls again by the last layer.
    Empty if there is nothing to say."""
    known = found.outcome in ("emerged", "from_start")
    match (found.declines, found.sure.declines):
        case (_, True) if not known:
            return "Its certainty is shown to fall again by the last layer."
        case (True, _) if not known:
            return ""
        case (False, True):
            return (
                "Its certainty is shown to fall again by the last layer, and no such fall is shown "
                "of what it tells: by this evidence it becomes less loud there, not less knowing."
            )
        case (True, False):
            return (
                "What it tells is shown to fall again by the last layer, and no such fall is shown "
                "of its certainty."
            )
        case (True, True):
            return "Both what it tells and its certainty are shown to fall again by the last layer."
        case _:
            return ""


def _scales(found: Finding) -> str:
    """A sentence that names the layers at which the readout says more, or less, than it knows.
    Empty if there are none."""
    loud = [row.layer for row in found.layers if row.too_loud]
    quiet = [row.layer for row in found.layers if row.too_quiet]
    said = []
    if loud:
        said.append(f"says more than it knows at {layers_said(loud)}")
    if quiet:
        said.append(f"says less than it knows at {layers_said(quiet)}")
    return f"It {' and '.join(said)}." if said else ""


def size(value: float) -> str:
    """A scale (without unit) as text: two decimal places below 10, none from 10 on."""
    return number(value) if value < 10 else number(value, 0)


_STEPS = {
    ("says", "holds"): "the answer scores hold more than the logit lens says",
    ("holds", "there"): "more is linearly there than the answer scores hold",
}


def ladder_sentence(
    steps: Mapping[str, Step], levels: Mapping[str, float], lower: str, upper: str
) -> str:
    """A sentence on the attributes and layers at which the reader `upper` is shown to find more
    than the reader `lower`."""
    shown, others = [], []
    for name, step in steps.items():
        more, _ = shown_layers(step, levels[name])
        if more:
            most = max(more, key=lambda row: row.estimate)
            shown.append(
                f"for {name} at {layers_said([row.layer for row in more])} (most at layer "
                f"{most.layer}, by {of_h(most.estimate)})"
            )
        else:
            others.append(name)
    begin = _STEPS.get((lower, upper), f"the rung \u201c{upper}\u201d is above \u201c{lower}\u201d")
    if not shown:
        return f"That {begin} is shown at no layer of {listed(others)}."
    rest = f"; for {listed(others)} it is shown at no layer" if others else ""
    return f"{begin[:1].upper()}{begin[1:]} {'; '.join(shown)}{rest}."


def shown_layers(step: Step, level_of_test: float) -> tuple[list[StepLayer], list[StepLayer]]:
    """Two lists of layers: those at which the upper reader is shown to find more than the lower
    one, and those at which it is shown to find less."""
    apart = [row for row in step.layers if row.p <= 1 - level_of_test + 1e-12]
    return (
        [row for row in apart if row.estimate > 0],
        [row for row in apart if row.estimate < 0],
    )
