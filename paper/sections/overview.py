"""The main results: one table over all attributes and readouts, and the values that the text shared
by all reports uses."""

from collections.abc import Iterator, Mapping

import pandas as pd

from analysis.effects.found import Finding
from analysis.emergence.found import Said
from analysis.wording import listed, p_value
from paper.evidence.order_wording import order_clause
from paper.evidence.plain import interval, layer_set, number, percent, span
from paper.evidence.plain import level as level_of
from paper.evidence.record import IDENTITY, RunRecord
from paper.evidence.setting import (
    data_clause,
    model_clause,
    questions_clause,
    right_answers_sentence,
    said_sentence,
)
from paper.evidence.studies import READOUT_NAMES, READOUTS, main_readout
from paper.evidence.values import Value
from paper.evidence.wording import (
    controls_clause,
    emergence_clause,
    outcome_word,
    robustness_range,
    whole_layer,
)
from paper.output.floats import Table, grouped
from paper.sections.section import Section

_TEXT = r"""
\subsection{The answer in short}\label{sec:\run:overview}
Read with the \val{readout}, \val{findings}. As to their order: \val{order}. Of the controls:
\val{controls}. \tabref{overview} gives the same for every readout that was applied, with the sets
that hold without assumptions on the curve's shape and with the range of the layer under other
defensible choices; the sections that follow take one question each. \tabref{design} lists what was
asked.

\placetable{overview}
\placetable{design}
"""


def _text(record: RunRecord) -> str:
    return _TEXT


def _values(record: RunRecord) -> Iterator[Value]:
    readout = main_readout(record)
    findings = record.findings(readout)
    where = f"attributes/*/readouts/{readout}"
    clauses = [emergence_clause(name, found) for name, found in findings.items()]
    every = list(findings.values())
    scenes = span([found.n_scenes for found in every])
    items = span([found.n_items for found in every])
    texts = span([found.n_texts for found in every])
    yield Value(key="readout", text=READOUT_NAMES[readout], where="attributes")
    yield Value(key="findings", text="; ".join(clauses), where=where)
    yield Value(key="attributes", text=listed(list(findings)), where="attributes")
    yield Value(key="order", text=order_clause(record.study("order")), where="studies/order")
    yield Value(key="controls", text=controls_clause(findings), where=f"{where}/omnibus_p")
    summary = (
        f"For {model_clause(record)}, asked about {listed(list(findings))} on "
        f"{data_clause(record)} ({scenes} scenes per attribute): {'; '.join(clauses)}; "
        f"{controls_clause(findings)}. As to the order: {order_clause(record.study('order'))}."
    )
    yield Value(key="summary", text=summary, where="attributes", names_model=True)
    yield Value(key="scenes", text=scenes, where=f"{where}/n_scenes")
    yield Value(key="items", text=items, where=f"{where}/n_items")
    yield Value(key="texts", text=texts, where=f"{where}/n_texts")
    yield Value(key="last-layer", text=str(record.last_layer), where=f"{where}/layers")
    plateaus = dict.fromkeys(f"{found.plateau[0]} to {found.plateau[1]}" for found in every)
    yield Value(key="plateau", text=listed(list(plateaus)), where=f"{where}/plateau")
    horizons = dict.fromkeys(str(found.horizon) for found in every)
    yield Value(key="horizon", text=listed(list(horizons)), where=f"{where}/horizon")
    yield from _declared(record)


def _declared(record: RunRecord) -> Iterator[Value]:
    plan = record.plan
    declared = {
        "level": level_of(plan["level"]),
        "margin": percent(plan["margin"]),
        "resamples": f"{plan['n_resamples']:,}",
        "scenes-per-text": str(plan["min_scenes_per_text"]),
        "questions": questions_clause(record),
        "seed": str(plan["seed"]),
    }
    for key, text in declared.items():
        yield Value(key=key, text=text, where="plan", source=IDENTITY)
    yield Value(key="model-name", text=record.model, where="model")
    yield Value(key="model", text=model_clause(record), where="model", names_model=True)
    yield Value(key="data", text=data_clause(record), where="data")
    yield Value(key="said", text=said_sentence(record), where="studies/said")
    yield Value(key="right-answers", text=right_answers_sentence(record), where="data")


def _tables(record: RunRecord) -> Iterator[Table]:
    yield _design(record)
    yield _outcomes(record)


def _design(record: RunRecord) -> Table:
    said = record.found_by_name("said", Said)
    rows = [
        {
            "attribute": name,
            "scenes": f"{found.n_scenes:,}",
            "items": f"{found.n_items:,}",
            "texts": f"{found.n_texts:,}",
            "answers": str(len(found.answers)),
            "H (bits)": number(found.answer_entropy_bits),
            "most frequent answer": _most_frequent(found.answers),
            "read as said": _agreement(said.get(name)),
        }
        for name, found in record.findings(main_readout(record)).items()
    ]
    return Table(
        name="design",
        caption=(
            f"What {record.model} was asked: scenes, items (image and question), different texts, "
            "possible answers with their entropy H, the most frequent one with its items, and how "
            "often the answer read at the last layer is the one that the model said, of the items "
            f"that it was let to answer, with {level_of(record.plan['level'])} interval."
        ),
        frame=pd.DataFrame(rows),
        align="lrrrrrrr",
    )


def _agreement(found: Said | None) -> str:
    if found is None:
        return "not checked"
    own = found.agree
    ends = f"{percent(own.low)} to {percent(own.high)}"
    return f"{own.n} of {found.n_items} ({ends})"


def _most_frequent(answers: Mapping[str, int]) -> str:
    name = max(answers, key=lambda answer: answers[answer])
    return f"{name} ({answers[name]:,})"


def _outcomes(record: RunRecord) -> Table:
    by_readout = {readout: record.findings(readout) for readout in READOUTS}
    rows = [
        {"attribute": name, "readout": READOUT_NAMES[readout], **_cells(found)}
        for name in record.attributes
        for readout, findings in by_readout.items()
        if (found := findings.get(name)) is not None
    ]
    every = record.findings(main_readout(record)).values()
    one = next(iter(every))
    scenes = span([found.n_scenes for found in every])
    return Table(
        name="overview",
        caption=(
            f"Layer of emergence, of {record.last_layer}, by attribute and readout in "
            f"{record.model} ({scenes} scenes). CI: {level_of(one.level)} bootstrap interval "
            "over scenes. Whole: the first whole layer past it, with its interval if that is more "
            "than one layer. Set: forward-backward set at the same level. Choices: range of the "
            "layer under other defensible choices. Plateau: mean effect of the image in the "
            "plateau window, as share of the answer entropy H. p: of the weaker of the two "
            "controls, adjusted over layers; Holm: the largest p of both controls, over all layers "
            "and on the plateau, adjusted over the findings of the run."
        ),
        frame=grouped(rows),
        align="lllrllllrrr",
    )


def _cells(found: Finding) -> dict[str, str]:
    """One row of the table of outcomes, as text by column. Cells that need a layer of emergence are
    empty if there is none."""
    crossing = found.lambda_half
    choices = None if crossing is None else robustness_range(found)
    return {
        "outcome": outcome_word(found),
        "layer": "" if crossing is None else number(crossing.estimate, 1),
        "CI": "" if crossing is None else interval(crossing, 1),
        "whole": "" if crossing is None else whole_layer(found),
        "set": layer_set(found.fb_half) if found.outcome == "emerged" else "",
        "choices": "" if choices is None else " to ".join(number(end, 1) for end in choices),
        "plateau": number(found.plateau_effect),
        "p": p_value(found.omnibus_p.largest),
        "Holm": p_value(found.omnibus_p_holm),
    }


SECTION = Section(
    name="overview",
    place=0,
    made_by="python -m analysis.emergence --attr all --readout all --run {run}",
    holds=lambda record: True,
    needed=True,
    text=_text,
    values=_values,
    tables=_tables,
)
