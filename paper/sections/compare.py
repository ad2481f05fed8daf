"""The runs of a report compared with each other: which model knows an answer at an earlier layer,
which answers better, and which is surer."""

from collections.abc import Iterator

from matplotlib.figure import Figure as Canvas

from analysis.compare.figure import draw_compare, forest_size
from analysis.compare.found import Compared, Comparison
from analysis.compare.report import cell_name, layer_cell, share_cell
from analysis.compare.text import INTERPOLATION, outcome_text, sentences
from analysis.finished.found import differ_sentence
from analysis.wording import p_value
from paper.evidence.comparison import COMPARISON, compared
from paper.evidence.plain import interval, level, number, span, with_minus_signs
from paper.evidence.record import Record
from paper.evidence.values import Value
from paper.output.floats import Figure, Table, grouped
from paper.sections.section import Section

_TEXT = r"""
\val{compare.differ} Models differ in their number of layers, so what is compared is relative depth:
the layer at which the information that the image adds reaches half of its own plateau, divided by
the last layer. That layer is interpolated, and the interpolation alone sets a shallow and a deep
model that know from half of their depth on a part of a layer apart. So that one run knows earlier
than another is claimed only where a test shows the difference to be more than one layer of the
shallower model; the first whole layer past half of the plateau stands beside it.
\val{compare.interpolation} Two runs are compared by pairs if they share at least half of the
smaller one's scenes; otherwise the shared ones are left out of the larger run, and the two samples
are redrawn independently of each other. That two runs know equally early is claimed only where a
test for equivalence shows the difference to be smaller than \val{compare.margin} of the depth; the
absence of a significant difference claims nothing. A run in which an attribute does not emerge, or
falls below half of its plateau again, has no depth and is compared by its outcome. Stated
probabilities are confidence and stand beside the share of right answers; no layers and no runs are
ranked by them. Each kind of test is adjusted over all of the \val{compare.n} comparisons in which
it can be made.

\figref{compare} shows the depths with their differences, \tabref{compare-sides} the runs side by
side, and \tabref{compare} the tests.

\placefigure{compare}
\placetable{compare-sides}
\placetable{compare}

\begin{itemize}
"""


def _text(record: Record) -> str:
    items = [rf"\item \val{{{key}}}" for key, _ in _sentences(record)]
    return "\n".join([_TEXT.rstrip("\n"), *items, r"\end{itemize}", ""])


def _sentences(record: Record) -> list[tuple[str, str]]:
    """One (key, sentence) pair per comparison."""
    found = compared(record)
    rows = zip(found.comparisons, sentences(found), strict=True)
    return [(_key(row), with_minus_signs(said)) for row, said in rows]


def _key(row: Comparison) -> str:
    sides = row.first, row.second
    ends = [f"{side.run}-{side.readout}" for side in sides]
    return f"compare.{row.attribute}.{'.'.join(ends)}"


def _values(record: Record) -> Iterator[Value]:
    found = compared(record)
    said = {
        "compare.differ": (differ_sentence(found.differ, found.runs), "differ"),
        "compare.interpolation": (_interpolation(found), "arms/*/last_layer"),
        "compare.margin": (f"{found.plan.margin:g}", "plan/margin"),
        "compare.n": (str(len(found.comparisons)), "comparisons"),
    }
    for key, (text, where) in said.items():
        yield Value(key=key, text=text, where=where, source=COMPARISON)
    for place, (key, text) in enumerate(_sentences(record)):
        yield Value(key=key, text=text, where=f"comparisons/{place}", source=COMPARISON)


def _interpolation(found: Compared) -> str:
    layers = {arm.last_layer for arm in found.arms}
    return INTERPOLATION if len(layers) > 1 else "All of them have the same number of layers here."


def _figures(record: Record) -> Iterator[Figure]:
    found = compared(record)
    plan = found.plan

    def draw(canvas: Canvas) -> None:
        draw_compare(canvas, found)

    yield Figure(
        name="compare",
        title="Runs compared",
        caption=(
            "Left: relative depth of emergence (layer over last layer) by attribute and run, with "
            f"intervals over scenes ({_scenes(found)} scenes); where there is no such layer, the "
            f"outcome. Right: differences of depth, thin: {level(plan.level)} intervals, thick: "
            f"the {level(2 * plan.level - 1)} intervals by which equivalence is judged; light "
            f"grey: the margin of {plan.margin:g}; dark grey: one layer of the shallower model, "
            "within which no direction is claimed."
        ),
        size=forest_size(found),
        draw=draw,
    )


def _tables(record: Record) -> Iterator[Table]:
    found = compared(record)
    yield _sides(found)
    yield _tests(found)


def _sides(found: Compared) -> Table:
    rows = []
    for arm in found.arms:
        depth = arm.depth
        rows.append(
            {
                "attribute": arm.attribute,
                "run": cell_name(found, arm),
                "depth": outcome_text(arm) if depth is None else share_cell(depth),
                "layer": layer_cell(arm),
                "right": share_cell(arm.correct),
                "p(right)": share_cell(arm.right_probability),
                "p(top)": share_cell(arm.top_probability),
                "scenes": f"{arm.n_scenes:,}",
            }
        )
    return Table(
        name="compare-sides",
        caption=(
            "The runs side by side. Depth of emergence, interpolated, and the first whole layer "
            "past half of the plateau, of how many; at the last layer the share of right answers, "
            "and as confidence the mean stated probability of the right answer and that of the top "
            f"answer. In parentheses: {level(found.plan.level)} intervals over scenes (of "
            "depth: at the run's own level). " + differ_sentence(found.differ, found.runs)
        ),
        frame=grouped(rows),
        align="llrrrrrr",
    )


def _tests(found: Compared) -> Table:
    plan = found.plan
    rows = []
    for row in found.comparisons:
        depth = row.depth
        one, two = row.n_scenes
        rows.append(
            {
                "attribute": row.attribute,
                "first": cell_name(found, row.first),
                "second": cell_name(found, row.second),
                "difference": "" if depth is None else number(depth.estimate, 3),
                "CI": "" if depth is None else interval(depth, 3),
                "p": "" if depth is None else p_value(depth.p_beyond_holm),
                "p (same)": "" if depth is None else p_value(depth.p_equivalence_holm),
                "p (curve)": p_value(row.curve.omnibus_p_holm),
                "scenes": f"{one:,} shared" if row.paired else f"{one:,}, {two:,}",
            }
        )
    return Table(
        name="compare",
        caption=(
            "Differences of relative depth, second minus first, with "
            f"{level(plan.level)} intervals over scenes ({_scenes(found)} scenes per run). p: "
            "for a difference of at most one layer of the shallower model; same: for one of "
            f"{plan.margin:g} or more; curve: for equal information at every relative depth. "
            "Each kind is adjusted over the comparisons that have it (Holm)."
        ),
        frame=grouped(rows),
        align="lllrlrrrr",
    )


def _scenes(found: Compared) -> str:
    return span([arm.n_scenes for arm in found.arms])


SECTION = Section(
    name="compare",
    place=90,
    about="comparison",
    made_by="python -m analysis.compare {run}",
    holds=lambda record: True,
    text=_text,
    values=_values,
    figures=_figures,
    tables=_tables,
)
