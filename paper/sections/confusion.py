"""Words that compete with the right one, and which answers are taken for which."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure as Canvas

from analysis.reporting.confusion_figures import (
    MATRICES_SIZE,
    chosen_layers,
    draw_matrices,
    draw_words,
    words_size,
)
from analysis.reporting.confusion_report import wording_verdict
from analysis.reporting.report_text import p_value
from paper.evidence.plain import interval, level, listed, number, p_said, percent
from paper.evidence.record import RunRecord
from paper.evidence.values import Value
from paper.output.floats import Figure, Table
from paper.sections.section import Section

_TEXT = r"""
\subsection{Competing words}\label{sec:\run:confusion}
A model that sees a thing may still call it by a near word, as by the name of a flat figure for a
solid one. \figref{confusion-words-@} follows the right word of each answer and the words that
compete with it through the layers, and \tabref{confusion-@} compares them. Over all answers of
\val{confusion.name-@}, each with the first of its competing words, \val{confusion.crossing-@}.
\val{confusion.turned-@} \val{confusion.wording-@} Which answers are taken for which is shown in
\figref{confusion-matrix-@}. \val{confusion.notes-@}

\placefigure{confusion-words-@}
\placefigure{confusion-matrix-@}
\placetable{confusion-@}
"""


def _studies(record: RunRecord) -> Mapping[str, Any]:
    return record.study("confusion") or {}


def _text(record: RunRecord) -> str:
    first, *others = (_TEXT.replace("@", name) for name in _studies(record))
    # One heading: the paragraphs of other attributes follow without it.
    return first + "".join(text[text.index("A model that") :] for text in others)


def _values(record: RunRecord) -> Iterator[Value]:
    for name, found in _studies(record).items():
        where = f"studies/confusion/{name}"
        texts = {
            "name": name,
            "crossing": _crossing(found),
            "turned": _turned(found),
            "wording": _wording(found),
            "notes": f"Notes: {'; '.join(found['notes'])}." if found["notes"] else "",
        }
        places = {
            "name": where,
            "crossing": f"{where}/together/overtaking",
            "turned": f"{where}/together/turned",
            "wording": f"{where}/say_3d",
            "notes": f"{where}/notes",
        }
        for key, text in texts.items():
            yield Value(key=f"confusion.{key}-{name}", text=text, where=places[key])


def _crossing(found: Mapping[str, Any]) -> str:
    together = found["together"]
    crossing, last = together["overtaking"], together["layers"][-1]
    basis = (
        f"the mean log-ratio at layer {last['layer']} is {number(last['ratio_bits'])} bits "
        f"({level(found['level'])} CI {interval(last)}, {p_said(last['p'])}; "
        f"{together['n_scenes']:,} scenes)"
    )
    if crossing["layer"] is None:
        return f"the competing word is not the likelier at the last layer: {basis}"
    return (
        f"the competing word is the likelier for good from layer {crossing['layer']} on "
        f"({level(found['level'])} CI {_ends(crossing)}, forward-backward set "
        f"{_ends(crossing['set'])}): {basis}"
    )


def _turned(found: Mapping[str, Any]) -> str:
    turned = found["together"]["turned"]
    if turned["share"] is None:
        return "The right word is at no layer the likeliest one in any scene."
    ends = f"{percent(turned['low'], 1)} to {percent(turned['high'], 1)}"
    return (
        f"Of the {turned['n_right']:,} scenes whose likeliest word is the right one at some layer, "
        f"{percent(turned['share'], 1)} end with the competing one ({level(found['level'])} CI "
        f"{ends})."
    )


def _wording(found: Mapping[str, Any]) -> str:
    if "say_3d" not in found:
        return "The questions were asked in one wording."
    said = found["say_3d"]
    last = said["layers"][-1]
    return (
        f"Asked with the word 3D in the question, the log-odds of the competing word at layer "
        f"{last['layer']} change by {number(last['difference_bits'])} bits "
        f"({level(found['level'])} CI {interval(last)}, {p_said(last['p'])}); over all layers "
        f"({p_said(said['omnibus_p'])}) {wording_verdict(said, found['level'])}."
    )


def _figures(record: RunRecord) -> Iterator[Figure]:
    for name, found in _studies(record).items():
        yield _words_figure(record, name, found)
        yield _matrix_figure(record, name, found)


def _words_figure(record: RunRecord, name: str, found: Mapping[str, Any]) -> Figure:
    def draw(canvas: Canvas) -> None:
        draw_words(canvas, found)

    return Figure(
        name=f"confusion-words-{name}",
        title=f"Competing words of {name}",
        caption=(
            f"Right and competing words of {name} by layer in {record.model}, logit lens, on the "
            "scenes in which the answer above is right. Share among all words that are followed, "
            "and probability over the whole vocabulary (means; unit: share). Bands: "
            f"{level(found['level'])} intervals over scenes ({found['n_scenes']:,} scenes)."
        ),
        size=words_size(found),
        draw=draw,
    )


def _matrix_figure(record: RunRecord, name: str, found: Mapping[str, Any]) -> Figure:
    layers = chosen_layers(len(found["matrix"]["layers"]))

    def draw(canvas: Canvas) -> None:
        draw_matrices(canvas, found, layers)

    return Figure(
        name=f"confusion-matrix-{name}",
        title=f"Confusions of {name}",
        caption=(
            f"Which answer of {name} is the likeliest (columns) where another is right (rows), at "
            f"layers {listed([str(layer) for layer in layers])} of {record.model}, logit lens: "
            f"share of each row's scenes, in percent ({found['n_scenes']:,} scenes). Every cell's "
            f"{level(found['level'])} interval stands in results.json."
        ),
        size=MATRICES_SIZE,
        draw=draw,
    )


def _tables(record: RunRecord) -> Iterator[Table]:
    for name, found in _studies(record).items():
        yield Table(
            name=f"confusion-{name}",
            caption=(
                f"Competing words of {name} at the last layer: log-ratio, log2 of p(competing "
                f"word) over p(right word), mean in bits with {level(found['level'])} intervals "
                "over scenes; p: two-sided sign flips, the smallest over layers, adjusted over "
                "layers and pairs (Holm). From layer: the competing word is the likelier from "
                "there to the last. Turned: of the scenes that were right at some layer, those "
                "that end with this word."
            ),
            frame=pd.DataFrame([_row(pair) for pair in found["pairs"]]),
            align="llrrrrrr",
        )


def _row(pair: Mapping[str, Any]) -> dict[str, str]:
    last, crossing, turned = pair["layers"][-1], pair["overtaking"], pair["turned"]
    return {
        "right": str(pair["answer"]),
        "competing": str(pair["near"]),
        "scenes": f"{pair['n_scenes']:,}",
        "log-ratio": number(last["ratio_bits"]),
        "CI": interval(last),
        "p": p_value(pair["p_holm"]),
        "from layer": "none" if crossing["layer"] is None else str(crossing["layer"]),
        "turned": f"{turned['n_turned']} of {turned['n_right']}",
    }


def _ends(ends: Mapping[str, Any]) -> str:
    low, high = ends["low"], ends["high"]
    if low is None:
        return "none"
    return f"{low} or later" if high is None else f"{low} to {high}"


SECTION = Section(
    name="confusion",
    place=63,
    made_by="python -m analysis.confusion --attr shape --run {run}",
    holds=lambda record: bool(_studies(record)),
    text=_text,
    values=_values,
    figures=_figures,
    tables=_tables,
)
