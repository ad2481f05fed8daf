"""Causes as tables for the terminal, and what may be said of them."""

from rich.box import SIMPLE_HEAD
from rich.table import Table

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
        f"after this layer ({found.asked.n_dear} pairs).",
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
    for each in found.nothing:
        place = max(range(len(each.shares)), key=lambda at: abs(each.shares[at].estimate))
        table.add_row(
            each.what, str(each.n_pairs), str(each.layers[place]), share_text(each.shares[place]),
            p_value(each.p), "moves nothing" if each.shown else "not shown to move nothing",
        )  # fmt: skip
    alpha = 1 - found.level
    for rank in found.elsewhere:
        table.add_row(
            f"object's positions (median of {rank.n_draws} elsewhere {rank.median:.2f})",
            str(rank.n_pairs), str(rank.layer), f"{rank.object:.2f}", p_value(rank.p),
            "more than elsewhere" if rank.p <= alpha else "not shown to move more",
        )  # fmt: skip
    for moved in sorted(found.directed, key=lambda one: -one.probe.estimate)[:1]:
        table.add_row(
            f"probe's direction set (random {moved.random.estimate:.2f}, permuted "
            f"{moved.permuted.estimate:.2f}; distance {moved.distance:.1f})",
            str(found.asked.n_dear), str(moved.layer), share_text(moved.probe),
            p_value(moved.probe_above_random),
            "more than random" if moved.probe_above_random <= alpha else "not shown to move more",
        )  # fmt: skip
    for left in found.erased:
        table.add_row(
            f"erased at the object, what is left (probe {left.probe_before:.2f} to "
            f"{left.probe_after.estimate:.2f}, chance {left.chance:.2f}; probe of {left.other} "
            f"{left.other_before:.2f} to {left.other_after.estimate:.2f})",
            str(found.asked.n_dear), str(left.layer), share_text(left.retained), "",
            "probe at chance" if left.fell else "probe not shown at chance",
        )  # fmt: skip
        table.add_row(
            f"{left.other} erased instead, what is left", str(found.asked.n_dear),
            str(left.layer), share_text(left.retained_other), "", "",
        )  # fmt: skip
    return printed(table)
