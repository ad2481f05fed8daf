"""Depth of emergence by attribute and readout: intervals, guaranteed sets, other choices."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis.drawing.figures import draw_crossing, looks
from analysis.effects.found import Finding
from analysis.readouts.registry import READOUTS
from paper.evidence.studies import READOUT_NAMES
from paper.evidence.wording import OUTCOMES, robustness_range

# Shapes, so that readouts differ without colour; colour says the attribute, as everywhere.
_RANGE = "0.55"
_GAP = 0.8


def draw_forest(axes: Axes, found: Mapping[str, Mapping[str, Finding]]) -> None:
    """Draw one row per attribute and readout, the first on top; the horizontal axis is in layers.

    `found` holds the findings by attribute, then by readout.
    """
    place, ticks, last = 0.0, {}, 0
    drawn = looks(found)
    for name, by_readout in found.items():
        start = place
        for readout, one in by_readout.items():
            last = max(last, one.layers[-1].layer)
            _draw_row(axes, one, place, drawn[name].color, READOUTS[readout].marker)
            place -= 1
        ticks[name] = (start + place + 1) / 2
        place -= _GAP
    axes.set_yticks(list(ticks.values()), list(ticks))
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(place + _GAP, 0.8)
    axes.set_xlim(-0.3, last + 0.3)
    axes.set_xticks(range(0, last + 1, max(1, last // 10)))
    axes.set_xlabel("layer of emergence (half of the plateau)")
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color="0.9", linewidth=0.5)
    axes.set_axisbelow(True)
    readouts = list(dict.fromkeys(readout for rows in found.values() for readout in rows))
    handles = [
        Line2D([], [], color="0.3", marker=READOUTS[readout].marker, markersize=4, linewidth=0.8,
               label=READOUT_NAMES[readout])
        for readout in readouts
    ]  # fmt: skip
    axes.figure.legend(handles=handles, loc="outside upper center", ncols=len(handles),
                       frameon=False, fontsize=7)  # fmt: skip


def _draw_row(axes: Axes, found: Finding, place: float, color: str, marker: str) -> None:
    if found.outcome != "emerged":
        word, last = OUTCOMES[found.outcome], found.layers[-1].layer
        at = 0.0 if found.outcome == "from_start" else last / 2
        axes.text(at, place, word, fontsize=7, fontstyle="italic", color="0.35", va="center",
                  ha="left" if at == 0 else "center")  # fmt: skip
        return
    ends = found.fb_half
    last = found.layers[-1].layer
    high = last if ends.high is None else ends.high
    axes.plot([ends.low - 0.12, high + 0.12], [place, place], color=color, alpha=0.25,
              linewidth=6, solid_capstyle="butt")  # fmt: skip
    crossing = found.lambda_half
    if crossing is None:
        return  # the set stands alone: no single layer
    choices = robustness_range(found)
    if choices is not None:
        axes.plot(choices, [place, place], color=_RANGE, linewidth=0.5)
    draw_crossing(axes, crossing, place, color=color, marker=marker)
