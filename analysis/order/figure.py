"""The order of attributes as a distribution over resampled scenes."""

from pathlib import Path
from typing import TYPE_CHECKING

from analysis.drawing.figures import TEXT_WIDTH_IN, looks, save_figure
from analysis.drawing.style import house_style
from analysis.order.found import FoundOrder

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_UNDATED = {"Title": "Order of the attributes", "CreationDate": None, "ModDate": None}


def draw_order(axes: "Axes", found: FoundOrder) -> None:
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
    from matplotlib.figure import Figure

    with house_style():
        size = (0.75 * TEXT_WIDTH_IN, 0.55 + 0.5 * len(found.estimates))
        figure = Figure(figsize=size, layout="constrained")
        draw_order(figure.subplots(), found)
        files = folder / "order.pdf", folder / "order.png"
        save_figure(figure, files[0], metadata=_UNDATED)
        save_figure(figure, files[1], dpi=200)
    return files
