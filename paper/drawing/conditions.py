"""Information and share of right answers under three conditions: with the scene's own image, with
the image of another scene, and with a blank image."""

from typing import Any

from matplotlib.axes import Axes

from analysis.drawing.figures import COLORS
from analysis.effects.found import Finding

CONDITIONS = ("real", "shuffled", "blank")
# Styles beside the colours: the curves must be told apart in grey too.
_STYLES: dict[str, dict[str, Any]] = {
    "real": {"linestyle": "-", "marker": "o"},
    "shuffled": {"linestyle": "--", "marker": "s"},
    "blank": {"linestyle": ":", "marker": "^"},
}


def draw_information(axes: Axes, found: Finding) -> None:
    """Information in bits by layer, one curve with the real image and one with a blank image. Each
    curve uses a reader fitted to its own condition; 0 bits is guessing."""
    axes.axhline(0, color="0.6", linewidth=0.6)
    _draw_curve(axes, found, "real", [row.information.real for row in found.layers])
    _draw_curve(axes, found, "blank", [row.information.blank for row in found.layers])


def draw_right_answers(axes: Axes, found: Finding) -> None:
    """Share of right answers by layer under each condition. A thin line marks the share for
    guessing."""
    axes.axhline(found.guessing.correct, color="0.6", linewidth=0.6)
    for condition in CONDITIONS:
        _draw_curve(axes, found, condition, [row.correct.named[condition] for row in found.layers])
    axes.set_ylim(0, 1)


def _draw_curve(axes: Axes, found: Finding, condition: str, values: list[float]) -> None:
    layers = [row.layer for row in found.layers]
    axes.plot(
        layers, values, color=COLORS[condition], markersize=2.3, linewidth=1.1, label=condition,
        **_STYLES[condition],
    )  # fmt: skip
    axes.set_xticks(range(0, layers[-1] + 1, max(1, layers[-1] // 5)))
