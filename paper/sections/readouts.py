"""Readouts side by side: what each reads, and which reads it earlier."""

from collections.abc import Iterator, Mapping

from matplotlib.figure import Figure as Canvas

from analysis.drawing.figures import TEXT_WIDTH_IN
from analysis.effects.found import Finding
from analysis.emergence.found import ReadoutPair, ReadoutsCompared
from analysis.wording import p_value
from paper.drawing.forest import draw_forest
from paper.evidence.order_wording import pair_sentence
from paper.evidence.plain import interval, level, number, span
from paper.evidence.record import RunRecord
from paper.evidence.studies import READOUT_NAMES, READOUTS, main_readout
from paper.evidence.values import Value
from paper.output.floats import Figure, Table, grouped
from paper.sections.section import Section

_TEXT = r"""
\subsection{Readouts side by side}\label{sec:\run:readouts}
A readout that is fitted may find what the output map misses; how much earlier it does so says how
long the attribute stands in the stream in another form than the one in which it is used.
\figref{forest} puts the layers of emergence of all attributes and readouts next to each other, each
with the range that other defensible choices give: an interval is about scenes, the range about us.

\placefigure{forest}
"""
_PAIRS = r"""
The readouts are compared scene by scene, and p-values that are adjusted over the pairs of an
attribute decide. \val{readouts.crossings} \tabref{readouts} gives the intervals, and for each pair
the test over all layers as well: two readouts can differ in how much they read without differing
in where it begins.

\placetable{readouts}
"""


def _text(record: RunRecord) -> str:
    return _TEXT + (_PAIRS if record.study("readouts") else "")


def _found(record: RunRecord) -> dict[str, dict[str, Finding]]:
    """The findings by attribute, then by readout, in the form that `draw_forest` takes."""
    by_readout = {readout: record.findings(readout) for readout in READOUTS}
    return {
        name: {readout: found[name] for readout, found in by_readout.items() if name in found}
        for name in record.attributes
    }


def _compared(record: RunRecord) -> Mapping[str, ReadoutsCompared]:
    return record.found_by_name("readouts", ReadoutsCompared)


def _values(record: RunRecord) -> Iterator[Value]:
    study = _compared(record)
    if not study:
        return
    pairs: dict[tuple[str, str], dict[str, ReadoutPair]] = {}
    for name, found in study.items():
        for pair in found.pairs:
            pairs.setdefault((pair.first, pair.second), {})[name] = pair
    alpha = 1 - next(iter(study.values())).level
    said = [pair_sentence(first, second, found, alpha) for (first, second), found in pairs.items()]
    yield Value(key="readouts.crossings", text=" ".join(said), where="studies/readouts")


def _figures(record: RunRecord) -> Iterator[Figure]:
    found = _found(record)
    rows = sum(map(len, found.values()))
    one = next(iter(record.findings(main_readout(record)).values()))
    scenes = span([each.n_scenes for by in found.values() for each in by.values()])

    def draw(canvas: Canvas) -> None:
        draw_forest(canvas.subplots(), found)

    yield Figure(
        name="forest",
        title="Layer of emergence by attribute and readout",
        caption=(
            f"Layer of emergence (0 to {record.last_layer}) by attribute and readout, in "
            f"{record.model}. Markers and whiskers: estimate and {level(one.level)} interval "
            f"over scenes ({scenes} scenes); pale bars: forward-backward sets of whole layers, "
            "which stand alone where the curve falls below half again. Thin grey lines: range of "
            "the layer under other defensible choices. Where there is no such layer, the outcome "
            "is written out."
        ),
        size=(TEXT_WIDTH_IN, 0.75 + 0.155 * rows + 0.1 * len(found)),
        draw=draw,
    )


def _tables(record: RunRecord) -> Iterator[Table]:
    study = _compared(record)
    if not study:
        return
    rows = []
    for name, found in study.items():
        for pair in found.pairs:
            crossing = pair.crossing
            rows.append(
                {
                    "attribute": name,
                    "first": READOUT_NAMES[pair.first],
                    "second": READOUT_NAMES[pair.second],
                    "earlier by": "" if crossing is None else number(crossing.estimate),
                    "CI": "" if crossing is None else interval(crossing),
                    "p (Holm)": "" if crossing is None else p_value(crossing.p),
                    "p (information)": p_value(pair.omnibus_p),
                    "scenes": f"{found.n_scenes:,}",
                }
            )
    one = next(iter(study.values()))
    yield Table(
        name="readouts",
        caption=(
            "Pairs of readouts on the same scenes. Earlier by: layers by which the first emerges "
            f"before the second, with its {level(one.level)} interval over scenes; empty where "
            "one of them has no such layer. p (Holm): two-sided, for the same layer, adjusted over "
            "the pairs of the attribute; it decides, the interval is that of the one difference "
            "alone. p (information): of any difference in information at any layer, adjusted over "
            "the layers of all pairs."
        ),
        frame=grouped(rows),
        align="lllrlrrr",
    )


SECTION = Section(
    name="readouts",
    place=30,
    made_by="python -m analysis.emergence --attr all --readout all --run {run}",
    holds=lambda record: sum(bool(record.findings(readout)) for readout in READOUTS) > 1,
    text=_text,
    values=_values,
    figures=_figures,
    tables=_tables,
)
