"""What a linear probe can read from the residual stream, and whether the credit is due to the
stream or to the probe."""

from collections.abc import Callable, Iterator, Mapping

from matplotlib.figure import Figure as Canvas

from analysis.drawing.figures import TEXT_WIDTH_IN
from analysis.effects.found import Interval
from analysis.probes.found import (
    CONTROL_TASK,
    MAJORITY,
    RANDOM_WEIGHTS,
    HeldOut,
    Probed,
    ProbedLayer,
)
from analysis.wording import listed, p_value
from paper.drawing.probe_panels import draw_probe_panels
from paper.evidence.plain import interval, level, number, percent, span
from paper.evidence.record import RunRecord
from paper.evidence.studies import ANSWER, probes
from paper.evidence.values import Value
from paper.output.floats import Figure, Table, grouped
from paper.sections.section import Section

_BASELINES = (CONTROL_TASK, RANDOM_WEIGHTS, "shuffled images", MAJORITY, "words",
              "pixels and words", "vision encoder and words", "projector and words")  # fmt: skip

_TEXT = r"""
\subsection{Linear probes}\label{sec:\run:probes}
A linear probe is fitted at each layer on some scenes and read on others, with its penalty chosen
inside the training scenes. At the last layer it reads the answer on held-out scenes with an
accuracy of \val{probes.last}. Its selectivity there, the accuracy above that of a control task in
which every question with its answer has a fixed random label \citep{hewitt2019}, is
\val{probes.selectivity}: what is left when the probe's own power to learn by heart is taken away
(\val{probes.draws}).
The online code of the labels \citep{voita2020} shortens them by a factor of
\val{probes.compression}. \figref{probes-@} shows both by layer, and \tabref{probes} the last layer
beside the baselines, among them the words of the question alone and, where they could be had, the
vision encoder and a copy of the model with random weights.

\placefigure{probes-@}
\placetable{probes}
"""
_OTHER = r"""
\placefigure{probes-@}
The same probes read at another position, \val{probes.position-@}, are shown in
\figref{probes-@}.
"""


def _text(record: RunRecord) -> str:
    main, *others = _positions(record)
    return _TEXT.replace("@", main) + "".join(_OTHER.replace("@", one) for one in others)


def _positions(record: RunRecord) -> list[str]:
    """Names of the token positions that have a probe; the position of the answer comes first."""
    held = [position for position, found in probes(record).items() if found]
    return sorted(held, key=lambda position: position != ANSWER)


def _values(record: RunRecord) -> Iterator[Value]:
    positions = _positions(record)
    found = probes(record)[positions[0]]
    where = "studies/probes"

    def last(of: Callable[[ProbedLayer], Interval], digits: int = 2) -> str:
        return listed(
            [
                f"{_with_interval(of(one.last), one.level, digits)} for {name}"
                for name, one in found.items()
            ]
        )

    accuracy = last(lambda row: row.accuracy_interval)
    yield Value(key="probes.last", text=accuracy, where=f"{where}/*/layers/-1/accuracy")
    selectivity = last(lambda row: row.selectivity_interval)
    yield Value(
        key="probes.selectivity", text=selectivity, where=f"{where}/*/layers/-1/selectivity"
    )
    yield Value(key="probes.draws", text=_draws(found), where=f"{where}/*/n_control_draws")
    shorter = last(lambda row: row.compression_interval, digits=1)
    yield Value(key="probes.compression", text=shorter, where=f"{where}/*/layers/-1/compression")
    for position in positions[1:]:
        text = f"the position \u201c{position}\u201d"
        yield Value(key=f"probes.position-{position}", text=text, where=where)


def _with_interval(one: Interval, at_level: float, digits: int) -> str:
    return f"{number(one.estimate, digits)} ({level(at_level)} CI {interval(one, digits)})"


def _draws(found: Mapping[str, Probed]) -> str:
    """A phrase that says what the selectivity is averaged over and which errors its interval
    covers."""
    one = next(iter(found.values()))
    return (
        f"mean over {one.n_control_draws} draws of the labels and {one.n_partitions} "
        "partitions of the scenes into folds; the intervals hold the error of scenes and draws"
    )


def _figures(record: RunRecord) -> Iterator[Figure]:
    for position in _positions(record):
        found = probes(record)[position]
        yield _figure(record, position, found)


def _figure(record: RunRecord, position: str, found: Mapping[str, Probed]) -> Figure:
    def draw(canvas: Canvas) -> None:
        draw_probe_panels(canvas, found)

    one = next(iter(found.values()))
    scenes = span([each.n_scenes for each in found.values()])
    rows = -(-len(found) // min(3, len(found)))
    return Figure(
        name=f"probes-{position}",
        title="Linear probes by layer",
        caption=(
            f"Linear probes by layer in {record.model}, position: {position}. Accuracy on held-out "
            "scenes (share of right answers), and selectivity, accuracy above the control task. "
            f"Bands: {level(one.level)} intervals over scenes ({scenes} scenes), of selectivity "
            "over the draws of the labels, too. Dotted line: always the most frequent answer."
        ),
        size=(TEXT_WIDTH_IN, 0.4 + 1.65 * rows),
        draw=draw,
    )


def _tables(record: RunRecord) -> Iterator[Table]:
    found = probes(record)[_positions(record)[0]]
    rows = []
    for name, one in found.items():
        rows.append(_row(name, "probe", one.last, p_value(one.last.p_information)))
        for baseline in _BASELINES:
            if baseline in one.compared:
                rows.append(_row(name, baseline, one.compared[baseline][-1], ""))
    scenes = span([one.n_scenes for one in found.values()])
    yield Table(
        name="probes",
        caption=(
            "Linear probes at the last layer and what they are compared with, on held-out scenes "
            f"({scenes} scenes): accuracy, and information about the answer in bits, with "
            f"{level(next(iter(found.values())).level)} intervals over scenes; that of the "
            "control task holds the error of its draws, too. p: of any information, one-sided, "
            "adjusted over layers."
        ),
        frame=grouped(rows),
        align="llrlrlr",
    )


def _row(name: str, source: str, row: ProbedLayer | HeldOut, p: str) -> dict[str, str]:
    return {
        "attribute": name,
        "read from": source,
        "accuracy": percent(row.accuracy, 1),
        "CI": f"{number(100 * row.accuracy_low, 1)} to {number(100 * row.accuracy_high, 1)}",
        "information": number(row.information),
        "CI ": interval(row.information_interval),
        "p": p,
    }


SECTION = Section(
    name="probes",
    place=50,
    made_by="python -m analysis.probes --attr all --run {run}",
    holds=lambda record: any(probes(record).values()),
    text=_text,
    values=_values,
    figures=_figures,
    tables=_tables,
)
