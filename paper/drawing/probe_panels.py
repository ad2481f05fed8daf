"""Accuracy and selectivity of probes by layer, a panel per attribute."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.drawing.figures import COLORS
from analysis.effects.found import Interval
from analysis.probes.found import CONTROL_TASK, RANDOM_WEIGHTS, Probed

_STYLES: dict[str, dict[str, Any]] = {
    "probe": {"linestyle": "-", "marker": "o"},
    CONTROL_TASK: {"linestyle": "--", "marker": "s"},
    RANDOM_WEIGHTS: {"linestyle": ":", "marker": "^"},
    "selectivity": {"linestyle": (0, (4, 1.5, 1, 1.5)), "marker": "D"},
}


def draw_probe_panels(canvas: Figure, found: Mapping[str, Probed]) -> None:
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


def draw_probe(axes: Axes, found: Probed, name: str) -> None:
    """Accuracy of the probe, its control task and the untrained copy, and the selectivity."""
    axes.axhline(found.majority.accuracy, color="0.5", linewidth=0.6, linestyle=":")
    _draw_band(axes, [row.accuracy_interval for row in found.layers], "probe")
    for other in (CONTROL_TASK, RANDOM_WEIGHTS):
        if other in found.compared:
            _draw_band(axes, [row.accuracy_interval for row in found.compared[other]], other)
    _draw_band(axes, [row.selectivity_interval for row in found.layers], "selectivity")
    axes.set_title(name, fontsize=8)
    axes.set_ylim(-0.08, 1.05)
    last = found.last.layer
    axes.set_xticks(range(0, last + 1, max(1, last // 5)))


def _draw_band(axes: Axes, rows: Sequence[Interval], word: str) -> None:
    layers = range(len(rows))
    low, high = [row.low for row in rows], [row.high for row in rows]
    axes.fill_between(layers, low, high, color=COLORS[word], alpha=0.2, linewidth=0)
    axes.plot(
        layers, [row.estimate for row in rows], color=COLORS[word], label=word, markersize=2.2,
        linewidth=1, **_STYLES[word],
    )  # fmt: skip
