"""The main figure with one curve, on which it is written what each part of it means."""

from pathlib import Path
from typing import TYPE_CHECKING

from analysis.drawing.figures import (
    TEXT_WIDTH_IN,
    draw_effect,
    draw_sets,
    looks,
    save_figure,
)
from analysis.drawing.style import house_style
from analysis.effects.found import Finding

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_UNDATED = {"Title": "How to read the curve of an attribute", "CreationDate": None, "ModDate": None}
_QUIET = "0.35"


def draw_explained(axes: "Axes", found: Finding, name: str) -> None:
    """Draws an attribute that has a layer of emergence, and explains the curve, its band, the
    plateau, the layer with its interval, and the set.

    ValueError if the attribute has no layer of emergence: then there is nothing to point at.
    """
    crossing = found.lambda_half
    if crossing is None:
        raise ValueError(f"{name} has no layer of emergence: explain one that has")
    look, last, half = looks([name])[name], found.last_layer, found.plateau_effect / 2
    first_of_plateau, last_of_plateau = found.plateau
    percent = f"{100 * found.level:g}%"
    axes.axhline(0, color="0.6", linewidth=0.6)
    axes.axvspan(first_of_plateau, last_of_plateau, color="0.5", alpha=0.12, linewidth=0)
    axes.plot([0, last], [half, half], color=_QUIET, linewidth=0.6, linestyle=(0, (4, 3)))
    draw_effect(axes, found, name, look)
    draw_sets(axes, found, name, look, height=1.03)
    top = max(row.high for row in found.layers)
    axes.set_xlim(-0.2, last + 0.2)
    axes.set_ylim(-0.14 * top, 1.12 * top)
    axes.set_xticks(range(0, last + 1, max(1, last // 10)))
    axes.set_xlabel("layer (0: what enters the first block)")
    axes.set_ylabel("information that the image adds\n(share of the answer's entropy H)")
    early = crossing.estimate < last / 2
    _say(
        axes,
        f"{name} emerges at layer {crossing.estimate:.1f}\n({percent} interval over\n"
        f"{found.n_scenes:,} scenes: {crossing.low:.1f} to {crossing.high:.1f})",
        (crossing.estimate, half),
        # Below a curve that has risen, above one that will rise.
        (crossing.high + 0.05 * last, 0.55 * half)
        if early
        else (crossing.low - 0.12 * last, 1.5 * half),
        "left" if early else "right",
    )
    axes.text(
        last_of_plateau, -0.03 * top, "plateau: declared before looking ", ha="right", va="top",
        color=_QUIET,
    )  # fmt: skip
    axes.text(
        last if early else 0, half, "half of the plateau ", ha="right" if early else "left",
        va="bottom", color=_QUIET,
    )  # fmt: skip
    axes.text(0, -0.03 * top, " 0: nothing beyond a blank image", va="top", color=_QUIET)
    _explain_band(axes, found, percent)
    _explain_set(axes, found)


def _explain_band(axes: "Axes", found: Finding, percent: str) -> None:
    """Points at the band from where such a curve leaves room: where it rises, from the upper left
    corner, or, if it rises late, halfway to there from just above."""
    crossing = found.lambda_half
    at = 0.0 if crossing is None else crossing.estimate
    early = at < found.last_layer / 2
    at = at if early else at / 2
    row = min(found.layers, key=lambda each: (abs(each.layer - at), -each.layer))
    top = max(each.high for each in found.layers)
    _say(
        axes,
        f"{percent} band of each layer",
        (float(row.layer), row.high),
        (0.0, (0.95 if early else 0.28) * top),
        "left",
    )


def _explain_set(axes: "Axes", found: Finding) -> None:
    low, high, last = found.fb_half.low, found.fb_half.high, found.last_layer
    right = (last if high is None else high) < 0.4 * last
    axes.text(
        (high or last) + 0.025 * last if right else low - 0.025 * last, 1.03,
        "set that holds the layer\nwhatever the curve's shape" if not right else
        "set that holds the layer whatever the curve's shape",
        ha="left" if right else "right", va="center", color=_QUIET,
        transform=axes.get_xaxis_transform(),
    )  # fmt: skip


def _say(
    axes: "Axes", text: str, at: tuple[float, float], place: tuple[float, float], align: str
) -> None:
    axes.annotate(
        text, xy=at, xytext=place, ha=align, va="center", color=_QUIET,
        arrowprops={"arrowstyle": "-", "color": _QUIET, "linewidth": 0.6, "shrinkB": 3},
    )  # fmt: skip


def save_explained_figure(found: Finding, name: str, folder: Path) -> tuple[Path, Path]:
    """Draws an attribute with explanations, as PDF and PNG; gives the two files."""
    from matplotlib.figure import Figure

    with house_style():
        figure = Figure(figsize=(TEXT_WIDTH_IN, 3.0), layout="constrained")
        draw_explained(figure.subplots(), found, name)
        files = folder / "explained.pdf", folder / "explained.png"
        save_figure(figure, files[0], metadata=_UNDATED)
        save_figure(figure, files[1], dpi=200)
    return files
