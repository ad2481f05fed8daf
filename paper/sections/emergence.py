"""Each attribute on its own: where the logit lens begins to read it, and how that was tested."""

from collections.abc import Iterator

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from analysis.drawing.figures import (
    TEXT_WIDTH_IN,
    Look,
    draw_effect,
    draw_sets,
    label_ends,
    looks,
)
from analysis.effects.found import Finding
from paper.evidence.plain import interval, level, number, percent, span
from paper.evidence.record import RunRecord
from paper.evidence.studies import READOUT_NAMES, main_readout
from paper.evidence.values import Value
from paper.evidence.wording import emergence_sentences
from paper.output.floats import Figure
from paper.sections.section import Section

_TEXT = r"""
\subsection{Attributes, one by one}\label{sec:\run:emergence}
\figref{effect} shows how much the image tells at every layer: the information that it adds to what
a blank image leaves, as share of the uncertainty H of the answers. At one H nothing would be left
to ask. The layer of half the plateau depends neither on that height nor on how loudly the model
speaks.

\placefigure{effect}
"""
_ATTRIBUTE = r"""
\paragraph{\val{@.name}.}
\val{@.sentence} At the input layer the effect is \val{@.first}~H; at the last layer it is
\val{@.last}~H (\val{level} CI \val{@.last-interval}). There the right answer is the most probable
one among the \val{@.n-answers} answers for \val{@.right} of the questions with the real image,
\val{@.right-shuffled} with another scene's image and \val{@.right-blank} with a blank one; guessing
gives \val{@.guessing}.
"""


def _text(record: RunRecord) -> str:
    findings = record.findings(main_readout(record))
    parts = [_ATTRIBUTE.replace("@", name) for name in findings]
    return _TEXT + "".join(parts)


def _values(record: RunRecord) -> Iterator[Value]:
    readout = main_readout(record)
    for name, found in record.findings(readout).items():
        where = f"attributes/{name}/readouts/{readout}"
        first, last = found.layers[0], found.layers[-1]
        texts = {
            # As a value, for the name of an attribute may hold digits and signs.
            "name": (name.replace("_", " ").capitalize(), ""),
            "sentence": (emergence_sentences(name, found), ""),
            "first": (number(first.effect), "/layers/0/effect"),
            "last": (number(last.effect), "/layers/-1/effect"),
            "last-interval": (interval(last), "/layers/-1"),
            "n-answers": (str(len(found.answers)), "/answers"),
            "right": (percent(last.correct.real), "/layers/-1/correct/real"),
            "right-shuffled": (
                percent(last.correct.shuffled), "/layers/-1/correct/shuffled"
            ),
            "right-blank": (percent(last.correct.blank), "/layers/-1/correct/blank"),
            "guessing": (percent(found.guessing.correct), "/guessing/correct"),
        }  # fmt: skip
        for key, (text, place) in texts.items():
            yield Value(key=f"{name}.{key}", text=text, where=where + place)


def _figures(record: RunRecord) -> Iterator[Figure]:
    readout = main_readout(record)
    findings = record.findings(readout)

    def draw(canvas: Canvas) -> None:
        axes = canvas.subplots()
        axes.axhline(0, color="0.6", linewidth=0.6)
        height, drawn = 1.03, looks(findings)
        for name, found in findings.items():
            draw_effect(axes, found, name, drawn[name])
            if found.outcome == "emerged":
                draw_sets(axes, found, name, drawn[name], height=height)
                _name_set(axes, found, name, drawn[name], height)
                height += 0.05
        ends = {name: one.layers[-1].effect for name, one in findings.items()}
        label_ends(axes, ends, {name: look.color for name, look in drawn.items()})
        axes.set_xlim(-0.2, record.last_layer + 0.2)
        axes.set_xticks(range(0, record.last_layer + 1, max(1, record.last_layer // 10)))
        axes.set_xlabel("layer (0: embeddings)")
        axes.set_ylabel("information that the image adds\n(share of H)")

    one = next(iter(findings.values()))
    scenes = span([found.n_scenes for found in findings.values()])
    yield Figure(
        name="effect",
        title="Information that the image adds, by layer",
        caption=(
            f"Effect of the image by layer in {record.model}, {READOUT_NAMES[readout]}: bits of "
            "information about the answer with the real image minus with a blank one, as share of "
            f"the answer entropy H. Bands: {level(one.level)} intervals over scenes ({scenes} "
            "scenes). Diamonds: layer of emergence with its interval, at half of the plateau. "
            "Bars above: forward-backward sets at the same level."
        ),
        size=(TEXT_WIDTH_IN, 3.0),
        draw=draw,
    )


def _name_set(axes: Axes, found: Finding, name: str, look: Look, height: float) -> None:
    """Write the set's name beside its bar, because in greyscale all bars look alike."""
    axes.annotate(
        name, xy=(found.fb_half.low - 0.12, height), xycoords=("data", "axes fraction"),
        xytext=(-3, 0), textcoords="offset points", ha="right", va="center", fontsize=6.5,
        color=look.color, annotation_clip=False,
    )  # fmt: skip


SECTION = Section(
    name="emergence",
    place=10,
    made_by="python -m analysis.emergence --attr all --run {run}",
    holds=lambda record: True,
    text=_text,
    values=_values,
    figures=_figures,
)
