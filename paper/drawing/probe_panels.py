"""Accuracy and selectivity of probes by layer, a panel per attribute."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.drawing.figures import COLORS

_STYLES: dict[str, dict[str, Any]] = {
    "probe": {"linestyle": "-", "marker": "o"},
    "control task": {"linestyle": "--", "marker": "s"},
    "random weights": {"linestyle": ":", "marker": "^"},
    "selectivity": {"linestyle": (0, (4, 1.5, 1, 1.5)), "marker": "D"},
}


def draw_probe_panels(canvas: Figure, found: Mapping[str, Mapping[str, Any]]) -> None:
    """One panel per attribute, all on the same scale, with one legend."""
    columns = min(3, len(found))
    rows = -(-len(found) // columns)
    panels = canvas.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for axes, (name, one) in zip(panels, found.items(), strict=False):
        draw_probe(axes, one, name)
    for axes in panels[len(found) :]:
        axes.set_axis_off()
    for axes in panels[max(0, len(found) - columns) : len(found)]:
        axes.set_xlabel("layer")
    for axes in panels[::columns]:
        axes.set_ylabel("accuracy, selectivity")
    handles, labels = panels[0].get_legend_handles_labels()
    canvas.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False, fontsize=7)


def draw_probe(axes: Axes, found: Mapping[str, Any], name: str) -> None:
    """Accuracy of the probe, its control task and the untrained copy, and the selectivity."""
    rows = found["layers"]
    axes.axhline(found["compared"]["majority"][0]["accuracy"], color="0.5", linewidth=0.6,
                 linestyle=":")  # fmt: skip
    _draw_band(axes, rows, "accuracy", "probe")
    for other in ("control task", "random weights"):
        if other in found["compared"]:
            _draw_band(axes, found["compared"][other], "accuracy", other)
    _draw_band(axes, rows, "selectivity", "selectivity")
    axes.set_title(name, fontsize=8)
    axes.set_ylim(-0.08, 1.05)
    last = len(rows) - 1
    axes.set_xticks(range(0, last + 1, max(1, last // 5)))


def _draw_band(axes: Axes, rows: list[Mapping[str, Any]], key: str, word: str) -> None:
    layers = range(len(rows))
    value, low, high = ([row[each] for row in rows] for each in (key, f"{key}_low", f"{key}_high"))
    axes.fill_between(layers, low, high, color=COLORS[word], alpha=0.2, linewidth=0)
    axes.plot(layers, value, color=COLORS[word], label=word, markersize=2.2, linewidth=1,
              **_STYLES[word])  # fmt: skip
