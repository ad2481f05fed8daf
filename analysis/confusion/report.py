"""Competing words as a table and in sentences."""

import textwrap
from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis.confusion.found import Compared, Confused, OtherWording, RatioAtLayer, Turned
from analysis.effects.found import Interval
from analysis.printed import WIDTH, printed
from analysis.wording import p_text, p_value, set_text


def confusion_table(name: str, found: Confused) -> str:
    """A row per layer for all answers together, then a row per pair of words at the last layer."""
    notes = "".join(
        f"{textwrap.fill(f'  note: {note}', WIDTH, subsequent_indent='    ')}\n"
        for note in found.notes
    )
    return f"{printed(_layer_table(name, found))}\n\n{printed(_pair_table(name, found))}\n{notes}"


def _layer_table(name: str, found: Confused) -> Table:
    level = f"{100 * found.level:g}%"
    table = _table(
        f"{name}, competing words, logit lens: {found.n_scenes} scenes",
        "right: share of scenes whose likeliest answer is the right one. near: log2 of p(competing "
        "word) / p(right word), each answer with the first of its competing words, mean in bits. "
        "image adds: near less the same under other scenes' images; a preference for a word, "
        f"whatever is shown, is taken off. {level} intervals over scenes; p (two-sided, adjusted "
        "over layers) of what the image adds.",
    )
    for header in ("layer", "right", "near", f"{level} CI", "image adds", f"{level} CI", "p"):
        table.add_column(header, justify="right", no_wrap=True)
    for layer, row in enumerate(found.together.layers):
        right = f"{_right_share(found, layer):.2f}"
        table.add_row(str(layer), right, *_lead_cells(row), p_value(row.added_p))
    return table


def _pair_table(name: str, found: Confused) -> Table:
    level, last = f"{100 * found.level:g}%", found.together.layers[-1].layer
    table = _table(
        f"{name}, pairs of words at layer {last}",
        "p: of what the image adds, the smallest over layers, adjusted over layers and pairs "
        "(Holm). turned: of the scenes that were right at some layer, those that end with the "
        "competing word; others: the same with another scene's image.",
    )
    table.add_column("competing / right", overflow="fold")
    for header in ("near", f"{level} CI", "image adds", f"{level} CI", "p", "turned", "others"):
        table.add_column(header, justify="right", no_wrap=True)
    for pair in found.pairs:
        table.add_row(
            f"{pair.near} / {pair.answer}",
            *_lead_cells(pair.layers[-1]),
            p_value(pair.added.p),
            *(f"{each.n_turned}/{each.n_right}" for each in _turned(pair)),
        )
    return table


def _table(title: str, caption: str) -> Table:
    return Table(
        title=title,
        box=SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        caption=caption,
        caption_justify="left",
    )


def _lead_cells(row: RatioAtLayer) -> tuple[str, str, str, str]:
    return (
        f"{row.ratio_bits:+.2f}",
        f"{row.low:+.2f} to {row.high:+.2f}",
        f"{row.added_bits:+.2f}",
        f"{row.added_low:+.2f} to {row.added_high:+.2f}",
    )


def _turned(pair: Compared) -> tuple[Turned, Turned]:
    return pair.turned, pair.turned_shuffled


def confusion_sentences(name: str, found: Confused) -> Iterator[str]:
    """Where each competing word overtakes the right one, and whether the image has a part in it;
    how many answers turn, and what 3D does."""
    for pair in (found.together, *found.pairs):
        yield overtaking_sentence(name, pair, found.level)
    yield turned_sentence(name, found.together, found.level)
    if found.say_3d is not None:
        yield wording_sentence(name, found.say_3d, found.level)


def overtaking_sentence(name: str, pair: Compared, level: float) -> str:
    """From which layer on the competing word is the more probable one, or that it is not at the
    last layer, and whether this is due to the image."""
    crossing, last = pair.overtaking, pair.layers[-1]
    who = (
        f"{name}: over all answers the near word"
        if pair.answer is None
        else f"{name}: '{pair.near}' against '{pair.answer}'"
    )
    basis = (
        f"at layer {last.layer} {last.ratio_bits:+.2f} bits, {100 * level:g}% CI "
        f"{last.low:+.2f} to {last.high:+.2f}; {pair.n_scenes} scenes"
    )
    over = "layers" if pair.answer is None else "layers and pairs"
    p = f"over all {over} {p_text(pair.added.p)}"
    adds = (
        f"the image adds {last.added_bits:+.2f} bits ({100 * level:g}% CI "
        f"{last.added_low:+.2f} to {last.added_high:+.2f}, {p_text(last.added_p)}, {p})."
    )
    if crossing.layer is None:
        return f"{who} is not the likelier at the last layer ({basis}); {adds}"
    return (
        f"{who} is the likelier for good from layer {crossing.layer} on (forward-backward set "
        f"{set_text(crossing.set)}; {basis}); {image_part(pair)}: {adds}"
    )


def image_part(pair: Compared) -> str:
    """What may be said about a word's lead at the last layer: that the image makes it, or a
    preference."""
    match pair.added.at_last_layer:
        case "adds":
            return "the image has its part in that"
        case "takes":
            return "that is a preference for the word, not the image's doing"
        case _:
            return (
                "that is a preference for the word, whatever the image shows: it is not shown to "
                "be the image's doing"
            )


def turned_sentence(name: str, pair: Compared, level: float) -> str:
    """How many answers that were right at some layer end as the competing word, and how many do so
    by chance."""
    turned, others = _turned(pair)
    share, by_chance = turned.interval, others.interval
    if share is None:
        return f"{name}: the right word is at no layer the likeliest one in any scene."
    said = (
        "with other scenes' images the right word is at no layer the likeliest"
        if by_chance is None
        else f"with other scenes' images {others.n_turned} of {others.n_right} do "
        f"({_share(by_chance, level)})"
    )
    return (
        f"{name}: of {turned.n_right} scenes whose likeliest word is the right one at some "
        f"layer, {turned.n_turned} end with the near word ({_share(share, level)}); "
        f"{said}."
    )


def _share(share: Interval, level: float) -> str:
    return (
        f"{100 * share.estimate:.1f}%, {100 * level:g}% CI {100 * share.low:.1f}% to "
        f"{100 * share.high:.1f}%"
    )


def wording_sentence(name: str, found: OtherWording, level: float) -> str:
    """How "3D" in the question changes the log-odds of the competing word, and whether it is shown
    to change nothing."""
    last = found.layers[-1]
    ends = f"{100 * level:g}% CI {last.low:+.2f} to {last.high:+.2f}"
    return (
        f"{name}: saying 3D changes the log-odds of the near word by "
        f"{last.difference_bits:+.2f} bits at layer {last.layer} ({ends}, "
        f"{p_text(last.p)}); over all layers {p_text(found.omnibus_p)}: "
        f"{wording_verdict(found, level)} ({found.n_scenes} scenes)."
    )


def wording_verdict(found: OtherWording, level: float) -> str:
    """What may be said about a difference and about its absence: two claims, each with its own
    test."""
    shown, bound = found.omnibus_p <= 1 - level, f"{found.margin_bits:g} bits"
    if found.equivalent_at_all_layers:
        beyond = f"beyond {bound} at any layer (equivalence)"
        return f"a difference is shown, but none {beyond}" if shown else f"no difference {beyond}"
    return "a difference is shown" if shown else "neither a difference nor its absence is shown"


def _right_share(found: Confused, layer: int) -> float:
    """The share of right answers over all scenes: the matrix's diagonal, weighted by how often each
    answer is right."""
    matrix = found.matrix
    shares = matrix.layers[layer].share
    hits = sum(
        n * row[matrix.chosen.index(right)]
        for n, row, right in zip(matrix.n_scenes, shares, matrix.right, strict=True)
    )
    return hits / sum(matrix.n_scenes)
