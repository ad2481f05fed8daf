"""The order of attributes in words, as a table and as a figure."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis.drawing.figures import TEXT_WIDTH_IN, looks, save_figure
from analysis.drawing.style import house_style
from analysis.order.found import FoundOrder
from analysis.printed import printed
from analysis.wording import READOUT_NAMES, p_text, p_value

_UNDATED = {"Title": "Order of the attributes", "CreationDate": None, "ModDate": None}


def order_text(found: FoundOrder) -> str:
    """A row per pair, then what may be said of the order that is tested."""
    left_out = [f"{name} is left out: {why}" for name, why in found.left_out.items()]
    if not found.differences:
        return "\n".join([*left_out, "no order: fewer than 2 attributes emerge"])
    return "\n".join([_table(found), *left_out, chain_sentence(found)])


def chain_sentence(found: FoundOrder) -> str:
    """Whether the order is shown, declared or given, and which is the most frequent one."""
    given = ", ".join(found.attributes)
    shown = "is shown" if found.claim_p <= 1 - found.level else "is not shown"
    most = found.most_frequent
    return (
        f"The {order_called(found)} ({given}) {shown} ({p_text(found.claim_p)}, "
        f"intersection-union over its links; {found.n_scenes} scenes). {order_basis(found)} "
        f"Most frequent among resamples: {', '.join(most.order)} "
        f"({100 * most.probability:.0f}%)."
    )


def order_called(found: FoundOrder) -> str:
    """The word for the order: declared if it was fixed before there were results, else given."""
    return "declared order" if found.declared else "order given"


def order_basis(found: FoundOrder) -> str:
    """What the word "declared" or "given" rests on, as a sentence."""
    return f"Declared before the run: {'yes' if found.declared else 'no'} ({found.rests_on})."


def _table(found: FoundOrder) -> str:
    level = f"{100 * found.level:g}%"
    table = Table(
        title=f"layers of emergence compared, {READOUT_NAMES[found.readout]}: "
        f"{found.n_scenes} scenes that all attributes share",
        box=SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        caption=f"Second minus first, in layers; {level} interval of the paired scene bootstrap. "
        "p: two-sided, Holm over pairs. p earlier: one-sided, first before second. apart: disjoint "
        "forward-backward sets in this order.",
        caption_justify="left",
    )
    for header in ("first", "second", "difference", f"{level} CI", "p", "p earlier", "apart"):
        table.add_column(header, justify="right", no_wrap=True)
    estimates = found.estimates
    for pair in found.differences:
        table.add_row(
            *(f"{name} {estimates[name]:.1f}" for name in (pair.first, pair.second)),
            f"{pair.estimate:+.2f}",
            f"{pair.low:+.2f} to {pair.high:+.2f}",
            p_value(pair.p_holm),
            p_value(pair.p_earlier),
            "yes" if pair.sets_apart else "no",
        )
    return printed(table)


def draw_order(axes: Axes, found: FoundOrder) -> None:
    """Draws a ridge per attribute, the earliest on top: the share of resamples by layer of
    emergence."""
    estimates = found.estimates
    names = found.by_layer
    drawn_as = looks(found.given)
    tallest = max(max(found.distribution[name].share) for name in names)
    for place, name in enumerate(names):
        base = len(names) - 1 - place
        drawn, look = found.distribution[name], drawn_as[name]
        height = [base + 0.85 * share / tallest for share in drawn.share]
        axes.fill_between(drawn.layers, base, height, color=look.color, alpha=0.3, linewidth=0)
        axes.plot(drawn.layers, height, color=look.color, linestyle=look.line, linewidth=1)
        axes.plot([estimates[name]] * 2, [base, base + 0.9], color=look.color, linewidth=0.8)
    axes.set_yticks([len(names) - 1 - place for place in range(len(names))], names)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-0.1, len(names))
    held = [
        layer
        for each in found.distribution.values()
        for layer, share in zip(each.layers, each.share, strict=True)
        if share
    ]
    axes.set_xlim(min(held) - 0.5, max(held) + 0.5)
    axes.set_xlabel("layer of emergence (half of the plateau)")


def save_order_figure(found: FoundOrder, folder: Path) -> tuple[Path, Path]:
    """Draws the order as a distribution over resampled scenes, as PDF and PNG; gives the two
    files."""
    with house_style():
        size = (0.75 * TEXT_WIDTH_IN, 0.55 + 0.5 * len(found.estimates))
        figure = Figure(figsize=size, layout="constrained")
        draw_order(figure.subplots(), found)
        files = folder / "order.pdf", folder / "order.png"
        save_figure(figure, files[0], metadata=_UNDATED)
        save_figure(figure, files[1], dpi=200)
    return files
