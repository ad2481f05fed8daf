"""Score by layer with the real image, with another scene's and with a blank one."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from analysis.reporting.figures import COLORS

CONDITIONS = ("real", "shuffled", "blank")
# Styles beside the colours: the curves must be told apart in grey too.
_STYLES: dict[str, dict[str, Any]] = {
    "real": {"linestyle": "-", "marker": "o"},
    "shuffled": {"linestyle": "--", "marker": "s"},
    "blank": {"linestyle": ":", "marker": "^"},
}


def draw_conditions(axes: Axes, found: Mapping[str, Any], name: str) -> None:
    """Mean bits by layer under each condition; a thin line where guessing would be."""
    rows = found["layers"]
    layers = [row["layer"] for row in rows]
    axes.axhline(-found["answer_entropy_bits"], color="0.6", linewidth=0.6)
    for condition in CONDITIONS:
        axes.plot(
            layers, [row[condition] for row in rows], color=COLORS[condition], markersize=2.5,
            linewidth=1.1, label=condition, **_STYLES[condition],
        )  # fmt: skip
    axes.set_title(name, fontsize=8)
    axes.set_xticks(range(0, layers[-1] + 1, max(1, layers[-1] // 5)))
