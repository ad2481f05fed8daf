"""A figure of worlds with the same knowledge, stated ever more loudly: information against stated
bits."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.drawing.figures import TEXT_WIDTH_IN, draw_crossing, save_figure
from analysis.drawing.style import house_style, log_scale
from analysis.effects.found import Interval
from analysis.worlds.found import FoundWorlds, LayerMean, World

# Okabe & Ito (2008), with strokes of their own for grey prints.
_LOOKS: dict[str, tuple[str, Any, str]] = {
    "constant": ("#000000", "-", "o"),
    "growing": ("#0072B2", "--", "s"),
    "late": ("#D55E00", ":", "^"),
}
_OTHERS = ("#009E73", "-.", "v")
_LABELS = ("information\n(share of H)", "stated bits, real\nminus shuffled (share of H)")
_UNDATED = {
    "Title": "The same knowledge, said ever more loudly",
    "CreationDate": None,
    "ModDate": None,
}


def draw_worlds(figure: Figure, found: FoundWorlds) -> None:
    """Draws how loud each world is by layer, its information, and its stated bits.

    The dotted vertical line is the layer at which all worlds know the answer; diamonds are the
    layers that each measure gives, with their intervals, each in a row of its own at the foot of
    its panel.
    """
    loudness, *panels = figure.subplots(1, 1 + len(_LABELS), width_ratios=(0.8, 1, 1))
    for world in found.worlds:
        color, line, marker = _look(world)
        loudness.plot(
            range(len(world.loudness)), world.loudness, color=color, linestyle=line,
            marker=marker, markersize=2.5, linewidth=1.1, label=world.name,
        )  # fmt: skip
    log_scale(loudness)
    factors = [factor for world in found.worlds for factor in world.loudness]
    low, high = 0.8 * min(factors), 1.25 * max(factors)
    ticks = [tick for tick in (0.1, 0.3, 1, 3, 10, 30, 100) if low <= tick <= high]
    loudness.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    loudness.minorticks_off()
    loudness.set_ylim(low, high)
    loudness.set_ylabel("factor of the logits")
    measures = (
        [(world.information, world.layer) for world in found.worlds],
        [(world.stated, world.stated_layer) for world in found.worlds],
    )
    for axes, curves, label in zip(panels, measures, _LABELS, strict=True):
        _draw_measure(axes, found, curves)
        axes.set_ylabel(label)
    for axes in (loudness, *panels):
        axes.set_xlabel("layer")
        axes.set_xticks(range(0, found.n_layers + 1, max(1, found.n_layers // 4)))
    handles, labels = loudness.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False,
                  fontsize=7)  # fmt: skip


def _draw_measure(
    axes: Axes,
    found: FoundWorlds,
    curves: Sequence[tuple[Sequence[LayerMean], Interval | None]],
) -> None:
    """Draws one measure of all worlds by layer, with the layers that it gives below."""
    highest = max(row.high for rows, _ in curves for row in rows)
    axes.axhline(0, color="0.6", linewidth=0.6)
    axes.axvline(found.truth, color="0.5", linewidth=0.8, linestyle=":")
    for place, (world, (rows, layer)) in enumerate(zip(found.worlds, curves, strict=True)):
        color, line, marker = _look(world)
        layers = [row.layer for row in rows]
        low, high = [row.low for row in rows], [row.high for row in rows]
        axes.fill_between(layers, low, high, color=color, alpha=0.15, linewidth=0)
        axes.plot(layers, [row.estimate for row in rows], color=color, linestyle=line,
                  marker=marker, markersize=2.5, linewidth=1.1)  # fmt: skip
        if layer is not None:
            height = -0.09 * highest * (place + 1)
            draw_crossing(axes, layer, height, color=color, marker="D")
    # Below 0 stand the diamonds, which have no height.
    axes.set_yticks([tick for tick in axes.get_yticks() if 0 <= tick <= highest])


def _look(world: World) -> tuple[str, Any, str]:
    return _LOOKS.get(world.name, _OTHERS)


def save_worlds_figure(found: FoundWorlds, folder: Path) -> tuple[Path, Path]:
    """Draws the figure as PDF and PNG; gives the two files."""
    with house_style():
        figure = Figure(figsize=(TEXT_WIDTH_IN, 2.1), layout="constrained")
        draw_worlds(figure, found)
        files = folder / "worlds.pdf", folder / "worlds.png"
        save_figure(figure, files[0], metadata=_UNDATED)
        save_figure(figure, files[1], dpi=200)
    return files
