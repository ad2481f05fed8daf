"""The forest of a comparison: depth of emergence run by run, differences beside it."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import shorten
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.compare.text import name_of, outcome_text
from analysis.drawing.figures import STYLE, TEXT_WIDTH_IN, Look, draw_crossing, looks, save_figure

_UNDATED = {"Title": "Runs compared", "CreationDate": None, "ModDate": None}
_GAP = 0.9
_LONGEST = 34
_GREY = "0.35"
_BAND = 0.7
_BAND_GREY = "0.82"
# Latin with its extensions, which every font that is used here has.
_LETTERS = 0x180


def forest_size(found: Mapping[str, Any]) -> tuple[float, float]:
    """Inches, as printed: a row per arm or comparison, whichever are more, and the axis."""
    names = _attributes(found)
    rows = max(len(found["arms"]), len(found["comparisons"]))
    return TEXT_WIDTH_IN, 0.75 + 0.2 * (rows + _GAP * len(names))


def draw_compare(figure: Figure, found: Mapping[str, Any]) -> None:
    """Two panels with the attributes at the same heights: depths, and differences of depth."""
    left, right = figure.subplots(1, 2, width_ratios=(1.0, 1.0))
    names = _attributes(found)
    drawn = looks(names)
    ticks: dict[str, list[tuple[float, str]]] = {"arms": [], "comparisons": []}
    top = 0.0
    for name in names:
        groups = {
            part: [row for row in found[part] if row["attribute"] == name]
            for part in ("arms", "comparisons")
        }
        for axes, part in ((left, "arms"), (right, "comparisons")):
            for place, row in enumerate(groups[part]):
                height = top - 1 - place
                draw = _draw_arm if part == "arms" else _draw_difference
                draw(axes, row, height, drawn[name])
                ticks[part].append((height, _row_name(found, part, row)))
            axes.text(0, top - 0.25, name, color=drawn[name].color, fontsize=8, va="center",
                      ha="left", transform=axes.get_yaxis_transform())  # fmt: skip
        top -= max(map(len, groups.values())) + _GAP
    _finish(left, ticks["arms"], top, "depth of emergence (layer / last)")
    _finish(right, ticks["comparisons"], top, "difference of depth")
    left.set_xlim(-0.02, 1.02)
    margin = found["plan"]["margin"]
    right.axvspan(-margin, margin, color="0.93", linewidth=0, zorder=0)
    right.axvline(0, color="0.5", linewidth=0.6, zorder=1)
    reach = max([margin, *_reaches(found)])
    right.set_xlim(-1.15 * reach, 1.15 * reach)


def save_compare_figure(found: Mapping[str, Any], folder: Path) -> tuple[Path, Path]:
    """The forest as PDF and PNG; gives the two files."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=forest_size(found), layout="constrained")
        draw_compare(figure, found)
        files = folder / "compare.pdf", folder / "compare.png"
        save_figure(figure, files[0], metadata=_UNDATED)
        save_figure(figure, files[1], dpi=200)
    return files


def _attributes(found: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(arm["attribute"] for arm in found["arms"]))


def _reaches(found: Mapping[str, Any]) -> list[float]:
    return [
        abs(row["depth"][end])
        for row in found["comparisons"]
        if row["depth"] is not None
        for end in ("low", "high", "estimate", "beyond")
    ]


def _row_name(found: Mapping[str, Any], part: str, row: Mapping[str, Any]) -> str:
    """Runs by name on the left; on the right, where two would be too long, by letter."""
    if part == "arms":
        name = f"{row['run']}: {name_of(found, row)}"
        return _plain(shorten(name, _LONGEST, placeholder="\u2026"))
    sides = row["first"], row["second"]
    short = "".join(each[0] for each in sides[0]["readout"].split("_"))
    if sides[0]["readout"] == sides[1]["readout"]:
        several = len({arm["readout"] for arm in found["arms"]}) > 1
        end = f" ({short})" if several else ""
        return f"{sides[1]['run']} \N{MINUS SIGN} {sides[0]['run']}{end}"
    named = ["".join(each[0] for each in side["readout"].split("_")) for side in sides]
    return f"{sides[0]['run']}: {named[1]} \N{MINUS SIGN} {named[0]}"


def _plain(text: str) -> str:
    """Names come from data: a dollar sign would start a formula, and some letters no font has."""
    known = [sign.isprintable() and (ord(sign) < _LETTERS or sign == "\u2026") for sign in text]
    shown = "".join(sign if keep else "?" for sign, keep in zip(text, known, strict=True))
    return shown.replace("$", r"\$")


def _draw_arm(axes: Axes, arm: Mapping[str, Any], height: float, look: Look) -> None:
    depth = arm["depth"]
    if depth is None:
        axes.text(0.5, height, outcome_text(arm), fontsize=7, fontstyle="italic",
                  color=_GREY, va="center", ha="center")  # fmt: skip
        return
    draw_crossing(axes, depth, height, color=look.color, marker=look.marker)


def _draw_difference(axes: Axes, row: Mapping[str, Any], height: float, look: Look) -> None:
    """Thin: the interval of the difference. Thick: the narrower one that equivalence is about.
    Behind them one layer of the shallower model, within which no direction is claimed."""
    depth = row["depth"]
    if depth is None:
        axes.text(0, height, "by outcome only", fontsize=7, fontstyle="italic", color=_GREY,
                  va="center", ha="center", bbox={"color": "0.93", "pad": 1})  # fmt: skip
        return
    axes.barh(height, 2 * depth["beyond"], left=-depth["beyond"], height=_BAND, color=_BAND_GREY,
              linewidth=0, zorder=0.5)  # fmt: skip
    axes.plot([depth["low_equivalence"], depth["high_equivalence"]], [height] * 2,
              color=look.color, alpha=0.35, linewidth=4, solid_capstyle="butt")  # fmt: skip
    draw_crossing(axes, depth, height, color=look.color, marker=look.marker)


def _finish(axes: Axes, ticks: list[tuple[float, str]], bottom: float, label: str) -> None:
    axes.set_yticks([height for height, _ in ticks], [name for _, name in ticks])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(bottom + _GAP - 0.6, 0.3)
    axes.set_xlabel(label)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color="0.9", linewidth=0.5)
    axes.set_axisbelow(True)
