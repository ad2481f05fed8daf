"""What the controls do to the curves, and whether control or score decide the answer."""

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure as Canvas

from analysis.reporting.figures import TEXT_WIDTH_IN
from analysis.reporting.report_text import p_value
from paper.drawing.conditions import CONDITIONS, draw_conditions
from paper.evidence.plain import interval, level, number, percent, span
from paper.evidence.record import RunRecord
from paper.evidence.studies import READOUT_NAMES, main_readout
from paper.evidence.wording import outcome_word
from paper.output.floats import Figure, Table, grouped
from paper.sections.section import Section

_SCORES = {"correct": "right answers", "brier": "Brier"}
_TEXT = r"""
\subsection{Controls}\label{sec:\run:controls}
\figref{conditions} shows the scores themselves. A blank image leaves the model near what it knows
without looking; another scene's image takes it further down the more it trusts what it sees. The
distance between the curves is the effect, and the line of guessing is where a readout without any
information would stand. \tabref{conditions} gives the scores at the last layer with the tests
against both controls. In short, \val{controls}.

\placefigure{conditions}
\placetable{conditions}

\tabref{controls} repeats the main question under the other control and with the other scores. The
share of right answers is a threshold and may jump where the probability grows smoothly
\citep{schaeffer2023}; a layer that moves with the score belongs to the score.

\placetable{controls}
"""


def _text(record: RunRecord) -> str:
    return _TEXT


def _figures(record: RunRecord) -> Iterator[Figure]:
    readout = main_readout(record)
    findings = record.findings(readout)
    columns = min(3, len(findings))
    rows = -(-len(findings) // columns)

    def draw(canvas: Canvas) -> None:
        panels = canvas.subplots(rows, columns, squeeze=False, sharex=True).ravel()
        for axes, (name, found) in zip(panels, findings.items(), strict=False):
            draw_conditions(axes, found, name)
        free = panels[len(findings) :]
        for axes in free:
            axes.set_axis_off()
        handles, labels = panels[0].get_legend_handles_labels()
        canvas.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False,
                      fontsize=7)  # fmt: skip
        # Where a panel is missing below, the one above it carries the axis.
        for axes in panels[len(findings) - columns : len(findings)]:
            axes.set_xlabel("layer")
            axes.tick_params(labelbottom=True)
        for axes in panels[::columns]:
            axes.set_ylabel("mean score (bits)")

    scenes = span([found["n_scenes"] for found in findings.values()])
    yield Figure(
        name="conditions",
        title="Score by layer under each condition",
        caption=(
            f"Mean score by layer in bits, log2 p of the right answer, read with the "
            f"{READOUT_NAMES[readout]} under each condition ({scenes} scenes). Thin line: "
            "guessing, the negative entropy of the answers. Intervals of the differences, at level "
            f"{level(next(iter(findings.values()))['level'])}, stand in the figure of effects."
        ),
        size=(TEXT_WIDTH_IN, 0.45 + 1.55 * rows),
        draw=draw,
    )


def _tables(record: RunRecord) -> Iterator[Table]:
    yield _conditions(record)
    yield _other_ways(record)


def _conditions(record: RunRecord) -> Table:
    readout = main_readout(record)
    rows = []
    for name, found in record.findings(readout).items():
        last, p = found["layers"][-1], found["omnibus_p"]
        rows.append(
            {
                "attribute": name,
                "guessing": number(-found["answer_entropy_bits"]),
                **{condition: number(last[condition]) for condition in CONDITIONS},
                **{f"right, {condition}": percent(last["correct"][condition])
                   for condition in CONDITIONS},
                "p shuffled": p_value(p["shuffled"]),
                "p blank": p_value(p["blank"]),
            }
        )  # fmt: skip
    scenes = span([found["n_scenes"] for found in record.findings(readout).values()])
    return Table(
        name="conditions",
        caption=(
            f"At the last layer, read with the {READOUT_NAMES[readout]}: mean score in bits and "
            f"share of right answers under each condition ({scenes} scenes). p: one-sided, of any "
            "effect against that control, adjusted over layers."
        ),
        frame=pd.DataFrame(rows),
        align="lrrrrrrrrr",
    )


def _other_ways(record: RunRecord) -> Table:
    rows = []
    readout = main_readout(record)
    for name, found in record.findings(readout).items():
        primary, other = found["primary_control"], found["other_control"]
        both = max(found["omnibus_p"].values())
        cases = [
            (f"bits, {primary}", found, both),
            (f"bits, {other['control']}", other, found["omnibus_p"][other["control"]]),
        ]
        cases += [
            (f"{_SCORES.get(score, score)}, {primary}",
             one, max(one["omnibus_p"].values()))
            for score, one in found["other_scores"].items()
        ]  # fmt: skip
        for case, one, p in cases:
            crossing = one["lambda_half"]
            rows.append(
                {
                    "attribute": name,
                    "score, control": case,
                    "outcome": outcome_word(one),
                    "layer": "" if crossing is None else number(crossing["estimate"], 1),
                    "CI": "" if crossing is None else interval(crossing, 1),
                    "p": p_value(p),
                }
            )
    scenes = span([found["n_scenes"] for found in record.findings(readout).values()])
    return Table(
        name="controls",
        caption=(
            f"Layer of emergence, {READOUT_NAMES[readout]}, by score and by the control that the "
            f"effect is taken against, with intervals over scenes ({scenes} scenes). p: of the "
            "weaker control, or of the one named if it is not the primary; adjusted over layers."
        ),
        frame=grouped(rows),
        align="lllrlr",
    )


SECTION = Section(
    name="controls",
    place=40,
    made_by="python -m analysis.emergence --attr all --run {run}",
    holds=lambda record: True,
    text=_text,
    figures=_figures,
    tables=_tables,
)
