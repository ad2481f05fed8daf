"""The layers at which attributes emerge, as distributions over resampled scenes."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from analysis.reporting.figures import COLORS, LINES


def draw_order(axes: Axes, study: Mapping[str, Any]) -> None:
    """A ridge per attribute, the earliest on top: share of resamples by layer."""
    estimates = study["estimates"]
    names = sorted(estimates, key=lambda name: estimates[name])
    tallest = max(max(study["distribution"][name]["share"]) for name in names)
    for place, name in enumerate(names):
        base = len(names) - 1 - place
        drawn = study["distribution"][name]
        height = [base + 0.85 * share / tallest for share in drawn["share"]]
        axes.fill_between(drawn["layers"], base, height, color=COLORS[name], alpha=0.3, linewidth=0)
        axes.plot(drawn["layers"], height, color=COLORS[name], linestyle=LINES[name], linewidth=1)
        axes.plot([estimates[name]] * 2, [base, base + 0.9], color=COLORS[name], linewidth=0.8)
    axes.set_yticks([len(names) - 1 - place for place in range(len(names))], names)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-0.1, len(names))
    axes.set_xlabel("layer of emergence (half of the plateau)")
