"""Results for the models of all runs together, where each model counts as one observation."""

from collections.abc import Iterator
from functools import partial

import pandas as pd

from analysis.finished.found import differ_sentence
from analysis.pool.figure import Block, attribute_blocks, difference_blocks
from analysis.pool.found import Mean, Pool, PooledAttribute, Pooling
from analysis.pool.text import METHOD, sentences
from analysis.wording import READOUT_NAMES, listed, p_value
from paper.drawing.pool_forest import (
    draw_depths,
    draw_differences,
    forest_size,
    model_names,
    pages,
    reach_of,
)
from paper.evidence.plain import level, number, percent, with_minus_signs
from paper.evidence.pooling import POOLING, pooled
from paper.evidence.record import Record
from paper.evidence.values import Value
from paper.output.floats import Figure, Table, grouped
from paper.sections.section import Section

_TEXT = r"""
What holds of one model need not hold of the next, and no number of scenes of one model shows that
it does. Here the models are the units, \val{pool.n} of them by the \val{pool.readout}.
\val{pool.differ} Models differ in their number of layers, so what is pooled is relative depth: the
layer at which the information that the image adds reaches half of its own plateau, divided by the
last layer. \val{pool.method} In a run in which an attribute does not emerge, or falls below half
of its plateau again, it has no depth: that is said, and the mean is of the other models alone. That
no direction is shown claims nothing, and least of all that the models agree. Where one more model
would lie is predicted from these few, and widely if they are few.

"""
_ITEMS = r"""
\begin{itemize}
"""
_LONG = 28
"""A table with more rows than this may run over several pages."""
_LONG_NAME = 10


def _text(record: Record) -> str:
    found = pooled(record)
    shown, tables, figures = [], list(_tables(record)), list(_figures(record))
    for name, what in (("pool-attributes", "the depths"), ("pool-differences", "the differences "
                       "of two attributes within a model")):  # fmt: skip
        named = [rf"\figref{{{each.name}}}" for each in figures if each.name.startswith(name)]
        if named:
            named.append(rf"\tabref{{{name}}}")
            shown.append(f"{listed(named)} show {what}, model by model and pooled.")
    if any(table.name == "pool-models" for table in tables):
        shown.append(r"\tabref{pool-models} gives each model, and each mean without it.")
    placed = [
        *(rf"\placefigure{{{figure.name}}}" for figure in figures),
        *(rf"\placetable{{{table.name}}}" for table in tables),
    ]
    items = [rf"\item \val{{{key}}}" for key, *_ in _sentences(found)]
    lines = [_TEXT.rstrip("\n"), "", *shown, "", *placed, _ITEMS.rstrip("\n"), *items]
    return "\n".join([*lines, r"\end{itemize}", ""])


def _sentences(found: Pooling) -> list[tuple[str, str, str]]:
    """One tuple (key, sentence, place in pool.json) per sentence, in the order in which `sentences`
    returns the sentences."""
    places = [(f"attribute.{one.attribute}", f"attributes/{place}")
              for place, one in enumerate(found.attributes)]  # fmt: skip
    places += [(f"difference.{one.first}.{one.second}", f"differences/{place}")
               for place, one in enumerate(found.differences)]  # fmt: skip
    places += [("order", "order")] * (len(found.attributes) > 1)
    places += [("shared", "shared_scenes")] * bool(found.shared_scenes)
    places += [("left-out", "left_out")] * bool(found.left_out)
    return [
        (f"pool.{key}", with_minus_signs(said), where)
        for (key, where), said in zip(places, sentences(found), strict=True)
    ]


def _values(record: Record) -> Iterator[Value]:
    found = pooled(record)
    method = METHOD.format(level=level(found.plan.level)).replace(" - ", " \N{MINUS SIGN} ")
    differ = differ_sentence(found.differ, found.runs)
    if found.differ_beside_the_model:
        differ += " What differs beside the model is part of the spread between the models."
    said = [
        ("pool.n", str(len(found.runs)), "runs"),
        ("pool.readout", READOUT_NAMES[found.readout], "readout"),
        ("pool.differ", differ, "differ"),
        ("pool.method", method, "plan/level"),
        *_sentences(found),
    ]
    for key, text, where in said:
        yield Value(key=key, text=text, where=where, source=POOLING)


def _figures(record: Record) -> Iterator[Figure]:
    found = pooled(record)
    drawn = (
        f"Lines: models, with {level(found.plan.level)} intervals over scenes; the larger the "
        "square, the heavier the model. Diamonds: the means over models with their intervals. Grey "
        "lines: the next model, predicted. In parentheses: models that have a layer, of all."
    )
    depths = f"Depth of emergence (layer over last layer) by attribute and model. {drawn}"
    for name, blocks in _named("pool-attributes", attribute_blocks(found)):
        yield Figure(
            name=name, title="Models pooled: depth", caption=depths, size=forest_size(blocks),
            draw=partial(draw_depths, blocks=blocks, found=found),
        )  # fmt: skip
    differences = (
        f"Differences of relative depth within each model, by pair of attributes. {drawn} Grey "
        "bands: within one layer of the shallowest model, where no direction is claimed."
    )
    reach = reach_of(difference_blocks(found), found.plan.level)
    for name, blocks in _named("pool-differences", difference_blocks(found)):
        yield Figure(
            name=name, title="Models pooled: differences", caption=differences,
            size=forest_size(blocks),
            draw=partial(draw_differences, blocks=blocks, found=found, reach=reach),
        )  # fmt: skip


def _named(name: str, blocks: list[Block]) -> Iterator[tuple[str, list[Block]]]:
    """One figure name and the blocks that fit on it per page. The first page has the plain `name`;
    later pages add "-2", "-3" and so on."""
    for place, page in enumerate(pages(blocks), start=1):
        yield name if place == 1 else f"{name}-{place}", page


def _tables(record: Record) -> Iterator[Table]:
    found = pooled(record)
    yield _attributes(found)
    if found.differences:
        yield _differences(found)
    if any(one.depth is not None for one in found.attributes):
        yield _models(found)


def _attributes(found: Pooling) -> Table:
    rows = []
    for one in found.attributes:
        depth, layer = one.depth, one.layer
        rows.append(
            {
                "attribute": one.attribute,
                "models": f"{one.n_emerged} of {len(found.runs)}",
                "depth (CI)": "not pooled" if depth is None else _mean(depth.weighted, 3),
                "layer (CI)": "" if layer is None else _mean(layer.weighted, 1),
                **_spread(depth),
            }
        )
    return Table(
        name="pool-attributes",
        caption=(
            "Depth and layer of emergence over models. Models: those with a layer, of all; layers "
            "of models of unlike depth compare what is not alike. tau: standard deviation of the "
            "models' true depths; I\N{SUPERSCRIPT TWO}: its share of what is seen of their spread; "
            f"next: where one more model is predicted. In parentheses: {_of(found)} intervals over "
            "models."
        ),
        frame=pd.DataFrame(rows),
        align="(1.9)rrrrrr" if _wrapped(found) else "lrrrrrr",
    )


def _differences(found: Pooling) -> Table:
    rows = []
    for one in found.differences:
        depth, p = one.depth, one.p_beyond_holm
        rows.append(
            {
                "first": one.first,
                "second": one.second,
                "models": f"{one.n_both} of {len(found.runs)}",
                "difference (CI)": "not pooled" if depth is None else _mean(depth.weighted, 3),
                "p": "" if p is None else p_value(p),
                **_spread(depth),
            }
        )
    return Table(
        name="pool-differences",
        caption=(
            "Differences of relative depth within a model, second minus first, over models. p: "
            "two-sided, for a difference of at most one layer of the shallowest model, adjusted "
            "over the differences (Holm). tau, I\N{SUPERSCRIPT TWO} and next: as for the depths. "
            f"In parentheses: {_of(found)} intervals over models."
        ),
        frame=grouped(rows),
        align=f"{2 * ('(1.7)' if _wrapped(found) else 'l')}rrrrrr",
        long=len(rows) > _LONG,
    )


def _models(found: Pooling) -> Table:
    rows = [
        row
        for one in found.attributes
        if one.depth is not None
        for row in _of_each(found, one, one.depth)
    ]
    return Table(
        name="pool-models",
        caption=(
            "The models one by one: depth of emergence with the standard error over scenes, or the "
            "outcome where there is no depth; the weight in the mean; and the mean without this "
            f"model, with its {_of(found)} interval over the other models."
        ),
        frame=grouped(rows),
        align="(1.9)(3.4)rrrrr" if _wrapped(found) else "l(4)rrrrr",
        long=len(rows) > _LONG,
    )


def _of_each(found: Pooling, one: PooledAttribute, depth: Pool) -> Iterator[dict[str, str]]:
    models = {model.run: model for model in depth.models}
    without = {each.run: each for each in depth.leave_one_out}
    for key, name in model_names(found).items():
        row = {"attribute": one.attribute, "model": name}
        if key not in models:
            yield row | {"depth": one.outcomes[key].replace("_", " "), "SE": "", "weight": "",
                         "scenes": "", "without it (CI)": ""}  # fmt: skip
            continue
        model, rest = models[key], without[key]
        yield row | {
            "depth": number(model.estimate, 3),
            "SE": number(model.standard_error, 3),
            "weight": percent(model.weight),
            "scenes": f"{model.n_scenes:,}",
            "without it (CI)": f"{number(rest.mean, 3)} ({_ends(rest.low, rest.high, 3)})",
        }


def _spread(pool: Pool | None) -> dict[str, str]:
    if pool is None:
        return dict.fromkeys(("tau (CI)", "I\N{SUPERSCRIPT TWO}", "next"), "")
    return {
        "tau (CI)": f"{number(pool.tau)} ({_ends(pool.tau_low, pool.tau_high)})",
        "I\N{SUPERSCRIPT TWO}": percent(pool.i2),
        "next": _ends(pool.predicted_low, pool.predicted_high),
    }


def _mean(mean: Mean, digits: int) -> str:
    return f"{number(mean.mean, digits)} ({_ends(mean.low, mean.high, digits)})"


def _ends(low: float, high: float, digits: int = 2) -> str:
    return f"{number(low, digits)} to {number(high, digits)}"


def _wrapped(found: Pooling) -> bool:
    """Whether the names of attributes must wrap over several lines, so that the numbers fit beside
    them."""
    return max(len(one.attribute) for one in found.attributes) > _LONG_NAME


def _of(found: Pooling) -> str:
    return level(found.plan.level)


SECTION = Section(
    name="pool",
    place=91,
    about="pooling",
    made_by="python -m analysis.pool {run}",
    holds=lambda record: True,
    optional=True,
    text=_text,
    values=_values,
    figures=_figures,
    tables=_tables,
)
