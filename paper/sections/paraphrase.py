"""The same questions in other words: how much of a layer is the wording."""

from collections.abc import Iterator, Mapping

import pandas as pd
from matplotlib.figure import Figure as Canvas

from analysis.paraphrase.drawing import draw_all, figure_size
from analysis.paraphrase.found import Paraphrased
from analysis.paraphrase.report import interval, wording_name, wordings_sentence
from paper.evidence.plain import level, number, span
from paper.evidence.record import RunRecord
from paper.evidence.values import Value
from paper.output.floats import Figure, Table
from paper.sections.section import Section

_TEXT = r"""
\subsection{In other words}\label{sec:\run:paraphrase}
A layer that is found by one wording of a question is a fact about that wording, too. Every scene
was asked again in other words, each wording with its own blank and shuffled images, and the wording
was taken as a random effect \citep{clark1973}: what was asked stands for what might have been asked
by the same hand. \val{paraphrase.over} \figref{paraphrase} shows every wording,
\tabref{paraphrase} gives the figures.

\placefigure{paraphrase}
\placetable{paraphrase}
"""


def _found(record: RunRecord) -> Mapping[str, Paraphrased]:
    return record.found_by_name("paraphrase", Paraphrased)


def _text(record: RunRecord) -> str:
    return _TEXT


def _values(record: RunRecord) -> Iterator[Value]:
    said = [wordings_sentence(name, each) for name, each in _found(record).items()]
    yield Value(key="paraphrase.over", text=" ".join(said), where="studies/paraphrase/*/over")


def _figures(record: RunRecord) -> Iterator[Figure]:
    found = _found(record)

    def draw(canvas: Canvas) -> None:
        draw_all(canvas, found)

    yield Figure(
        name="paraphrase",
        title="Layers over wordings",
        caption=(
            "Layer at which half of the plateau is reached, in every wording, with its "
            f"{_level(found)} interval over {_scenes(found)} scenes. Diamond: mean over wordings "
            "with its interval; grey line: interval for a wording that was not asked."
        ),
        size=figure_size(found),
        draw=draw,
    )


def _tables(record: RunRecord) -> Iterator[Table]:
    found = _found(record)
    rows = [
        {
            "attribute": name,
            "wording": wording_name(each),
            "outcome": each.outcome.replace("_", " "),
            "layer (CI)": "" if each.layer is None else interval(each.layer, ".1f"),
            "plateau": number(each.plateau_effect),
            "right": f"{100 * each.accuracy:.0f}%",
        }
        for name, one in found.items()
        for each in one.wordings
    ]
    yield Table(
        name="paraphrase",
        caption=(
            f"The same questions in other words: layer with its {_level(found)} interval over "
            f"{_scenes(found)} scenes, information on the plateau that the image adds, as share of "
            "H, and share of right answers at the last layer."
        ),
        frame=pd.DataFrame(rows),
        align="l(5.5)lrrr",
        long=True,
    )


def _level(found: Mapping[str, Paraphrased]) -> str:
    return level(next(iter(found.values())).level)


def _scenes(found: Mapping[str, Paraphrased]) -> str:
    return span([each.n_scenes for each in found.values()])


SECTION = Section(
    name="paraphrase",
    place=47,
    made_by="python -m analysis.paraphrase --run {run}",
    optional=True,
    holds=lambda record: bool(_found(record)),
    text=_text,
    values=_values,
    figures=_figures,
    tables=_tables,
)
