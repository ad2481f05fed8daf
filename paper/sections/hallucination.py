"""What is known and not said: how well the absence of a thing is told at each layer, and what is
said of it."""

from collections.abc import Iterator, Mapping
from functools import partial

from analysis.drawing.figures import TEXT_WIDTH_IN
from analysis.effects.found import Interval
from analysis.hallucination.drawing import HEIGHT_IN, draw_hallucination
from analysis.hallucination.found import Detected, Hallucinated
from analysis.hallucination.names import SIGNAL_NAMES
from analysis.hallucination.wording import hundredths, noted, percent, sentences, short
from analysis.wording import listed, p_value
from paper.evidence.plain import level, span, with_minus_signs
from paper.evidence.record import RunRecord
from paper.evidence.values import Value, said
from paper.output.floats import Figure, Table, grouped
from paper.sections.section import Section

_TEXT = r"""
\subsection{What is known and not said}\label{sec:\run:hallucination}
A model hallucinates where it speaks of what is not in the image. That can have two causes: that the
thing is absent may not be known inside, or it may be known and not said. To tell these apart,
questions are asked here about things that are there and about things that are not, as in POPE
\citep{li2023pope}, and about as many. Where scenes are described, the questions are so matched that
every text and every scene is asked about as often with the one as with the other; what the text
alone can tell all the same, and the answer without an image, stand among the baselines.

A signal is a number that a layer gives for each question: what the answers have by the logit lens,
what the layer claims to tell about the answer, how unsure the next word is, how far the layer is
from a blank image and from the last layer, how strongly the image's own positions say the word that
the question names \citep{jiang2025}, and how much attention goes to the image. A linear probe on
the residual, fitted on other groups of scenes, is the signal that was made for the purpose. Each
one is judged by the area under its ROC curve: the probability that, of a question about something
absent and one about something that is there, it speaks more for absence in the former. Its interval
is over groups of scenes that are asked the same texts \citep{obuchowski1997}. What the model
answers is described by how well yes and no are told apart, $d'$, and by where the threshold
lies between them, the criterion \citep{macmillan2005}: only the former is knowledge.
"""
_PREMISE = r"""
Other questions ask what a thing looks like that may not be there. About an absent thing no answer
is right, and the model is not offered to decline. So every answer to it counts as wrong, and what
might hold it back is whether the model is less sure.
"""
_HELD_BACK = r"""
A signal that tells which answers are wrong can hold them back. The risk is the share of wrong
answers among those that are given; with the least sure answers held back first it falls, or does
not \citep{geifman2017}. Whether stated probabilities mean what they say is told by the calibration
error \citep{guo2017}.
"""
_RISK_AT = "80%"


def _found(record: RunRecord) -> dict[str, Hallucinated]:
    return record.found_by_name("hallucination", Hallucinated)


def _text(record: RunRecord) -> str:
    found = _found(record)
    parts = [_TEXT.rstrip("\n")]
    if any(each.certain is not None for each in found.values()):
        parts.append(_PREMISE.rstrip("\n"))
    parts.append(_HELD_BACK.rstrip("\n"))
    figures = listed([rf"\figref{{hallucination-{name}}}" for name in found])
    verb = "shows" if len(found) == 1 else "show"
    parts.append(
        f"{figures} {verb} the signals by layer and the risk; \\tabref{{hallucination}} gives the "
        "signals at their best and at the last layer, \\tabref{hallucination-held-back} what "
        "holding back gains."
    )
    parts += ["\n" + rf"\val{{hallucination.{name}}}" for name in found]
    parts += ["", *(rf"\placefigure{{hallucination-{name}}}" for name in found)]
    parts += [r"\placetable{hallucination}", r"\placetable{hallucination-held-back}"]
    return "\n".join([*parts, ""])


def _values(record: RunRecord) -> Iterator[Value]:
    found = _found(record).items()
    return said(
        "hallucination",
        {name: [*sentences(name, each), *noted(each.notes)] for name, each in found},
    )


def _figures(record: RunRecord) -> Iterator[Figure]:
    for name, each in _found(record).items():
        yield Figure(
            name=f"hallucination-{name}",
            title=f"What is known of absent things, by layer: {name}",
            caption=(
                f"Questions called {name}, {each.n_items:,} about {each.n_scenes:,} scenes. Left: "
                "area under the ROC curve (AUROC) with which each signal tells, at each layer, "
                "what is absent from what is there; grey line: guessing; below it, a signal tells "
                "the other way round. Right: share of wrong answers among those that are given, by "
                "the share of questions that are answered, with the least sure held back first: by "
                "the stated probability, by the probe, and by the signal that does best over all "
                f"shares. Bands: {level(each.level)} intervals over {each.n_groups:,} groups of "
                "scenes, each point alone."
            ),
            size=(TEXT_WIDTH_IN, HEIGHT_IN),
            draw=partial(draw_hallucination, name=name, found=each),
        )


def _tables(record: RunRecord) -> Iterator[Table]:
    found = _found(record)
    yield _signals(found)
    yield _held_back(found)


def _signals(found: Mapping[str, Hallucinated]) -> Table:
    rows = []
    for name, each in found.items():
        rows += _of_target(f"{name}: absent", each.absent)
        if each.wrong is not None:
            rows += _of_target(f"{name}: answered wrong", each.wrong)
    groups = [each.n_groups for each in found.values()]
    return Table(
        name="hallucination",
        caption=(
            "How well signals tell what is absent and which answers are wrong: area under the ROC "
            f"curve (AUROC) with its {_level(found)} interval over {span(groups)} groups of "
            "scenes; in brackets, how many of how many questions are absent or wrong. Best layer: "
            "the farthest from .50, chosen after looking. p (best): two-sided p-value at that "
            "layer, adjusted over layers. p (Holm): the smallest p-value of all layers, on either "
            "side of guessing, adjusted over signals, too. Baselines need no layer."
        ),
        frame=grouped(rows),
        align="(1.9)(3)rlrlr",
        long=True,
    )


def _of_target(told: str, target: Detected) -> list[dict[str, str]]:
    told = f"{told} ({target.n_positive:,} of {target.n_items:,})"
    rows = [
        {
            "told": told,
            "signal": SIGNAL_NAMES.get(signal, signal),
            "best layer": str(one.best.layer),
            "best (CI)": _area(one.best.area),
            "p (best)": p_value(one.best.p),
            "last layer (CI)": _area(one.last.area),
            "p (Holm)": p_value(one.p_holm),
        }
        for signal, one in target.signals.items()
    ]
    rows += [
        {"told": told, "signal": f"baseline: {what}", "best layer": "", "best (CI)": "",
         "p (best)": "", "last layer (CI)": _area(area), "p (Holm)": ""}
        for what, area in target.baselines.items()
    ]  # fmt: skip
    return rows


def _held_back(found: Mapping[str, Hallucinated]) -> Table:
    rows = [
        {
            "questions": f"{name} ({each.n_items:,})",
            "held back by": SIGNAL_NAMES.get(signal, signal),
            f"risk at {_RISK_AT} (CI)": percent(one.at),
            "mean risk (CI)": _area(one.area),
            "at best": short(one.best_area),
        }
        for name, each in found.items()
        for signal, one in each.abstained.items()
    ]
    groups = [each.n_groups for each in found.values()]
    return Table(
        name="hallucination-held-back",
        caption=(
            "What becomes of the errors if the least sure answers are held back; in brackets, the "
            f"number of questions. Risk at {_RISK_AT}: share of wrong answers among the others if "
            "a fifth is held back. Mean risk: over all shares of answers that are given (AURC). At "
            "best: the mean risk if every wrong answer were held back before any right one. With "
            f"{_level(found)} intervals over {span(groups)} groups of scenes. Signals are those of "
            "the last layer, of the word in the image's tokens the largest and of attention the "
            "mean over layers."
        ),
        frame=grouped(rows),
        align="llllr",
        long=len(rows) > 40,
    )


def _area(area: Interval) -> str:
    return with_minus_signs(hundredths(area))


def _level(found: Mapping[str, Hallucinated]) -> str:
    return level(next(iter(found.values())).level)


SECTION = Section(
    name="hallucination",
    place=65,
    made_by="python -m analysis.hallucination --run {run}",
    optional=True,
    holds=lambda record: bool(_found(record)),
    text=_text,
    values=_values,
    figures=_figures,
    tables=_tables,
)
