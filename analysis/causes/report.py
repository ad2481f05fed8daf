"""Causes as tables for the terminal, and what may be said of them."""

from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis.causes.control_rows import control_rows
from analysis.causes.found import Caused
from analysis.causes.wording import KIND_NAMES, causes_sentences
from analysis.effects.found import Interval
from analysis.printed import printed
from analysis.wording import p_value

_FAR = 1e6


def causes_text(name: str, found: Caused) -> str:
    """Tables of shares and of controls, then what may be said."""
    said = "\n".join(causes_sentences(name, found))
    notes = "".join(f"note: {each}\n" for each in found.notes)
    return f"{_shares(name, found)}\n{_controls(found)}\n{said}\n{notes}"


def share_text(share: Interval) -> str:
    """A share with its interval, in hundredths."""
    if max(abs(share.low), abs(share.high)) > _FAR:
        return "unbounded"
    return f"{share.estimate:.2f} [{share.low:.2f}, {share.high:.2f}]"


def _two_lines(share: Interval) -> str:
    return share_text(share).replace(" ", "\n", 1)


def _shares(name: str, found: Caused) -> str:
    level = f"{100 * found.level:g}%"
    table = Table(
        title=f"{name}: share of the total effect that moves with the swapped rows, "
        f"{found.n_pairs} {found.pairs} pairs",
        box=SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        caption=f"Ratio of means over pairs, both directions; {level} interval over "
        "pairs (Fieller). together: what image, question and answer position move together, "
        "but none of them alone. left after a cut: what is left when text cannot look at the image "
        f"after this layer ({found.n_dear} pairs).",
        caption_justify="left",
    )
    places = found.every.places
    table.add_column("layer", justify="right")
    shown = {KIND_NAMES[kind]: shares for kind, shares in places.items()}
    shown["together"] = found.every.interaction
    if found.cut:
        shown["left after a cut"] = found.cut
    for header in shown:
        table.add_column(header, justify="right")
    for layer in range(found.last_layer + 1):
        columns = [shares[layer] for shares in shown.values()]
        table.add_row(str(layer), *(_two_lines(each) for each in columns))
    return printed(table)


def _controls(found: Caused) -> str:
    table = Table(
        title="controls",
        box=SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        caption="moves: the largest share over the layers, with its interval; p: that of the claim "
        "in the last column. All layers stand in results.json.",
        caption_justify="left",
    )
    for header in ("what is done", "pairs", "layer", "moves", "p", "claim"):
        table.add_column(header, justify="left" if header in ("what is done", "claim") else "right")
    for row in control_rows(found):
        moves = row.moves
        table.add_row(
            row.what, str(row.n_pairs), str(row.layer),
            share_text(moves) if isinstance(moves, Interval) else f"{moves:.2f}",
            "" if row.p is None else p_value(row.p), row.claim,
        )  # fmt: skip
    return printed(table)
