"""Whether, and from which layer on, a kind of image is recognised."""

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure as Canvas

from analysis.concept.figures import (
    CONCEPT_SIZE,
    DECODE_SIZE,
    draw_concept,
    draw_decoded,
    slug,
)
from analysis.concept.found import DecodedColumn, FoundConcept
from analysis.concept.report import (
    baseline_text,
    concept_name,
    concept_sentence,
    decode_sentence,
    measure_text,
    score_text,
)
from analysis.wording import p_value
from paper.evidence.plain import interval, level, number
from paper.evidence.record import RunRecord
from paper.evidence.values import Value
from paper.output.floats import Figure, Table
from paper.sections.section import Section

_TEXT = r"""
\subsection{Recognition of a kind of image}\label{sec:\run:concept}
The own images and those of a contrast were asked ``\val{concept.question}'', and the probability
of the words \val{concept.name} was followed through the layers (\figref{concept} and
\tabref{concept}). Recognised is what beats two controls on the plateau, each one-sided: own images
score higher than the contrast and than a blank image; some layer is not enough.
\val{concept.sentence} The images of the contrast may differ from the own ones in
more than their kind, and what sets the two apart need not be what the words name.
\val{concept.notes}

\placefigure{concept}
\placetable{concept}
"""
_DECODED = r"""
\paragraph{Decoded} A simple linear decoder was fitted to the own images' residuals at each layer
and read on images that it had not seen (\figref{concept-@}). \val{concept.decoded-@}

\placefigure{concept-@}
"""


def _found(record: RunRecord) -> FoundConcept:
    found = record.found("concept", FoundConcept)
    if found is None:
        raise KeyError("concept")
    return found


def _text(record: RunRecord) -> str:
    found = _found(record)
    return _TEXT + "".join(_DECODED.replace("@", slug(column)) for column in found.decoded)


def _values(record: RunRecord) -> Iterator[Value]:
    found, where = _found(record), "studies/concept"
    asked = f"{where}/made_from"
    question = found.made_from.question
    yield Value(key="concept.question", text=question, where=f"{asked}/question")
    yield Value(key="concept.name", text=concept_name(found), where=f"{asked}/words")
    yield Value(key="concept.sentence", text=concept_sentence(found), where=where)
    notes = f"Notes: {'; '.join(found.notes)}." if found.notes else ""
    yield Value(key="concept.notes", text=notes, where=f"{where}/notes")
    for column, one in found.decoded.items():
        yield Value(
            key=f"concept.decoded-{slug(column)}",
            text=decode_sentence(column, one),
            where=f"{where}/decoded/{column}",
        )


def _figures(record: RunRecord) -> Iterator[Figure]:
    found = _found(record)

    def draw(canvas: Canvas) -> None:
        draw_concept(canvas, found)

    yield Figure(
        name="concept",
        title="Recognition of a kind of image",
        caption=(
            f"{concept_name(found)} by layer in {record.model}: {score_text(found)}, mean over "
            "own images minus that over the contrast (unit: bits), with the layer of emergence at "
            "half of the plateau and, as a bar, its forward-backward set; right, the area under "
            f"the ROC curve. Bands: {level(found.level)} intervals ({found.n_scenes:,} "
            f"scenes: {found.n_own:,} own and {found.n_contrast:,} contrast images)."
        ),
        size=CONCEPT_SIZE,
        draw=draw,
    )
    for column, one in found.decoded.items():
        yield _decoded_figure(column, one)


def _decoded_figure(column: str, found: DecodedColumn) -> Figure:
    def draw(canvas: Canvas) -> None:
        draw_decoded(canvas.subplots(), found)

    return Figure(
        name=f"concept-{slug(column)}",
        title="What a decoder knows",
        caption=(
            f"{column} decoded from own images by layer: {measure_text(found)} on images that the "
            f"decoder has not seen, and that of one fitted on permuted values. Dotted: the "
            f"baseline ({baseline_text(found)}). Bands: {level(found.level)} intervals "
            f"({found.n_scenes:,} scenes; unit: share)."
        ),
        size=DECODE_SIZE,
        draw=draw,
    )


def _tables(record: RunRecord) -> Iterator[Table]:
    found = _found(record)
    rows = [
        {
            "layer": str(row.layer),
            "own": number(row.own),
            "contrast": number(row.contrast),
            "blank": number(row.blank),
            "effect": number(row.effect),
            "CI": interval(row),
            "p (contrast)": p_value(row.p_contrast),
            "p (blank)": p_value(row.p_blank),
            "AUC": number(row.auc),
            "CI ": interval(row.area),
        }
        for row in found.layers
    ]
    yield Table(
        name="concept",
        caption=(
            f"Scores in bits ({score_text(found)}), their difference with {level(found.level)} "
            f"intervals ({found.n_own:,} own and {found.n_contrast:,} contrast images, both "
            "redrawn), and the AUC; intervals of each layer alone. p: maximum over layers, "
            "one-sided, of own images above the contrast (Welch's t) and above the blank image (t)."
        ),
        frame=pd.DataFrame(rows),
        align="rrrrrrrrrr",
        long=len(rows) > 40,
    )


SECTION = Section(
    name="concept",
    place=64,
    made_by="python -m analysis.concept --words WORD --run {run}",
    optional=True,
    holds=lambda record: bool(record.study("concept")),
    text=_text,
    values=_values,
    figures=_figures,
    tables=_tables,
)
