"""Figures of lens trajectories: heat maps over items, positions and tokens, and curves by layer."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from analysis.drawing.figures import COLORS, TEXT_WIDTH_IN, save_figure
from analysis.drawing.style import house_style
from analysis.drawing.token_labels import shown, token_labels
from analysis.trajectory.found import (
    AttributeTrajectory,
    Curves,
    Followed,
    Heat,
    LayerMean,
    TokenMap,
)

TOP1, JSD = "top-1 probability", "JSD to the layer before (bits)"
_STYLES: dict[str, Any] = {
    "real": {"linestyle": "-", "marker": "o"},
    "shuffled": {"linestyle": "--", "marker": "s"},
    "blank": {"linestyle": ":", "marker": "^"},
}
# Okabe and Ito's, in an order that keeps neighbours apart; others are grey.
_SCRIPT_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_SCRIPT_MARKERS = ("o", "s", "^", "v", "P", "X")


def drawn_measures(curves: Curves) -> dict[str, Followed]:
    """The measures that have a panel each, by the title of the panel."""
    return {
        "p(right answer)": curves.p_answer,
        TOP1: curves.top1_probability,
        "entropy (bits)": curves.entropy_bits,
        "D(final || layer) (bits)": curves.kl_bits,
        JSD: curves.jsd_adjacent_bits,
        "JSD to the final layer (bits)": curves.jsd_final_bits,
    }


def draw_heat(
    axes: Axes, values: Sequence[Sequence[float]], *, first_layer: int, columns: str
) -> AxesImage:
    """Draws a heat map with a row per layer and a column per item or position; white is 0, black is
    1."""
    table = np.asarray(values).T
    n_layers, n_columns = table.shape
    image = axes.imshow(
        table, cmap="Greys", vmin=0, vmax=1, aspect="auto", interpolation="none", origin="lower",
        extent=(-0.5, n_columns - 0.5, first_layer - 0.5, first_layer + n_layers - 0.5),
    )  # fmt: skip
    axes.set_xlabel(columns)
    axes.set_ylabel("layer")
    return image


def draw_pair(figure: Any, found: Heat | TokenMap, columns: str) -> list[Axes]:
    """Draws the probability of the most probable token beside the divergence from the layer before,
    with the same scale of shades."""
    panels = list(figure.subplots(1, 2, sharey=True))
    values = found.top1_probability, found.jsd_adjacent_bits
    for axes, shades, title, first in zip(panels, values, (TOP1, JSD), (0, 1), strict=True):
        image = draw_heat(axes, shades, first_layer=first, columns=columns)
        axes.set_title(title, fontsize=8)
        axes.set_facecolor("0.95")
    panels[1].set_ylabel("")
    n_layers = len(found.top1_probability[0])
    panels[0].set_ylim(-0.5, n_layers - 0.5)
    panels[0].set_yticks(range(0, n_layers, max(1, n_layers // 10)))
    bar = figure.colorbar(image, ax=panels, shrink=0.8, aspect=15, pad=0.02)
    bar.set_label("probability, or bits", fontsize=7)
    bar.ax.tick_params(labelsize=7)
    return panels


def draw_positions(figure: Any, found: TokenMap) -> None:
    """Draws both heat maps over the token positions of a prompt; the image's tokens are
    underlined."""
    panels = draw_pair(figure, found, "token position (underlined: image)")
    places = np.flatnonzero(found.of_image)
    for axes in panels:
        if len(places):
            axes.plot(
                [places[0] - 0.5, places[-1] + 0.5], [0.012, 0.012], color=COLORS["shape"],
                linewidth=3, solid_capstyle="butt", transform=axes.get_xaxis_transform(),
            )  # fmt: skip


def draw_measure(axes: Axes, measure: Followed, title: str) -> None:
    """Draws one measure by layer under each condition, with bands over scenes."""
    for condition, rows in measure.conditions.items():
        _draw_curve(axes, rows, condition, COLORS[condition], **_STYLES[condition])
    axes.set_title(title, fontsize=8)
    _layer_axis(axes, measure.real[-1].layer)
    axes.set_ylim(bottom=0)


def _draw_curve(
    axes: Axes, rows: Sequence[LayerMean], label: str, color: str, **style: Any
) -> None:
    layers = [row.layer for row in rows]
    low, high = [row.low for row in rows], [row.high for row in rows]
    axes.fill_between(layers, low, high, color=color, alpha=0.2, linewidth=0)
    axes.plot(
        layers, [row.estimate for row in rows], color=color, markersize=2.5, linewidth=1.1,
        label=label, **style,
    )  # fmt: skip


def _layer_axis(axes: Axes, last: int) -> None:
    axes.set_xlabel("layer")
    axes.set_xticks(range(0, last + 1, max(1, last // 5)))


def draw_measures(figure: Any, found: AttributeTrajectory) -> None:
    """Draws all measures, each in a panel of its own."""
    panels = figure.subplots(2, 3, sharex=True)
    measures = drawn_measures(found.curves)
    for axes, (title, measure) in zip(panels.ravel(), measures.items(), strict=True):
        draw_measure(axes, measure, title)
    for axes in panels[0]:
        axes.set_xlabel("")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=7)


def draw_scripts(axes: Axes, found: AttributeTrajectory) -> None:
    """Draws, by layer, the share of scenes whose most probable token is in each script."""
    for place, each in enumerate(found.scripts):
        other = place >= len(_SCRIPT_COLORS) or each.script == "others"
        color = "#999999" if other else _SCRIPT_COLORS[place]
        marker = "D" if other else _SCRIPT_MARKERS[place]
        _draw_curve(axes, each.layers, each.script, color, marker=marker)
    axes.set_ylim(0, 1.02)
    _layer_axis(axes, found.n_layers)
    axes.set_ylabel("share of scenes")
    axes.set_title("script of the most probable token", fontsize=8)
    axes.legend(frameon=False, fontsize=7, loc="best")


def draw_tokens(axes: Axes, found: AttributeTrajectory) -> AxesImage:
    """Draws the tokens with the highest mean probability by layer, the highest on top."""
    tokens = found.tokens[::-1]
    table = np.array([token.layers for token in tokens])
    image = axes.imshow(table, cmap="Greys", vmin=0, aspect="auto", interpolation="none",
                        origin="lower")  # fmt: skip
    labels = token_labels([token.text for token in tokens])
    ticks = axes.set_yticks(range(len(tokens)), [label.text for label in labels], fontsize=7)
    for tick, label in zip(ticks, labels, strict=True):
        label.put(tick.label1)
        label.put(tick.label2)
    axes.set_xticks(range(0, table.shape[1], max(1, (table.shape[1] - 1) // 5)))
    axes.set_xlabel("layer")
    axes.set_title("mean probability of a token", fontsize=8)
    return image


def draw_vocabulary(figure: Any, found: AttributeTrajectory) -> None:
    """Draws the heat map of tokens beside the shares of scripts."""
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.1))
    bar = figure.colorbar(draw_tokens(left, found), ax=left, shrink=0.6, aspect=20, pad=0.02)
    bar.ax.tick_params(labelsize=7)
    draw_scripts(right, found)


def save_trajectory_figures(
    chosen: Mapping[str, AttributeTrajectory], maps: Sequence[TokenMap], folder: Path
) -> list[Path]:
    """Draws three figures of each attribute, and one of each map over positions, as PDF and PNG;
    gives the files."""
    files = []
    for name, found in chosen.items():
        heat = found.heat
        basis = f"{name}: {found.n_scenes:,} scenes, {100 * found.level:g}% intervals"
        shown_items = f"item ({len(heat.item_ids)} of {found.n_items:,})"
        drawings: dict[str, tuple[str, float, Callable[[Any], Any]]] = {
            "heat": (f"{name}: logit lens, single items (no interval)", 2.4,
                     lambda figure, h=heat, c=shown_items: draw_pair(figure, h, c)),
            "curves": (basis, 3.4, lambda figure, f=found: draw_measures(figure, f)),
            "tokens": (basis, 4.2, lambda figure, f=found: draw_vocabulary(figure, f)),
        }  # fmt: skip
        for kind, (title, height, draw) in drawings.items():
            files += _saved(folder / f"trajectory-{name}-{kind}", title, height, draw)
    for place, each in enumerate(maps):
        title = f"{each.item_id}: {each.question} (one item, no interval)"
        files += _saved(
            folder / f"trajectory-positions-{place + 1}", title, 2.4,
            lambda figure, m=each: draw_positions(figure, m),
        )  # fmt: skip
    return files


def _saved(stem: Path, title: str, height: float, draw: Callable[[Any], Any]) -> list[Path]:
    files = [stem.with_name(f"{stem.name}.{ending}") for ending in ("pdf", "png")]
    with house_style():
        figure = Figure(figsize=(TEXT_WIDTH_IN, height), layout="constrained")
        draw(figure)
        figure.suptitle(shown(title), fontsize=8, parse_math=False)
        undated = {"Title": title, "CreationDate": None, "ModDate": None}
        save_figure(figure, files[0], metadata=undated)
        save_figure(figure, files[1], dpi=200)
    return files
