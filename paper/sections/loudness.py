"""Two curves for each readout, one for what it knows and one for how sure it is, and the scale that
relates them."""

from collections.abc import Iterator

from matplotlib.figure import Figure as Canvas

from analysis.drawing.figures import TEXT_WIDTH_IN
from analysis.emergence.loudness_figure import draw_knows_and_sure, draw_scale
from paper.drawing.panels import attribute_panels, n_blocks
from paper.evidence.loudness_wording import loudness_sentences
from paper.evidence.plain import level, span
from paper.evidence.record import RunRecord
from paper.evidence.studies import READOUT_NAMES, main_readout
from paper.evidence.values import Value
from paper.output.floats import Figure
from paper.sections.section import Section

_TEXT = r"""
\subsection{When it knows and when it is sure}\label{sec:\run:loudness}
Two things can grow over the layers: what the answer scores tell, and how loudly they are said. The
first is information. The second is seen in two ways. \emph{Certainty} is how far the stated
probabilities are from an even spread over the answers, right or wrong: none where all are alike,
one where a single answer takes all. The \emph{scale} is the factor by which the scores would have
to be multiplied to mean what they say: below one the readout says more than it knows and is
over-confident, above one it says less. \figref{loudness} shows all of it for the
\val{loudness.readout}. The layer from which the readout is sure is found as that from which it
knows, at half of the plateau.

\placefigure{loudness}

\begin{itemize}
"""


def _text(record: RunRecord) -> str:
    findings = record.findings(main_readout(record))
    items = [rf"\item \val{{loudness.{name}}}" for name in findings]
    return "\n".join([_TEXT.rstrip("\n"), *items, r"\end{itemize}", ""])


def _values(record: RunRecord) -> Iterator[Value]:
    readout = main_readout(record)
    where = f"attributes/*/readouts/{readout}"
    yield Value(key="loudness.readout", text=READOUT_NAMES[readout], where=where)
    for name, found in record.findings(readout).items():
        yield Value(
            key=f"loudness.{name}",
            text=loudness_sentences(name, found),
            where=f"attributes/{name}/readouts/{readout}",
        )


def _figures(record: RunRecord) -> Iterator[Figure]:
    readout = main_readout(record)
    findings = record.findings(readout)

    def draw(canvas: Canvas) -> None:
        labels = ("share of H,\ncertainty", "scale")
        panels = attribute_panels(canvas, list(findings), labels, (1.5, 1))
        for name, (upper, lower) in panels.items():
            draw_knows_and_sure(upper, findings[name])
            draw_scale(lower, findings[name])
        handles, names = next(iter(panels.values()))[0].get_legend_handles_labels()
        canvas.legend(handles, names, loc="outside upper center", ncols=2, frameon=False,
                      fontsize=7)  # fmt: skip

    one = next(iter(findings.values()))
    scenes = span([found.n_scenes for found in findings.values()])
    yield Figure(
        name="loudness",
        title="When it knows and when it is sure",
        caption=(
            f"Above: what the {READOUT_NAMES[readout]} knows (information that the image adds, "
            "share of H) and how sure it says it is (certainty of its answer probabilities, from 0 "
            "to 1), by layer, with the layer at which each reaches half of its plateau. Below: its "
            "scale, on a logarithmic axis that is cut at both ends; under 1 it says more than it "
            f"knows. Bands: {level(one.level)} intervals over scenes ({scenes} scenes)."
        ),
        size=(TEXT_WIDTH_IN, 0.35 + 2.5 * n_blocks(len(findings))),
        draw=draw,
    )


SECTION = Section(
    name="loudness",
    place=44,
    made_by="python -m analysis.emergence --attr all --run {run}",
    holds=lambda record: True,
    text=_text,
    values=_values,
    figures=_figures,
)
