"""The order in which attributes emerge over the layers, and which of them cannot be told apart."""

from collections.abc import Iterator
from itertools import pairwise

import pandas as pd
from matplotlib.figure import Figure as Canvas

from analysis.order.figure import draw_order
from analysis.order.found import FoundOrder
from analysis.order.report import order_basis, order_called
from analysis.wording import listed, p_value
from paper.evidence.order_wording import chain_clause, pair_clause
from paper.evidence.plain import interval, level, number, percent
from paper.evidence.record import RunRecord
from paper.evidence.studies import READOUT_NAMES
from paper.evidence.values import Value
from paper.output.floats import Figure, Table
from paper.sections.section import Section

_TEXT = r"""
\subsection{The order of the attributes}\label{sec:\run:order}
On the \val{order.scenes} scenes in which every one of them is asked, and read with the
\val{order.readout}: \val{order}. \val{order.chain}. \val{order.basis} \val{order.left-out}
"""
_FLOATS = r"""
\figref{order} shows what the data say of each layer of emergence, and \tabref{order} every pair.
\val{order.most-probable} Where curves have unequal heights or slopes, layers of first significance
would order them wrongly, and where logits grow over the layers, so would stated bits; the layers
compared here are those of half of each attribute's own plateau of information.

\placefigure{order}
\placetable{order}
"""


def _found(record: RunRecord) -> FoundOrder:
    found = record.found("order", FoundOrder)
    if found is None:
        raise KeyError("order")
    return found


def _text(record: RunRecord) -> str:
    return _TEXT + (_FLOATS if _found(record).differences else "")


def _values(record: RunRecord) -> Iterator[Value]:
    found = _found(record)
    where = "studies/order"
    yield Value(key="order.scenes", text=f"{found.n_scenes:,}", where=f"{where}/n_scenes")
    yield Value(key="order.readout", text=READOUT_NAMES[found.readout], where=where)
    several = bool(found.differences)
    none = "An order needs several attributes that have a layer"
    chain = chain_clause(found) if several else none
    yield Value(key="order.chain", text=chain, where=f"{where}/chain_p")
    basis = order_basis(found) if several else ""
    yield Value(key="order.basis", text=basis, where=f"{where}/rests_on")
    left_out = [f"{name} ({why})" for name, why in found.left_out.items()]
    said = f"Left out: {listed(left_out)}." if left_out else "None of those given was left out."
    yield Value(key="order.left-out", text=said, where=f"{where}/left_out")
    if several:
        most = found.most_frequent
        text = (
            f"The most frequent full order among resamples is {', then '.join(most.order)}, in "
            f"{percent(most.probability)} of them."
        )
        yield Value(key="order.most-probable", text=text, where=f"{where}/order_probability")
    for first, second in pairwise(found.by_layer):
        text = pair_clause(found, first, second)
        yield Value(key=f"order.{first}-{second}", text=text, where=f"{where}/differences")


def _figures(record: RunRecord) -> Iterator[Figure]:
    found = _found(record)
    if not found.differences:
        return

    def draw(canvas: Canvas) -> None:
        draw_order(canvas.subplots(), found)

    yield Figure(
        name="order",
        title="Order of the attributes",
        caption=(
            f"Layer of emergence by attribute, over {found.n_resamples:,} resamples of the same "
            f"{found.n_scenes:,} scenes ({READOUT_NAMES[found.readout]}; unit: layers): "
            "share of resamples, the tallest alike in height for all. Vertical lines: estimates."
        ),
        size=(4.2, 0.55 + 0.5 * len(found.estimates)),
        draw=draw,
    )


def _tables(record: RunRecord) -> Iterator[Table]:
    found = _found(record)
    if not found.differences:
        return
    rows = [
        {
            "first": pair.first,
            "second": pair.second,
            "difference": number(pair.estimate),
            "CI": interval(pair),
            "p": p_value(pair.p),
            "p (Holm)": p_value(pair.p_holm),
            "p (first earlier)": p_value(pair.p_earlier),
            "sets apart": "yes" if pair.sets_apart else "no",
        }
        for pair in found.differences
    ]
    yield Table(
        name="order",
        caption=(
            f"Differences of the layer of emergence, second minus first, in layers, over "
            f"{found.n_scenes:,} scenes with {level(found.level)} intervals. p: two-sided; "
            "Holm: adjusted over all pairs; first earlier: one-sided, a link of the "
            f"{order_called(found)} if the two are neighbours in it. Sets apart: the "
            "forward-backward sets are disjoint, the first's before the second's."
        ),
        frame=pd.DataFrame(rows),
        align="llrlrrrl",
    )


SECTION = Section(
    name="order",
    place=20,
    made_by="python -m analysis.order --run {run}",
    holds=lambda record: bool(record.study("order")),
    text=_text,
    values=_values,
    figures=_figures,
    tables=_tables,
)
