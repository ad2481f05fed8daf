"""The probes of one attribute by layer, as a figure."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from analysis.drawing.figures import COLORS, TEXT_WIDTH_IN, label_ends, save_figure
from analysis.drawing.style import house_style
from analysis.effects.found import Interval
from analysis.probes.found import CONTROL_TASK, RANDOM_WEIGHTS, Probed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_UNDATED = {"Title": "Linear probes by layer", "CreationDate": None, "ModDate": None}


def draw_accuracy(axes: "Axes", found: Probed) -> None:
    """Draws the accuracy by layer of the probe, of its control task and of the untrained copy, with
    bands."""
    curves = {"probe": [row.accuracy_interval for row in found.layers]} | {
        name: [row.accuracy_interval for row in found.compared[name]]
        for name in (CONTROL_TASK, RANDOM_WEIGHTS)
        if name in found.compared
    }
    for name, rows in curves.items():
        _draw_band(axes, rows, COLORS[name])
    majority = found.majority.accuracy
    axes.axhline(majority, color="0.6", linewidth=0.6, linestyle=":")
    axes.annotate("majority", xy=(0, majority), xytext=(0, 2), textcoords="offset points",
                  fontsize=7, color="0.4")  # fmt: skip
    label_ends(axes, {name: rows[-1].estimate for name, rows in curves.items()})


def draw_selectivity(axes: "Axes", found: Probed) -> None:
    """Draws the accuracy above the control task by layer, with its band."""
    axes.axhline(0, color="0.6", linewidth=0.6)
    _draw_band(axes, [row.selectivity_interval for row in found.layers], COLORS["selectivity"])


def save_probe_figure(name: str, found: Probed, folder: Path, position: str) -> tuple[Path, Path]:
    """Draws accuracy and selectivity by layer of one attribute, as PDF and PNG; gives the two
    files."""
    from matplotlib.figure import Figure

    with house_style():
        figure = Figure(figsize=(TEXT_WIDTH_IN, 2.4), layout="constrained")
        left, right = figure.subplots(1, 2)
        draw_accuracy(left, found)
        draw_selectivity(right, found)
        left.set_ylabel(f"{name}: accuracy on held-out scenes")
        right.set_ylabel("selectivity (accuracy)")
        last = found.last.layer
        for axes in (left, right):
            axes.set_xlabel("layer")
            axes.set_xlim(-0.2, last + 0.2)
            axes.set_xticks(range(0, last + 1, max(1, last // 5)))
        stem = f"probes-{name}" if position == "answer" else f"probes-{name}-{position}"
        files = folder / f"{stem}.pdf", folder / f"{stem}.png"
        save_figure(figure, files[0], metadata=_UNDATED)
        save_figure(figure, files[1], dpi=200)
    return files


def _draw_band(axes: "Axes", rows: Sequence[Interval], color: str) -> None:
    layers = np.arange(len(rows))
    low, high = [row.low for row in rows], [row.high for row in rows]
    axes.fill_between(layers, low, high, color=color, alpha=0.2, linewidth=0)
    axes.plot(layers, [row.estimate for row in rows], color=color, marker="o", markersize=2.5)
