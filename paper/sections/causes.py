"""What is used: from which positions an answer is taken at each layer, found by swapping
residuals."""

from collections.abc import Iterator, Mapping
from functools import partial

from analysis.causes.drawing import HEIGHT_IN, draw_causes
from analysis.causes.found import Caused
from analysis.causes.wording import causes_sentences
from analysis.drawing.figures import TEXT_WIDTH_IN
from analysis.wording import listed
from paper.evidence.plain import level, percent, span
from paper.evidence.record import RunRecord
from paper.evidence.swap_controls import control_cells, share_text
from paper.evidence.values import Value, said
from paper.output.floats import Figure, Table, grouped
from paper.sections.section import Section

_TEXT = r"""
\subsection{What is used}\label{sec:\run:causes}
What can be read at a layer need not be what the answer is made from. So the pass itself was
changed. Two images are taken to which the same question has two answers. In the pass on one of
them, at one layer, the residuals at some positions are replaced by those of the pass on the other,
and all that follows is computed anew: an interchange intervention, or activation patching
\citep{vig2020,geiger2021,meng2022,zhang2024}. The total effect is how far the log odds of the two
answers move when the whole image is exchanged. Reported is the share of it that moves with the
swapped residuals: a ratio of means over pairs, with the interval of \citet{fieller1954}, and never
a mean of ratios, since those of pairs whose answer hardly turns may be any number. The effect
leaves the image's positions at the layer $\lambda_{\mathrm{out}}$, where their share falls through
one half; it reaches the answer position at the layer $\lambda_{\mathrm{in}}$, where the share of
that position rises through one half. A share is a statement about a swap at these positions: what
stands at several of them moves as a whole only if all are swapped.

All of this needs an effect to begin with. Where the answer is not shown to turn with the image by
more than a margin, and more often than that of copies of the model with random weights, ratios
could still be computed, but nothing is claimed.
"""
_SHOWN = r"""
@ \tabref{causes} gives the shares by layer, \tabref{causes-controls} the controls: donors with the
same answer and, where scenes are described, questions whose answer is the same in both images, all
of which must move nothing, and directions as long as that of the probe.
"""
_OBJECT = r"""
Where the object's place is known, its positions are compared with as many others in the image,
drawn at random, and the attribute is also erased there, as far as it can be read linearly, in
closed form \citep{belrose2023leace}.
"""
_CUT = r"""
By other means, attention from the text to the image was cut from a layer on \citep{geva2023}: what
is then left of the effect, in \tabref{causes-cut}, is what the text had taken from the image by
that layer.
"""
_MOST_ROWS = 12
"""Layers in the tables of shares; of a deeper model some are left out."""


def _found(record: RunRecord) -> dict[str, Caused]:
    return record.found_by_name("causes", Caused)


def _shown(record: RunRecord) -> dict[str, Caused]:
    """The attributes whose answer is shown to follow the image: only their shares mean anything."""
    return {name: each for name, each in _found(record).items() if each.follows}


def _text(record: RunRecord) -> str:
    shown = _shown(record)
    parts = [_TEXT]
    if shown:
        figures = listed([rf"\figref{{causes-{name}}}" for name in shown])
        verb = "shows" if len(shown) == 1 else "show"
        both = f"{figures} {verb} both, what is readable and what is used."
        parts.append(_SHOWN.replace("@", both).rstrip("\n"))
        if any(each.elsewhere or each.erased for each in shown.values()):
            parts.append(_OBJECT.strip("\n"))
        if any(each.cut for each in shown.values()):
            parts.append(_CUT.strip("\n"))
    parts += ["\n" + rf"\val{{causes.{name}}}" for name in _found(record)]
    if shown:
        parts += ["", *(rf"\placefigure{{causes-{name}}}" for name in shown)]
        parts += [rf"\placetable{{{each.name}}}" for each in _tables(record)]
    return "\n".join([*parts, ""])


def _values(record: RunRecord) -> Iterator[Value]:
    found = _found(record).items()
    return said("causes", {name: causes_sentences(name, each) for name, each in found})


def _figures(record: RunRecord) -> Iterator[Figure]:
    for name, each in _shown(record).items():
        yield Figure(
            name=f"causes-{name}",
            title=f"Where {name} is readable and where it is used",
            caption=(
                f"Where {name} is readable and where it is used, by layer, on {each.n_pairs} "
                f"{each.pairs} pairs. Above: information that the image adds at the answer "
                "position, as share of H. Middle: share of the total effect that moves when the "
                f"residuals at these positions are swapped. Bands: {level(each.level)} intervals "
                "over pairs, each layer alone. Below: diamonds, layers at which half of the "
                "plateau is readable and half of the effect has left the image or has reached the "
                f"answer position, with {level(each.level)} intervals over pairs; star, the last "
                f"layer, where the answer is said.{_window(each)}"
            ),
            size=(TEXT_WIDTH_IN, HEIGHT_IN),
            draw=partial(draw_causes, name=name, found=each),
        )


def _window(found: Caused) -> str:
    """What the caption says of the grey window, if the figure has one."""
    window = found.every.window
    if window is None or window.start is None or window.end is None:
        return ""
    return (
        f" Grey: from the last layer up to which more than {percent(1 - window.margin)} of the "
        f"effect is shown at the image's positions to the first from which on less than "
        f"{percent(window.margin)} is."
    )


def _tables(record: RunRecord) -> Iterator[Table]:
    shown = _shown(record)
    if shown:
        yield _shares(shown)
        if cut := {name: each for name, each in shown.items() if each.cut}:
            yield _cut(cut)
        yield _controls(shown)


def _shares(shown: Mapping[str, Caused]) -> Table:
    rows = [
        {"attribute": name, "layer": str(layer), **_row(each, layer)}
        for name, each in shown.items()
        for layer in _layers(each.last_layer)
    ]
    frame = grouped(rows)
    if not any(frame["object (CI)"]):
        frame = frame.drop(columns="object (CI)")
    one, pairs = next(iter(shown.values())), span([each.n_pairs for each in shown.values()])
    return Table(
        name="causes",
        caption=(
            "Share of the total effect that moves when the residuals of these positions are "
            f"swapped, by layer: ratio of means over {pairs} pairs, both directions, with its "
            f"{level(one.level)} interval over pairs. Object: the positions of the object that the "
            "question asks about, where its place is known. Together: what image, question and "
            "answer position move together, but none of them alone."
        ),
        frame=frame,
        align="lr" + "l" * (len(frame.columns) - 2),
        long=len(rows) > 40,
    )


def _row(found: Caused, layer: int) -> dict[str, str]:
    places = found.every.places
    cells = {
        f"{head} (CI)": share_text(places[kind][layer]) if kind in places else ""
        for head, kind in (("image", "image"), ("object", "object"), ("answer position", "answer"))
    }
    return cells | {"together (CI)": share_text(found.every.interaction[layer])}


def _cut(found: Mapping[str, Caused]) -> Table:
    rows = [
        {"attribute": name, "layer": str(layer), "left (CI)": share_text(each.cut[layer])}
        for name, each in found.items()
        for layer in _layers(each.last_layer)
    ]
    one = next(iter(found.values()))
    return Table(
        name="causes-cut",
        caption=(
            "Share of the total effect that is left when text cannot look at the image after a "
            f"layer, by that layer, with its {level(one.level)} interval over pairs, one direction "
            "of each."
        ),
        frame=grouped(rows),
        align="lrl",
        long=len(rows) > 40,
    )


def _layers(last: int) -> list[int]:
    """The layers that the table of shares has a row for: the last one, and others evenly."""
    step = -(-last // _MOST_ROWS) or 1
    return sorted({*range(0, last + 1, step), last})


def _controls(shown: Mapping[str, Caused]) -> Table:
    rows = [
        {"attribute": name, **row} for name, each in shown.items() for row in control_cells(each)
    ]
    one = next(iter(shown.values()))
    return Table(
        name="causes-controls",
        caption=(
            "Controls of the swaps. Moves: the largest share over the layers, with its interval "
            f"over pairs (for what must move nothing that of the test, {level(2 * one.level - 1)}, "
            f"else {level(one.level)}); where something was erased, the share that is left. p: "
            "that of the claim in the last column. Distance: of the changed residuals from the "
            "nearest natural one, in typical distances between natural ones."
        ),
        frame=grouped(rows),
        align="l(3.9)rrlr(1.9)",
        long=True,
    )


SECTION = Section(
    name="causes",
    place=62,
    made_by="python -m analysis.causes --run {run}",
    optional=True,
    holds=lambda record: bool(_found(record)),
    text=_text,
    values=_values,
    figures=_figures,
    tables=_tables,
)
