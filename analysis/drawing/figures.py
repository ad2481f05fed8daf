"""Drawing functions that the commands and the paper share. They take axes and results, and load
nothing."""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.drawing.style import TEXT_WIDTH_IN, house_style
from analysis.effects.found import Finding
from analysis.readouts.registry import READOUTS
from analysis.wording import Estimated
from data_prep.files.durable import write_durably

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito (2008), safe for colour-blind readers; one colour per word everywhere.
COLORS = {
    "color": "#D55E00",
    "shape": "#0072B2",
    "material": "#009E73",
    "size": "#CC79A7",
    "count": "#56B4E9",
    "real": "#000000",
    "shuffled": "#E69F00",
    "blank": "#999999",
    "probe": "#000000",
    "control task": "#E69F00",
    "random weights": "#56B4E9",
    "selectivity": "#009E73",
    **{name: each.color for name, each in READOUTS.items()},
    "says": "#D55E00",
    "holds": "#0072B2",
    "there": "#009E73",
    "knows": "#0072B2",
    "sure": "#D55E00",
    "image positions": "#D55E00",
    "the object's positions": "#CC79A7",
    "rest of the image": "#E69F00",
    "question positions": "#56B4E9",
    "answer position": "#009E73",
}
# Line style and marker of each word beside its colour, for grey prints and screens.
LINES: dict[str, Any] = {
    "color": "-",
    "shape": (0, (4, 1.5)),
    "material": (0, (1, 1)),
    "size": (0, (4, 1.5, 1, 1.5)),
    "count": (0, (7, 2)),
    **{name: each.line for name, each in READOUTS.items()},
    "says": "-",
    "holds": "--",
    "there": ":",
    "knows": "-",
    "sure": "--",
}
MARKERS = {
    "color": "o",
    "shape": "s",
    "material": "^",
    "size": "v",
    "count": "P",
    **{name: each.marker for name, each in READOUTS.items()},
    "says": "o",
    "holds": "s",
    "there": "^",
    "knows": "o",
    "sure": "s",
}
_OTHERS = {
    # Of attributes that have no look of their own, the same seven colours and other strokes.
    "color": ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000"),
    "line": ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (4, 1.5, 1, 1.5)), (0, (7, 2))),
    "marker": ("o", "s", "^", "v", "P", "X", "D", "<", ">"),
}
_TITLE = "Information that the image adds by layer, and the layer of emergence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How the curve of an attribute is drawn."""

    color: str
    line: Any
    """Line style, in a form that matplotlib takes."""
    marker: str


def looks(names: Iterable[str]) -> dict[str, Look]:
    """The look of each attribute: a fixed one for known attributes, for others the next look by
    their place among `names`.

    No two of the first seven have the same color; after these, colors repeat with other line
    styles.
    """
    names = list(names)
    taken = {COLORS[name] for name in names if name in COLORS}
    free = [color for color in _OTHERS["color"] if color not in taken] or _OTHERS["color"]
    found = {}
    for place, name in enumerate([name for name in names if name not in COLORS]):
        found[name] = Look(
            color=free[place % len(free)],
            line=_OTHERS["line"][place % len(_OTHERS["line"])],
            marker=_OTHERS["marker"][place % len(_OTHERS["marker"])],
        )
    own = {name: _own_look(name) for name in names if name in COLORS}
    return {name: own.get(name) or found[name] for name in names}


def _own_look(name: str) -> Look:
    return Look(color=COLORS[name], line=LINES.get(name, "-"), marker=MARKERS.get(name, "o"))


def draw_effect(axes: "Axes", found: Finding, name: str, look: Look | None = None) -> None:
    """Draws the effect by layer with its interval band, and below it the layer of emergence with
    its interval and its set."""
    look = look or looks([name])[name]
    color = look.color
    rows = found.layers
    layers = np.array([row.layer for row in rows])
    effect, low, high = (
        np.array([getattr(row, end) for row in rows]) for end in ("effect", "low", "high")
    )
    axes.fill_between(layers, low, high, color=color, alpha=0.2, linewidth=0)
    axes.plot(layers, effect, color=color, linestyle=look.line, marker=look.marker, markersize=2.5)
    crossing = found.lambda_half
    if crossing is not None:
        draw_crossing(axes, crossing, found.plateau_effect / 2, color=color, marker="D")


def draw_crossing(
    axes: "Axes", crossing: Estimated, height: float, *, color: str, marker: str
) -> None:
    """Draws a layer of emergence with its interval, at `height`.

    The interval is drawn as a line from end to end. An error bar cannot show a percentile interval
    that does not contain the estimate.
    """
    axes.plot(
        [crossing.low, crossing.high], [height, height], color=color, linewidth=1,
        marker="|", markersize=4,
    )  # fmt: skip
    axes.plot(
        [crossing.estimate], [height], color=color, linestyle="none", marker=marker,
        markersize=4.2, markeredgecolor="white", markeredgewidth=0.5,
    )  # fmt: skip


def draw_sets(
    axes: "Axes", found: Finding, name: str, look: Look | None = None, *, height: float
) -> None:
    """Draws the forward-backward set for half of the plateau as a bar at `height`, a share of the
    axes' height."""
    if found.outcome != "emerged":
        return
    low, high = found.fb_half.low, found.fb_half.high
    last = found.layers[-1].layer
    end = last + 0.25 if high is None else high
    axes.plot(
        [low - 0.12, end + 0.12], [height, height],
        color=(look or looks([name])[name]).color, linewidth=3,
        solid_capstyle="butt", alpha=0.6, transform=axes.get_xaxis_transform(), clip_on=False,
    )  # fmt: skip


def draw_emergence(axes: "Axes", results: Mapping[str, Finding]) -> None:
    """Draws the effect by layer of all attributes, with their layers of emergence, and their sets
    above."""
    axes.axhline(0, color="0.6", linewidth=0.6)
    drawn = looks(results)
    for place, (name, found) in enumerate(results.items()):
        draw_effect(axes, found, name, drawn[name])
        draw_sets(axes, found, name, drawn[name], height=1.02 + 0.03 * place)
    ends = {name: found.layers[-1].effect for name, found in results.items()}
    label_ends(axes, ends, {name: look.color for name, look in drawn.items()})
    first = next(iter(results.values()))
    last = first.layers[-1].layer
    axes.set_xlim(-0.2, last + 0.2)
    axes.set_xticks(range(0, last + 1, max(1, last // 10)))
    axes.set_xlabel(
        "layer (0: embeddings; bars above: forward-backward sets for half of the plateau)"
    )
    axes.set_ylabel("information that the image adds\n(share of H)")


def save_emergence_figure(results: Mapping[str, Finding], folder: Path) -> tuple[Path, Path]:
    """Draws the effect by layer of all attributes in one panel, as PDF and PNG; gives the two
    files."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    with house_style():
        # Room above for the sets, which the layout does not know of.
        room = ConstrainedLayoutEngine(rect=(0, 0, 1, 1 - 0.02 * len(results)))
        figure = Figure(figsize=(TEXT_WIDTH_IN, 3.0), layout=room)
        draw_emergence(figure.subplots(), results)
        files = folder / "emergence.pdf", folder / "emergence.png"
        undated = {"Title": _TITLE, "CreationDate": None, "ModDate": None}
        save_figure(figure, files[0], metadata=undated)
        save_figure(figure, files[1], dpi=200)
    return files


def save_figure(figure: "Figure", file: Path, **options: Any) -> None:
    """Draws the figure in memory first and then writes it, so that a full disk leaves the old file
    or none, never half a file."""
    stream = io.BytesIO()
    figure.savefig(stream, format=file.suffix.removeprefix("."), **options)
    write_durably(file, stream.getvalue())


def label_ends(
    axes: "Axes", ends: Mapping[str, float], colors: Mapping[str, str] | None = None
) -> None:
    """Writes names at the ends of the lines, moved apart where they would overlap."""
    colors = COLORS if colors is None else colors
    low, high = axes.get_ylim()
    gap = 0.06 * (high - low)
    height = -np.inf
    for name, value in sorted(ends.items(), key=lambda item: item[1]):
        height = max(value, height + gap)
        axes.annotate(
            name, xy=(1.0, height), xycoords=("axes fraction", "data"), xytext=(4, 0),
            textcoords="offset points", va="center", color=colors[name], fontsize=8,
            annotation_clip=False,
        )  # fmt: skip
