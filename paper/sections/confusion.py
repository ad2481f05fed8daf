"""Words that compete with the right one, and which answers are taken for which."""

from collections.abc import Iterator, Mapping

import pandas as pd
from matplotlib.figure import Figure as Canvas

from analysis.confusion.figures import (
    MATRICES_SIZE,
    added_size,
    chosen_layers,
    draw_added,
    draw_matrices,
    draw_words,
    words_size,
)
from analysis.confusion.found import Compared, Confused
from analysis.confusion.report import image_part, wording_verdict
from analysis.effects.found import Interval
from analysis.wording import listed, p_value, set_text
from paper.evidence.plain import interval, level, number, p_said, percent
from paper.evidence.record import RunRecord
from paper.evidence.values import Value
from paper.output.floats import Figure, Table
from paper.sections.section import Section

_TEXT = r"""
\subsection{Competing words}\label{sec:\run:confusion}
A model that sees a thing may still call it by a near word, as by the name of a flat figure for a
solid one. \figref{confusion-words-@} follows the right word of each answer and the words that
compete with it through the layers, and \tabref{confusion-@} compares them. A model may also prefer
a word whatever it is shown. The image's doing is only what it adds, shown in
\figref{confusion-added-@}: the lead of a word under own images, less its lead under other scenes'
images. Over all answers of \val{confusion.name-@}, each with the first of its competing words,
\val{confusion.crossing-@}. \val{confusion.image-@} \val{confusion.turned-@}
\val{confusion.wording-@} Which answers are taken for which is shown in
\figref{confusion-matrix-@}. \val{confusion.notes-@}

\placefigure{confusion-words-@}
\placefigure{confusion-added-@}
\placefigure{confusion-matrix-@}
\placetable{confusion-@}
"""


def _studies(record: RunRecord) -> Mapping[str, Confused]:
    return record.found_by_name("confusion", Confused)


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
            "image": _image(found),
            "turned": _turned(found),
            "wording": _wording(found),
            "notes": f"Notes: {'; '.join(found.notes)}." if found.notes else "",
        }
        places = {
            "name": where,
            "crossing": f"{where}/together/overtaking",
            "image": f"{where}/together/added",
            "turned": f"{where}/together/turned",
            "wording": f"{where}/say_3d",
            "notes": f"{where}/notes",
        }
        for key, text in texts.items():
            yield Value(key=f"confusion.{key}-{name}", text=text, where=places[key])


def _crossing(found: Confused) -> str:
    together = found.together
    crossing, last = together.overtaking, together.layers[-1]
    basis = (
        f"the mean log-ratio at layer {last.layer} is {number(last.ratio_bits)} bits "
        f"({level(found.level)} CI {interval(last)}; {together.n_scenes:,} scenes)"
    )
    if crossing.layer is None:
        return f"the competing word is not the likelier at the last layer: {basis}"
    return (
        f"the competing word is the likelier for good from layer {crossing.layer} on "
        f"(forward-backward set {set_text(crossing.set)}): {basis}"
    )


def _image(found: Confused) -> str:
    together = found.together
    last, added = together.layers[-1], together.added
    adds = (
        f"the image adds {number(last.added_bits)} bits at layer {last.layer} "
        f"({level(found.level)} CI {interval(last.added)}, {p_said(last.added_p)}; "
        f"over all layers {p_said(added.omnibus_p)})"
    )
    if together.overtaking.layer is None:
        return f"{adds[0].upper()}{adds[1:]}."
    part = image_part(together)
    return f"{part[0].upper()}{part[1:]}: {adds}."


def _turned(found: Confused) -> str:
    turned, others = found.together.turned, found.together.turned_shuffled
    share, by_chance = turned.interval, others.interval
    if share is None:
        return "The right word is at no layer the likeliest one in any scene."
    said = (
        "with other scenes' images the right word is at no layer the likeliest"
        if by_chance is None
        else f"with other scenes' images {_share(by_chance, found)} do"
    )
    return (
        f"Of the {turned.n_right:,} scenes whose likeliest word is the right one at some layer, "
        f"{_share(share, found)} end with the competing one; {said}."
    )


def _share(share: Interval, found: Confused) -> str:
    ends = f"{percent(share.low, 1)} to {percent(share.high, 1)}"
    return f"{percent(share.estimate, 1)} ({level(found.level)} CI {ends})"


def _wording(found: Confused) -> str:
    said = found.say_3d
    if said is None:
        return "The questions were asked in one wording."
    last = said.layers[-1]
    return (
        f"Asked with the word 3D in the question, the log-odds of the competing word at layer "
        f"{last.layer} change by {number(last.difference_bits)} bits "
        f"({level(found.level)} CI {interval(last)}, {p_said(last.p)}); over all layers "
        f"({p_said(said.omnibus_p)}) {wording_verdict(said, found.level)}."
    )


def _figures(record: RunRecord) -> Iterator[Figure]:
    for name, found in _studies(record).items():
        yield _words_figure(record, name, found)
        yield _added_figure(record, name, found)
        yield _matrix_figure(record, name, found)


def _words_figure(record: RunRecord, name: str, found: Confused) -> Figure:
    def draw(canvas: Canvas) -> None:
        draw_words(canvas, found)

    return Figure(
        name=f"confusion-words-{name}",
        title=f"Competing words of {name}",
        caption=(
            f"Right and competing words of {name} by layer in {record.model}, logit lens, on the "
            "scenes in which the answer above is right. Share among all words that are followed, "
            "and probability over the whole vocabulary (means; unit: share). Bands: "
            f"{level(found.level)} intervals over scenes ({found.n_scenes:,} scenes)."
        ),
        size=words_size(found),
        draw=draw,
    )


def _added_figure(record: RunRecord, name: str, found: Confused) -> Figure:
    def draw(canvas: Canvas) -> None:
        draw_added(canvas, found)

    return Figure(
        name=f"confusion-added-{name}",
        title=f"What the image adds to competing words of {name}",
        caption=(
            f"What the image adds to the lead of each competing word of {name} by layer in "
            f"{record.model}, logit lens: log2 of p(competing word) over p(right word) under own "
            "images, less the same under other scenes' images (means in bits). 0: the lead is the "
            f"same whatever is shown. Bands: {level(found.level)} intervals over scenes "
            f"({found.n_scenes:,} scenes)."
        ),
        size=added_size(found),
        draw=draw,
    )


def _matrix_figure(record: RunRecord, name: str, found: Confused) -> Figure:
    layers = chosen_layers(len(found.matrix.layers))

    def draw(canvas: Canvas) -> None:
        draw_matrices(canvas, found, layers)

    return Figure(
        name=f"confusion-matrix-{name}",
        title=f"Confusions of {name}",
        caption=(
            f"Which answer of {name} is the likeliest (columns) where another is right (rows), at "
            f"layers {listed([str(layer) for layer in layers])} of {record.model}, logit lens: "
            f"share of each row's scenes, in percent ({found.n_scenes:,} scenes). Every cell's "
            f"{level(found.level)} interval stands in results.json."
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
                "word) over p(right word), and what the image adds to it, mean in bits with "
                f"{level(found.level)} intervals over scenes; p: of what the image adds, "
                "two-sided sign flips, the smallest over layers, adjusted over layers and pairs "
                "(Holm). From: the layer from which the competing word stays the likelier. "
                "Turned: of the scenes that were right at some layer, those that end with this "
                "word, and in brackets the same with other scenes' images."
            ),
            frame=pd.DataFrame([_row(pair) for pair in found.pairs]),
            align="llrrrrrr",
        )


def _row(pair: Compared) -> dict[str, str]:
    last, crossing = pair.layers[-1], pair.overtaking
    turned, others = pair.turned, pair.turned_shuffled
    return {
        "right": str(pair.answer),
        "competing": str(pair.near),
        "scenes": f"{pair.n_scenes:,}",
        "log-ratio (CI)": f"{number(last.ratio_bits)} ({interval(last)})",
        "image adds (CI)": f"{number(last.added_bits)} ({interval(last.added)})",
        "p": p_value(pair.added.p),
        "from": "none" if crossing.layer is None else str(crossing.layer),
        "turned": f"{turned.n_turned}/{turned.n_right} ({others.n_turned}/{others.n_right})",
    }


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
