"""Competing words as a table and in sentences."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis.reporting.printed import WIDTH, printed
from analysis.reporting.report_text import p_text, p_value


def confusion_table(name: str, found: Mapping[str, Any]) -> str:
    """A row per layer: the right answers taken for right, and each competing word's log-ratio."""
    level = f"{100 * found['level']:g}%"
    table = Table(
        title=f"{name}, competing words, logit lens: {found['n_scenes']} scenes",
        box=SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        caption="right: share of scenes whose likeliest answer is the right one. Others: log2 of "
        "p(competing word) / p(right word) on the scenes with that answer, mean in bits; near: the "
        f"first of each answer, all together, with {level} interval over scenes and p (two-sided, "
        "adjusted over layers).",
        caption_justify="left",
    )
    pairs = found["pairs"]
    headers = [f"{pair['near']}\n/{pair['answer']}" for pair in pairs]
    table.add_column("layer", justify="right", no_wrap=True)
    for header in ("right", "near", f"{level} CI", "p"):
        table.add_column(header, justify="right", no_wrap=True)
    for header in headers:
        table.add_column(header, justify="right", overflow="fold")
    for layer, row in enumerate(found["together"]["layers"]):
        table.add_row(
            str(layer),
            f"{_right_share(found, layer):.2f}",
            f"{row['ratio_bits']:+.2f}",
            f"{row['low']:+.2f} to {row['high']:+.2f}",
            p_value(row["p"]),
            *(f"{pair['layers'][layer]['ratio_bits']:+.2f}" for pair in pairs),
        )
    notes = "".join(
        f"{textwrap.fill(f'  note: {note}', WIDTH, subsequent_indent='    ')}\n"
        for note in found["notes"]
    )
    return f"{printed(table)}\n{notes}"


def confusion_sentences(name: str, found: Mapping[str, Any]) -> Iterator[str]:
    """Where each competing word overtakes the right one, how many answers turn, what 3D does."""
    for pair in (found["together"], *found["pairs"]):
        yield overtaking_sentence(name, pair, found["level"])
    yield turned_sentence(name, found["together"]["turned"], found["level"])
    if "say_3d" in found:
        yield wording_sentence(name, found["say_3d"], found["level"])


def overtaking_sentence(name: str, pair: Mapping[str, Any], level: float) -> str:
    """From which layer on the competing word is the likelier, or that it is not at the last."""
    crossing, last = pair["overtaking"], pair["layers"][-1]
    who = (
        f"{name}: over all answers the near word"
        if pair["answer"] is None
        else f"{name}: '{pair['near']}' against '{pair['answer']}'"
    )
    p = p_text(last["p"])
    if pair.get("p_holm") is not None:
        p += f", over all layers and pairs {p_text(pair['p_holm'])}"
    basis = (
        f"at layer {last['layer']} {last['ratio_bits']:+.2f} bits, {100 * level:g}% CI "
        f"{last['low']:+.2f} to {last['high']:+.2f}, {p}; {pair['n_scenes']} scenes"
    )
    if crossing["layer"] is None:
        return f"{who} is not the likelier at the last layer ({basis})."
    return (
        f"{who} is the likelier for good from layer {crossing['layer']} on "
        f"({100 * level:g}% CI {_ends(crossing)}; forward-backward set {_ends(crossing['set'])}; "
        f"{basis})."
    )


def turned_sentence(name: str, turned: Mapping[str, Any], level: float) -> str:
    """How many answers that were right at some layer end as the near word."""
    if turned["share"] is None:
        return f"{name}: the right word is at no layer the likeliest one in any scene."
    return (
        f"{name}: of {turned['n_right']} scenes whose likeliest word is the right one at some "
        f"layer, {turned['n_turned']} end with the near word "
        f"({100 * turned['share']:.1f}%, {100 * level:g}% CI {100 * turned['low']:.1f}% to "
        f"{100 * turned['high']:.1f}%)."
    )


def wording_sentence(name: str, found: Mapping[str, Any], level: float) -> str:
    """What saying 3D does to the log-odds of the near word, with what is claimed of no effect."""
    last = found["layers"][-1]
    ends = f"{100 * level:g}% CI {last['low']:+.2f} to {last['high']:+.2f}"
    return (
        f"{name}: saying 3D changes the log-odds of the near word by "
        f"{last['difference_bits']:+.2f} bits at layer {last['layer']} ({ends}, "
        f"{p_text(last['p'])}); over all layers {p_text(found['omnibus_p'])}: "
        f"{wording_verdict(found, level)} ({found['n_scenes']} scenes)."
    )


def wording_verdict(found: Mapping[str, Any], level: float) -> str:
    """What may be said of a difference, and of its absence: two claims, each with its own test."""
    shown, bound = found["omnibus_p"] <= 1 - level, f"{found['margin_bits']:g} bits"
    if found["equivalent_at_all_layers"]:
        beyond = f"beyond {bound} at any layer (equivalence)"
        return f"a difference is shown, but none {beyond}" if shown else f"no difference {beyond}"
    return "a difference is shown" if shown else "neither a difference nor its absence is shown"


def _right_share(found: Mapping[str, Any], layer: int) -> float:
    """Over all scenes: the diagonal, weighted by how often each answer is right."""
    matrix = found["matrix"]
    shares = matrix["layers"][layer]["share"]
    hits = sum(
        n * row[matrix["chosen"].index(right)]
        for n, row, right in zip(matrix["n_scenes"], shares, matrix["right"], strict=True)
    )
    return hits / sum(matrix["n_scenes"])


def _ends(ends: Mapping[str, Any]) -> str:
    low, high = ends["low"], ends["high"]
    if low is None:
        return "none"
    return f"{low} or later" if high is None else f"{low} to {high}"
