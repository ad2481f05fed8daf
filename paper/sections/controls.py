"""What the controls do to the curves, and whether another choice would move the layer."""

from collections.abc import Iterator, Mapping

import pandas as pd
from matplotlib.figure import Figure as Canvas

from analysis.drawing.figures import TEXT_WIDTH_IN
from analysis.effects.found import ByControl, Choice, Finding
from analysis.wording import p_value
from paper.drawing.conditions import CONDITIONS, draw_information, draw_right_answers
from paper.drawing.panels import attribute_panels, n_blocks
from paper.evidence.plain import level, number, percent, span
from paper.evidence.record import RunRecord
from paper.evidence.studies import READOUT_NAMES, main_readout
from paper.evidence.values import Value
from paper.evidence.wording import OUTCOMES, ranges_sentence
from paper.output.floats import Figure, Table, grouped
from paper.sections.section import Section

_MOST_ACROSS = 5
_TEXT = r"""
\subsection{Controls, and other choices}\label{sec:\run:controls}
\figref{conditions} shows what stands behind the effect. With a blank image the information is what
the question alone gives away; the distance between the two curves of information, as share of H,
is the effect. Below it stands how often the right answer is on top, with another scene's image
too. \tabref{conditions} gives both at the last layer with the tests against both controls, and
beside them the stated bits, which take the readout at its word. In short, \val{controls}.

\placefigure{conditions}
\placetable{conditions}

An interval says how far the layer would move with other scenes. \tabref{robustness} says how far it
moves with choices that we could as well have made: another reader, another score, another plateau,
other folds. \val{robustness} A reader with offsets asks for what the scores hold and not for what
is said, and may find it much earlier. The share of right answers is a threshold and may jump where
knowledge grows smoothly \citep{schaeffer2023}. Stated bits against shuffled images, as older work
has them, move with the scale of the logits. Where one of these gives another layer than the rest,
the difference belongs to the question that it asks, and not to the scenes.

\placetable{robustness}
"""


def _text(record: RunRecord) -> str:
    return _TEXT


def _values(record: RunRecord) -> Iterator[Value]:
    readout = main_readout(record)
    where = f"attributes/*/readouts/{readout}/robustness"
    yield Value(key="robustness", text=ranges_sentence(record.findings(readout)), where=where)


def _figures(record: RunRecord) -> Iterator[Figure]:
    readout = main_readout(record)
    findings = record.findings(readout)
    labels = ("information\n(bits)", "right answers\n(share)")

    def draw(canvas: Canvas) -> None:
        panels = attribute_panels(canvas, list(findings), labels, (1, 1))
        for name, (upper, lower) in panels.items():
            draw_information(upper, findings[name])
            draw_right_answers(lower, findings[name])
        handles, names = next(iter(panels.values()))[1].get_legend_handles_labels()
        canvas.legend(handles, names, loc="outside upper center", ncols=3, frameon=False,
                      fontsize=7)  # fmt: skip

    scenes = span([found.n_scenes for found in findings.values()])
    yield Figure(
        name="conditions",
        title="Information and right answers by layer under each condition",
        caption=(
            "Above: information about the answer by layer in bits, with the real image and with a "
            f"blank one, each under its own reader ({READOUT_NAMES[readout]}). Below: share of "
            f"right answers under each condition. Means over scenes ({scenes} scenes). Thin lines: "
            f"guessing. Intervals of the differences, at level {_level(findings)}, stand in the "
            "figure of effects."
        ),
        size=(TEXT_WIDTH_IN, 0.35 + 2.3 * n_blocks(len(findings))),
        draw=draw,
    )


def _level(findings: Mapping[str, Finding]) -> str:
    return level(next(iter(findings.values())).level)


def _tables(record: RunRecord) -> Iterator[Table]:
    yield _conditions(record)
    yield _robustness(record)


def _conditions(record: RunRecord) -> Table:
    readout = main_readout(record)
    findings = record.findings(readout)
    rows = [row for name, found in findings.items() for row in _rows_of(name, found)]
    scenes = span([found.n_scenes for found in findings.values()])
    return Table(
        name="conditions",
        caption=(
            f"At the last layer, read with the {READOUT_NAMES[readout]}, means over scenes "
            f"({scenes} scenes): information in bits, which is not defined under another scene's "
            "image; share of right answers; and stated bits, log2 p of the right answer. p: "
            "one-sided, of any effect against that control, adjusted over layers; plateau p: of an "
            "effect over the plateau, against blank images of one above the margin. All are judged "
            f"at level {_level(findings)}."
        ),
        frame=grouped(rows),
        align="llrrrrr",
    )


def _rows_of(name: str, found: Finding) -> Iterator[dict[str, str]]:
    """The rows of the table for one attribute: one per image condition, then one for guessing."""
    last, guess = found.layers[-1], found.guessing
    tests: dict[str, ByControl] = {"p": found.omnibus_p, "plateau p": found.plateau_p}
    for condition in CONDITIONS:
        told = {"real": last.information.real, "blank": last.information.blank}.get(condition)
        yield {
            "attribute": name,
            "image": condition,
            "information": "" if told is None else number(told),
            "right": percent(last.correct.named[condition]),
            "stated bits": number(last.stated.named[condition]),
            **{
                title: p_value(p.named[condition]) if condition in p.named else ""
                for title, p in tests.items()
            },
        }
    yield {
        "attribute": name,
        "image": "none, guessing",
        "information": number(0),
        "right": percent(guess.correct),
        "stated bits": number(guess.bits),
        **dict.fromkeys(tests, ""),
    }


def _robustness(record: RunRecord) -> Table:
    """Table of the robustness checks: one row per analysis choice and one column per attribute.
    With many attributes the columns are split into blocks that stand below each other."""
    readout = main_readout(record)
    findings = record.findings(readout)
    cells = {
        name: {row.choice: _cell(row) for row in found.robustness}
        for name, found in findings.items()
    }
    if len(findings) <= _MOST_ACROSS:
        choices = list(dict.fromkeys(choice for own in cells.values() for choice in own))
        frame = pd.DataFrame(
            [{"choice": choice, **{name: own.get(choice, "") for name, own in cells.items()}}
             for choice in choices]
        )  # fmt: skip
        align = "(4.6)" + "r" * len(findings)
    else:
        frame = grouped(
            [{"attribute": name, "choice": choice, "layer": cell}
             for name, own in cells.items() for choice, cell in own.items()]
        )  # fmt: skip
        align = "l(7)r"
    scenes = span([found.n_scenes for found in findings.values()])
    return Table(
        name="robustness",
        caption=(
            f"Layer of emergence, {READOUT_NAMES[readout]}, under other defensible choices, all "
            f"else as declared ({scenes} scenes; unit: layers; gates at level {_level(findings)}). "
            "Where a choice gives no layer, its outcome; \u201cset only\u201d: the curve falls "
            "below half of its plateau again, so that no single layer is given."
        ),
        frame=frame,
        align=align,
        long=len(frame) > 40,
    )


def _cell(row: Choice) -> str:
    if row.estimate is not None:
        return number(row.estimate, 2)
    return "set only" if row.outcome == "emerged" else OUTCOMES[row.outcome]


SECTION = Section(
    name="controls",
    place=40,
    made_by="python -m analysis.emergence --attr all --run {run}",
    holds=lambda record: True,
    text=_text,
    values=_values,
    figures=_figures,
    tables=_tables,
)
