"""Section of the methods that explains why "stated bits" are not the main measure. It uses
simulated worlds that know the same at every layer."""

from collections.abc import Iterator

from matplotlib.figure import Figure as Canvas

from analysis.drawing.figures import TEXT_WIDTH_IN
from analysis.effects.found import Interval
from analysis.wording import listed
from analysis.worlds.figure import draw_worlds
from analysis.worlds.found import FoundWorlds, World
from paper.evidence.plain import interval, level, number
from paper.evidence.record import RunRecord
from paper.evidence.values import Value
from paper.output.floats import Figure
from paper.sections.section import Section

_TEXT = r"""
\paragraph{The same knowledge, said more loudly.} \figref{worlds} puts both quantities to the test
on simulated worlds of which the truth is known. Layer by layer all of them know the same, half of
their plateau is reached at layer \val{worlds.truth}, and they differ only in the factor by which
the logits are multiplied: it is \val{worlds.loudness}. Information puts emergence at
\val{worlds.information}; stated bits, real minus shuffled, put it at \val{worlds.stated}. An
interval over scenes is no help against this: it closes around whatever is estimated.

\placefigure{worlds}
"""
_LOUDNESS = {
    "constant": "the same at every layer",
    "growing": "one that grows over the layers",
    "late": "one that grows in the last layers only",
}


def _found(record: RunRecord) -> FoundWorlds:
    found = record.found("worlds", FoundWorlds)
    if found is None:
        raise KeyError("worlds")
    return found


def _text(record: RunRecord) -> str:
    return _TEXT


def _values(record: RunRecord) -> Iterator[Value]:
    found, where = _found(record), "studies/worlds"
    loud = [f"{_LOUDNESS[one.name]} (\u201c{one.name}\u201d)" for one in found.worlds]
    layers = {
        "information": ("layer", [one.layer for one in found.worlds]),
        "stated": ("stated_layer", [one.stated_layer for one in found.worlds]),
    }
    yield Value(key="worlds.truth", text=number(found.truth, 1), where=f"{where}/truth")
    yield Value(key="worlds.loudness", text=listed(loud), where=f"{where}/worlds/*/name")
    for key, (field, own) in layers.items():
        said = [_layer(*each, found.level) for each in zip(own, found.worlds, strict=True)]
        yield Value(key=f"worlds.{key}", text=listed(said), where=f"{where}/worlds/*/{field}")


def _layer(found: Interval | None, world: World, at_level: float) -> str:
    if found is None:
        return f"no layer (\u201c{world.name}\u201d)"
    return (
        f"layer {number(found.estimate, 1)} (\u201c{world.name}\u201d, {level(at_level)} CI "
        f"{interval(found, 1)})"
    )


def _figures(record: RunRecord) -> Iterator[Figure]:
    found = _found(record)

    def draw(canvas: Canvas) -> None:
        draw_worlds(canvas, found)

    yield Figure(
        name="worlds",
        title="The same knowledge, said ever more loudly",
        caption=(
            "Simulated worlds that know, layer by layer, the same as each other "
            f"({found.n_scenes:,} scenes, {found.n_answers} answers). Left: by what the "
            "logits are multiplied, on a logarithmic axis. Middle: information, the quantity of "
            "this paper. Right: stated bits, real minus shuffled; both as share of H. Dotted: "
            "where all of them reach half of their plateau. Diamonds: the layer that each quantity "
            "gives, with its interval. Bands and intervals are over scenes, at level "
            f"{level(found.level)}."
        ),
        size=(TEXT_WIDTH_IN, 2.1),
        draw=draw,
    )


SECTION = Section(
    name="worlds",
    place=0,
    part="methods",
    made_by="python -m analysis.worlds --run {run}",
    holds=lambda record: bool(record.study("worlds")),
    text=_text,
    values=_values,
    figures=_figures,
)
