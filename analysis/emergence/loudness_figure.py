"""Figures of when a readout knows and when it is sure: two curves, and the scale of the scores."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from analysis.drawing.figures import (
    COLORS,
    LINES,
    MARKERS,
    TEXT_WIDTH_IN,
    draw_crossing,
    save_figure,
)
from analysis.drawing.style import house_style, log_scale
from analysis.effects.found import Finding

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Scales reach over orders of magnitude at layers that say nothing; what is beyond is cut.
_LEAST, _MOST = 0.05, 20.0
_UNDATED = {"Title": "When it knows and when it is sure", "CreationDate": None, "ModDate": None}


def draw_knows_and_sure(axes: "Axes", found: Finding) -> None:
    """Draws information as share of the entropy of the answers and certainty of the stated answers,
    with the layer of emergence of both."""
    rows = found.layers
    curves = {
        "knows": [row.interval for row in rows],
        "sure": [row.certainty for row in rows],
    }
    crossings = {"knows": found, "sure": found.sure}
    layers = [row.layer for row in rows]
    for word, curve in curves.items():
        estimate, low, high = (
            np.array([getattr(row, name) for row in curve]) for name in ("estimate", "low", "high")
        )
        axes.fill_between(layers, low, high, color=COLORS[word], alpha=0.2, linewidth=0)
        axes.plot(
            layers, estimate, color=COLORS[word], linestyle=LINES[word], marker=MARKERS[word],
            markersize=2.5, label=word,
        )  # fmt: skip
        crossing = crossings[word].lambda_half
        if crossing is not None:
            height = crossings[word].plateau_effect / 2
            draw_crossing(axes, crossing, height, color=COLORS[word], marker="D")
    axes.axhline(0, color="0.6", linewidth=0.6)
    _layers(axes, layers)


def draw_scale(axes: "Axes", found: Finding) -> None:
    """Draws the scale by layer with its interval on a logarithmic axis; at 1 the scores mean what
    they say."""
    rows = found.layers
    layers = [row.layer for row in rows]
    estimate, low, high = (
        np.clip([getattr(row.scale, name) for row in rows], _LEAST, _MOST)
        for name in ("estimate", "low", "high")
    )
    axes.axhline(1, color="0.6", linewidth=0.6)
    axes.fill_between(layers, low, high, color=COLORS["real"], alpha=0.15, linewidth=0)
    axes.plot(layers, estimate, color=COLORS["real"], marker="o", markersize=2.5)
    log_scale(axes)
    axes.set_ylim(_LEAST, _MOST)
    axes.set_yticks([0.1, 1, 10], ["0.1", "1", "10"])
    axes.minorticks_off()
    _layers(axes, layers)


def draw_loudness(figure: "Figure", results: Mapping[str, Finding]) -> None:
    """Draws a column per attribute: both curves above, the scale below."""
    panels = figure.subplots(2, len(results), sharex="col", sharey="row", squeeze=False,
                             height_ratios=[1.6, 1])  # fmt: skip
    for column, (name, found) in enumerate(results.items()):
        draw_knows_and_sure(panels[0, column], found)
        draw_scale(panels[1, column], found)
        panels[0, column].set_title(name, fontsize=8)
        panels[1, column].set_xlabel("layer")
    panels[0, 0].set_ylabel("share of H, certainty")
    panels[1, 0].set_ylabel("scale")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False, fontsize=7)


def save_loudness_figure(results: Mapping[str, Finding], folder: Path) -> tuple[Path, Path]:
    """Draws the columns of all attributes as PDF and PNG; gives the two files."""
    from matplotlib.figure import Figure

    with house_style():
        figure = Figure(figsize=(TEXT_WIDTH_IN, 3.0), layout="constrained")
        draw_loudness(figure, results)
        files = folder / "loudness.pdf", folder / "loudness.png"
        save_figure(figure, files[0], metadata=_UNDATED)
        save_figure(figure, files[1], dpi=200)
    return files


def _layers(axes: "Axes", layers: list[int]) -> None:
    axes.set_xticks(range(0, layers[-1] + 1, max(1, layers[-1] // 5)))
