"""One picture per attribute: where it is readable, where it is used, and what is said."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.causes.found import Caused
from analysis.drawing.figures import COLORS, TEXT_WIDTH_IN, save_figure
from analysis.drawing.style import house_style
from analysis.effects.found import Interval
from analysis.readouts.registry import READOUTS
from analysis.wording import Estimated

_UNDATED = {"Title": "Where an answer is readable and where it is used", "CreationDate": None,
            "ModDate": None}  # fmt: skip
HEIGHT_IN = 3.7
_LOOKS = {
    "image": ("image positions", "-", "o"),
    "object": ("the object's positions", (0, (4, 1.5)), "s"),
    "rest": ("rest of the image", (0, (1, 1)), "v"),
    "question": ("question positions", (0, (4, 1.5, 1, 1.5)), "P"),
    "answer": ("answer position", "--", "^"),
}


def draw_causes(figure: Figure, name: str, found: Caused) -> None:
    """Draws three panels on one axis of layers: the effect under each readout, the shares of the
    positions, and below them the layers of both with their intervals."""
    top, middle, bottom = figure.subplots(
        3, 1, sharex=True, gridspec_kw={"height_ratios": (1.0, 1.25, 0.85)}
    )
    draw_readable(top, found)
    draw_used(middle, found)
    draw_layers(bottom, found)
    top.set_title(
        f"{name}: {found.n_pairs} {found.pairs} pairs, {100 * found.level:g}% intervals over pairs",
        fontsize=8, loc="left",
    )  # fmt: skip
    bottom.set_xlabel("layer")
    bottom.set_xlim(-0.3, found.last_layer + 0.3)
    bottom.set_xticks(range(0, found.last_layer + 1, max(1, found.last_layer // 12)))


def draw_readable(axes: Axes, found: Caused) -> None:
    """Draws what each readout says at the answer position, as share of the answers' entropy."""
    for readout, each in found.readable.items():
        look = READOUTS[readout]
        _band(axes, each.effect, look.color, look.line, look.marker, look.words)
    axes.axhline(0, color="0.8", linewidth=0.5, zorder=0)
    axes.set_ylabel("readable\n(share of H)")
    axes.legend(fontsize=7, frameon=False, loc="lower right", handlelength=2.2, labelspacing=0.25)


def draw_used(axes: Axes, found: Caused) -> None:
    """Draws the share of the total effect that moves with the rows of each kind of positions."""
    for kind, shares in found.every.places.items():
        word, line, marker = _LOOKS[kind]
        _band(axes, shares, COLORS[word], line, marker, kind)
    for height in (0, 0.5, 1):
        axes.axhline(height, color="0.8", linewidth=0.5, zorder=0)
    axes.set_ylim(-0.25, 1.25)
    axes.set_ylabel("used\n(share of effect)")
    axes.legend(
        fontsize=7, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 0.9),
        ncols=len(found.every.places), handlelength=2.0, columnspacing=1.2,
    )  # fmt: skip


def draw_layers(axes: Axes, found: Caused) -> None:
    """Draws a row for each layer that is estimated: of the readouts, of the hand-over, and the last
    layer, at which the answer is said."""
    rows: list[tuple[str, str, Estimated | None]] = [
        (READOUTS[readout].words, READOUTS[readout].color, each.half)
        for readout, each in found.readable.items()
    ]
    out, into = found.every.out, found.every.into
    rows += [
        ("out of the image", COLORS["image positions"], None if out is None else out.at),
        ("into the answer position", COLORS["answer position"], None if into is None else into.at),
    ]
    for place, (_, color, at) in enumerate(rows):
        if at is None:
            axes.text(0, -place, "no layer", fontsize=7, style="italic", color="0.4", va="center")
            continue
        axes.plot([at.low, at.high], [-place] * 2, color=color, linewidth=1.2)
        axes.plot(at.estimate, -place, marker="D", color=color, markersize=3.5)
    said = f"said: turns with the image in {100 * found.every.follows.share_right:.0f}%"
    axes.plot(found.last_layer, -len(rows), marker="*", color="0.2", markersize=6)
    axes.text(found.last_layer - 0.25, -len(rows), said, fontsize=7, ha="right", va="center")
    window = found.every.window
    if window is not None and window.start is not None and window.end is not None:
        axes.axvspan(window.start, window.end, color="0.92", zorder=0, linewidth=0)
        axes.text(
            (window.start + window.end) / 2, 0.9, "hand-over", fontsize=7, color="0.4",
            ha="center", va="center",
        )  # fmt: skip
    axes.set_yticks([-place for place in range(len(rows) + 1)], [row[0] for row in rows] + [""])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-len(rows) - 0.6, 1.4)


def _band(
    axes: Axes, shares: tuple[Interval, ...], color: str, line: object, marker: str, label: str
) -> None:
    layers = np.arange(len(shares))
    low, high, middle = (
        np.array([getattr(each, end) for each in shares]) for end in ("low", "high", "estimate")
    )
    axes.fill_between(
        layers, np.clip(low, -9, 9), np.clip(high, -9, 9), color=color, alpha=0.2, linewidth=0
    )
    axes.plot(
        layers, middle, color=color, linestyle=line, marker=marker, markersize=2.5, label=label
    )


def save_causes_figure(name: str, found: Caused, folder: Path) -> tuple[Path, Path]:
    """Draws the picture of one attribute as PDF and PNG; gives the two files."""
    with house_style():
        figure = Figure(figsize=(TEXT_WIDTH_IN, HEIGHT_IN), layout="constrained")
        draw_causes(figure, name, found)
        files = folder / f"causes-{name}.pdf", folder / f"causes-{name}.png"
        save_figure(figure, files[0], metadata=_UNDATED)
        save_figure(figure, files[1], dpi=200)
    return files


PANELS = {"readable": draw_readable, "used": draw_used, "layers": draw_layers}
"""What draws one panel, by its name."""
