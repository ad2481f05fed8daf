"""How the answer changes from layer to layer: which token would be said, and how surely."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from matplotlib.figure import Figure as Canvas

from analysis.drawing.figures import TEXT_WIDTH_IN
from analysis.trajectory.figures import (
    draw_measures,
    draw_pair,
    draw_positions,
    draw_vocabulary,
)
from analysis.trajectory.found import (
    AttributeTrajectory,
    Curves,
    Followed,
    FoundTrajectories,
    LayerMean,
    TokenMap,
)
from analysis.trajectory.report import largest_step, last_layers, scripts, stays_first
from analysis.wording import p_value
from paper.evidence.plain import interval, level, number
from paper.evidence.record import RunRecord
from paper.evidence.values import Value
from paper.output.floats import Figure, Table, grouped
from paper.sections.section import Section

_TEXT = r"""
\subsection{From layer to layer}\label{sec:\run:trajectory}
The logit lens gives a distribution over the whole vocabulary at every layer. It is followed here
from layer to layer, on \val{trajectory.basis}, and compared with the distribution before it and
with the final one by the Jensen--Shannon divergence, which is symmetric and at most one bit. Under
the shuffled condition the same distributions belong to other items, so that only what the item's
answer enters can differ. \tabref{trajectory} gives the means by layer.
"""
_ANSWERS = {
    "stays": ("When it is settled", stays_first),
    "last": ("Confidence at the last layer", last_layers),
    "scripts": ("Scripts", scripts),
    "step": ("The largest step", largest_step),
}


def _columns(curves: Curves) -> dict[str, tuple[Followed, int]]:
    """The measures of the table by column heading, each with its number of decimal places."""
    return {
        "top-1": (curves.top1_probability, 3),
        "p(answer)": (curves.p_answer, 3),
        "entropy": (curves.entropy_bits, 2),
        "KL": (curves.kl_bits, 2),
        "JSD": (curves.jsd_adjacent_bits, 3),
    }


def _attributes(record: RunRecord) -> Mapping[str, AttributeTrajectory]:
    found = record.found("trajectory", FoundTrajectories)
    return {} if found is None else found.attributes


def _map(record: RunRecord) -> TokenMap | None:
    """The first map over token positions; None if the run has none."""
    found = record.found("trajectory", FoundTrajectories)
    return None if found is None else next(iter(found.maps.values()), None)


def _text(record: RunRecord) -> str:
    parts = [_TEXT]
    for key, (title, _) in _ANSWERS.items():
        said = "\n".join(rf"\val{{trajectory.{name}-{key}}}" for name in _attributes(record))
        parts.append(rf"\paragraph{{{title}.}} {said}" + "\n")
    parts.append(
        r"\figref{trajectory-heat} shows single items, \figref{trajectory-curves} the means under "
        r"each condition, \figref{trajectory-tokens} the most probable tokens and their scripts."
    )
    placed = ["heat", "curves", "tokens", *(["positions"] if _map(record) else [])]
    parts += ["", *(rf"\placefigure{{trajectory-{name}}}" for name in placed)]
    return "\n".join([*parts, r"\placetable{trajectory}", ""])


def _values(record: RunRecord) -> Iterator[Value]:
    where = "studies/trajectory/attributes"
    basis = [
        f"{found.n_scenes:,} scenes ({found.n_items:,} of {found.n_items_of_run:,} items) "
        f"for {name}"
        for name, found in _attributes(record).items()
    ]
    one = next(iter(_attributes(record).values()))
    text = f"{', '.join(basis)}, with {level(one.level)} intervals"
    yield Value(key="trajectory.basis", text=text, where=f"{where}/*/n_scenes")
    for name, found in _attributes(record).items():
        for key, (_, sentence) in _ANSWERS.items():
            text = f"{name.capitalize()}: {sentence(found)}"
            yield Value(key=f"trajectory.{name}-{key}", text=text, where=f"{where}/{name}")


def _figures(record: RunRecord) -> Iterator[Figure]:
    name, found = next(iter(_attributes(record).items()))
    basis = f"{found.n_scenes:,} scenes"
    band = f"Bands: {level(found.level)} intervals over {basis}, each layer alone."
    shown = f"item ({len(found.heat.item_ids)} of {found.n_items:,})"
    yield _figure(
        "heat", "Single items from layer to layer", 2.4,
        f"Logit lens by layer and item, {name}: probability of the most probable token, and "
        "Jensen\u2013Shannon divergence from the layer before in bits, which layer 0 has not. One "
        "column is one item; single items have no interval and no level.",
        partial(draw_pair, found=found.heat, columns=shown),
    )  # fmt: skip
    yield Figure(
        name="trajectory-curves",
        title="Lens measures by layer under each condition",
        caption=(
            f"Means over scenes by layer, {name}, with the item's own image, with another scene's "
            "where that can matter, and with a blank one. Divergences and entropy in bits, over "
            f"the whole vocabulary of {found.n_vocab:,} tokens. {band}"
        ),
        size=(TEXT_WIDTH_IN, 3.4),
        draw=partial(draw_measures, found=found),
    )
    yield _figure(
        "tokens", "The most probable tokens, and their scripts", 4.2,
        f"Left: the {len(found.tokens)} tokens of the highest mean probability over layers, "
        f"{name}, means over {basis}; a dot stands for a leading space. Right: share of scenes "
        f"whose most probable token is in each script, by its letters' Unicode names. {band}",
        partial(draw_vocabulary, found=found),
    )  # fmt: skip
    one = _map(record)
    if one:
        yield _figure(
            "positions", "One item at every token position", 2.4,
            f"\u201c{one.question}\u201d One item ({one.item_id}): the same as in the figure "
            "of single items, at every position of its prompt. A single item has no interval and "
            "no level.",
            partial(draw_positions, found=one),
        )  # fmt: skip


def _figure(
    name: str, title: str, height: float, caption: str, draw: Callable[[Canvas], Any]
) -> Figure:
    """A figure of the trajectory section with a heat map in it."""
    return Figure(
        name=f"trajectory-{name}", title=title, caption=caption, size=(TEXT_WIDTH_IN, height),
        draw=draw, holds_images=True,
    )  # fmt: skip


def _tables(record: RunRecord) -> Iterator[Table]:
    rows = []
    for name, found in _attributes(record).items():
        columns = _columns(found.curves)
        for layer in range(found.n_layers + 1):
            gain = found.curves.p_answer.minus_blank[layer]
            means = {
                title: _mean(measure.real, layer, digits)
                for title, (measure, digits) in columns.items()
            }
            rows.append(
                {"attribute": name, "layer": str(layer), **means,
                 "minus blank": number(gain.estimate, 3), "CI": interval(gain, 3),
                 "p": p_value(gain.p)}
            )  # fmt: skip
    one = next(iter(_attributes(record).values()))
    yield Table(
        name="trajectory",
        caption=(
            "The logit lens by layer, means over scenes: probability of the most probable token, "
            "of the right answer's tokens, entropy, divergence D(final || layer), and "
            "Jensen\u2013Shannon divergence from the layer before, all in bits. Minus blank: "
            "probability of the right answer with the own image minus that with a blank one, with "
            f"its {level(one.level)} interval over scenes; p: two-sided, adjusted over layers."
        ),
        frame=grouped(rows),
        align="lrrrrrrrlr",
        long=len(rows) > 40,
    )


def _mean(rows: Sequence[LayerMean], layer: int, digits: int) -> str:
    """The mean at `layer` as text, empty if there is none. The divergence from the layer before has
    no value at layer 0."""
    return next((number(row.estimate, digits) for row in rows if row.layer == layer), "")


SECTION = Section(
    name="trajectory",
    place=67,
    made_by="python -m analysis.trajectory --run {run}",
    holds=lambda record: bool(_attributes(record)),
    text=_text,
    values=_values,
    figures=_figures,
    tables=_tables,
)
