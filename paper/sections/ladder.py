"""Compares three readers of one layer: what the readout says, what its answer scores contain, and
what a linear probe can decode."""

from collections.abc import Iterator, Mapping, Sequence

from matplotlib.figure import Figure as Canvas

from analysis.drawing.figures import TEXT_WIDTH_IN
from analysis.emergence.found import Ladder, Step, StepLayer
from analysis.emergence.ladder_report import RUNG_NAMES, draw_ladder
from analysis.wording import layers_text, p_value
from paper.drawing.panels import attribute_panels, n_blocks
from paper.evidence.loudness_wording import ladder_sentence, shown_layers
from paper.evidence.plain import interval, level, number, span
from paper.evidence.record import RunRecord
from paper.evidence.values import Value
from paper.output.floats import Figure, Table, grouped
from paper.sections.section import Section

_TEXT = r"""
\subsection{Said, held, there}\label{sec:\run:ladder}
One layer can be read in ways that ask for ever more. \emph{What the logit lens says}: its answer
scores, given their best scale and trust in the prior. \emph{What its answer scores hold}: the same
with a free offset for every answer besides, so that an answer that is always preferred no longer
hides the rest. \emph{What is linearly there}: a linear probe on the whole residual. Each can read
what the one before it reads, or nearly so; where a higher one is found to tell less here, that is
the price of fitting more on these scenes. \figref{ladder} shows each of them.
\val{ladder.steps} \tabref{ladder} gives the steps with their tests.

\placefigure{ladder}
\placetable{ladder}
"""


def _studies(record: RunRecord) -> Mapping[str, Ladder]:
    return record.found_by_name("ladder", Ladder)


def _text(record: RunRecord) -> str:
    return _TEXT


def _values(record: RunRecord) -> Iterator[Value]:
    steps: dict[tuple[str, str], dict[str, Step]] = {}
    for name, found in _studies(record).items():
        for step in found.steps:
            steps.setdefault((step.lower, step.upper), {})[name] = step
    levels = {name: found.level for name, found in _studies(record).items()}
    said = [ladder_sentence(own, levels, lower, upper) for (lower, upper), own in steps.items()]
    yield Value(key="ladder.steps", text=" ".join(said), where="studies/ladder/*/steps")


def _figures(record: RunRecord) -> Iterator[Figure]:
    studies = _studies(record)

    def draw(canvas: Canvas) -> None:
        labels = ("information that the\nimage adds (share of H)",)
        panels = attribute_panels(canvas, list(studies), labels, (1,))
        for name, (axes,) in panels.items():
            draw_ladder(axes, studies[name])
        handles, names = next(iter(panels.values()))[0].get_legend_handles_labels()
        canvas.legend(handles, names, loc="outside upper center", ncols=3, frameon=False,
                      fontsize=7)  # fmt: skip

    yield Figure(
        name="ladder",
        title="What is said, what is held, what is there",
        caption=(
            "Information that the image adds to a blank one, as share of H, by layer: what the "
            "logit lens says, what its answer scores hold, what is linearly there. Bands: "
            f"{_level(record)} intervals over scenes ({_scenes(record)} scenes), each layer alone."
        ),
        size=(TEXT_WIDTH_IN, 0.35 + 1.7 * n_blocks(len(studies))),
        draw=draw,
    )


def _tables(record: RunRecord) -> Iterator[Table]:
    rows = []
    for name, found in _studies(record).items():
        for step in found.steps:
            more, less = shown_layers(step, found.level)
            most = max(step.layers, key=lambda row: row.estimate)
            rows.append(
                {
                    "attribute": name,
                    "step": f"{step.upper} over {step.lower}",
                    "more at layers": _layers(more),
                    "less at layers": _layers(less),
                    "most at": str(most.layer),
                    "by": number(most.estimate),
                    "CI": interval(most),
                    "p": p_value(most.p),
                }
            )
    words = "; ".join(f"{rung}: {said}" for rung, said in RUNG_NAMES.items())
    yield Table(
        name="ladder",
        caption=(
            f"Steps of the ladder ({words}): layers at which the upper rung is shown to tell more "
            "than the lower one, or less; where it tells most more, and by how much, as share of "
            f"H, with its {_level(record)} interval over scenes ({_scenes(record)} scenes). p: "
            "two-sided, adjusted over the layers of both steps of an attribute."
        ),
        frame=grouped(rows),
        align="ll(2.2)(2.2)rrlr",
    )


def _layers(rows: Sequence[StepLayer]) -> str:
    text = layers_text([row.layer for row in rows]) if rows else "none"
    return text.removeprefix("layers ").removeprefix("layer ")


def _level(record: RunRecord) -> str:
    return level(next(iter(_studies(record).values())).level)


def _scenes(record: RunRecord) -> str:
    return span([found.n_scenes for found in _studies(record).values()])


SECTION = Section(
    name="ladder",
    place=46,
    made_by="python -m analysis.emergence --attr all --readout all --run {run}",
    holds=lambda record: bool(record.study("ladder")),
    text=_text,
    values=_values,
    figures=_figures,
    tables=_tables,
)
