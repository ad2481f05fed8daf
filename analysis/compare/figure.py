"""The forest plot of a comparison: the depth of emergence run by run, and the differences beside
it."""

from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING

from analysis.compare.found import Compared, ComparedArm, Comparison
from analysis.compare.text import name_of, outcome_text
from analysis.drawing.figures import TEXT_WIDTH_IN, Look, draw_crossing, looks, save_figure
from analysis.drawing.style import house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_UNDATED = {"Title": "Runs compared", "CreationDate": None, "ModDate": None}
_GAP = 0.9
_LONGEST = 34
_GREY = "0.35"
_BAND = 0.7
_BAND_GREY = "0.82"
# Latin with its extensions, which every font that is used here has.
_LETTERS = 0x180


def forest_size(found: Compared) -> tuple[float, float]:
    """Width and height of the figure in inches: one row per arm or per comparison, whichever are
    more, and the axis."""
    names = _attributes(found)
    rows = max(len(found.arms), len(found.comparisons))
    return TEXT_WIDTH_IN, 0.75 + 0.2 * (rows + _GAP * len(names))


def draw_compare(figure: "Figure", found: Compared) -> None:
    """Draws two panels with the attributes at the same heights: depths, and differences of
    depth."""
    left, right = figure.subplots(1, 2, width_ratios=(1.0, 1.0))
    draw_depths(left, found)
    draw_differences(right, found)


def draw_depths(axes: "Axes", found: Compared) -> None:
    """Draws the depth of emergence of every run, attribute by attribute."""
    looked = looks(_attributes(found))
    named: list[tuple[float, str]] = []
    for name, top in _tops(found).items():
        arms = [arm for arm in found.arms if arm.attribute == name]
        for place, arm in enumerate(arms, start=1):
            _draw_arm(axes, arm, top - place, looked[name])
            named.append((top - place, _arm_name(found, arm)))
    _finish(axes, found, named, "depth of emergence (layer / last)")
    axes.set_xlim(-0.02, 1.02)


def draw_differences(axes: "Axes", found: Compared) -> None:
    """Draws the difference of every comparison, attribute by attribute, over the margin within
    which depths are the same."""
    looked = looks(_attributes(found))
    named: list[tuple[float, str]] = []
    for name, top in _tops(found).items():
        rows = [row for row in found.comparisons if row.attribute == name]
        for place, row in enumerate(rows, start=1):
            _draw_difference(axes, row, top - place, looked[name])
            named.append((top - place, _row_name(found, row)))
    _finish(axes, found, named, "difference of depth")
    margin = found.plan.margin
    axes.axvspan(-margin, margin, color="0.93", linewidth=0, zorder=0)
    axes.axvline(0, color="0.5", linewidth=0.6, zorder=1)
    reach = max([margin, *_reaches(found)])
    axes.set_xlim(-1.15 * reach, 1.15 * reach)


def save_compare_figure(found: Compared, folder: Path) -> tuple[Path, Path]:
    """Draws the forest plot as PDF and PNG; gives the two files."""
    from matplotlib.figure import Figure

    with house_style():
        figure = Figure(figsize=forest_size(found), layout="constrained")
        draw_compare(figure, found)
        files = folder / "compare.pdf", folder / "compare.png"
        save_figure(figure, files[0], metadata=_UNDATED)
        save_figure(figure, files[1], dpi=200)
    return files


def _attributes(found: Compared) -> list[str]:
    return list(dict.fromkeys(arm.attribute for arm in found.arms))


def _tops(found: Compared) -> dict[str, float]:
    """The height at which each attribute begins, the same for both panels."""
    tops, top = {}, 0.0
    for name in _attributes(found):
        tops[name] = top
        top -= _n_rows(found, name) + _GAP
    return tops


def _bottom(found: Compared) -> float:
    *_, (name, top) = _tops(found).items()
    return top - _n_rows(found, name)


def _n_rows(found: Compared, name: str) -> int:
    """The rows of an attribute in the panel that has more of them."""
    arms = sum(arm.attribute == name for arm in found.arms)
    rows = sum(row.attribute == name for row in found.comparisons)
    return max(arms, rows)


def _reaches(found: Compared) -> list[float]:
    held = [row.depth for row in found.comparisons if row.depth is not None]
    return [abs(end) for each in held for end in (each.low, each.high, each.estimate, each.beyond)]


def _arm_name(found: Compared, arm: ComparedArm) -> str:
    """The name of a run on the left, in full."""
    name = f"{arm.run}: {name_of(found, arm)}"
    return _plain(shorten(name, _LONGEST, placeholder="\u2026"))


def _row_name(found: Compared, row: Comparison) -> str:
    """The name of a comparison on the right, where two full names would be too long: runs by their
    letters."""
    first, second = row.first, row.second
    short, other = (
        "".join(word[0] for word in side.readout.split("_")) for side in (first, second)
    )
    if first.readout == second.readout:
        end = f" ({short})" if found.several_readouts else ""
        return f"{second.run} \N{MINUS SIGN} {first.run}{end}"
    return f"{first.run}: {other} \N{MINUS SIGN} {short}"


def _plain(text: str) -> str:
    """The text as the figure can draw it. Names come from data, and the font lacks some letters."""
    known = [sign.isprintable() and (ord(sign) < _LETTERS or sign == "\u2026") for sign in text]
    return "".join(sign if keep else "?" for sign, keep in zip(text, known, strict=True))


def _draw_arm(axes: "Axes", arm: ComparedArm, height: float, look: Look) -> None:
    depth = arm.depth
    if depth is None:
        axes.text(0.5, height, outcome_text(arm), fontsize=7, fontstyle="italic",
                  color=_GREY, va="center", ha="center")  # fmt: skip
        return
    draw_crossing(axes, depth, height, color=look.color, marker=look.marker)


def _draw_difference(axes: "Axes", row: Comparison, height: float, look: Look) -> None:
    """Draws one difference. The thin line is its interval, the thick one the narrower interval by
    which equivalence is decided. The band behind them is one layer of the shallower model, within
    which no direction is claimed."""
    depth = row.depth
    if depth is None:
        axes.text(0, height, "by outcome only", fontsize=7, fontstyle="italic", color=_GREY,
                  va="center", ha="center", bbox={"color": "0.93", "pad": 1})  # fmt: skip
        return
    axes.barh(height, 2 * depth.beyond, left=-depth.beyond, height=_BAND, color=_BAND_GREY,
              linewidth=0, zorder=0.5)  # fmt: skip
    axes.plot([depth.low_equivalence, depth.high_equivalence], [height] * 2,
              color=look.color, alpha=0.35, linewidth=4, solid_capstyle="butt")  # fmt: skip
    draw_crossing(axes, depth, height, color=look.color, marker=look.marker)


def _finish(axes: "Axes", found: Compared, ticks: list[tuple[float, str]], label: str) -> None:
    drawn = looks(_attributes(found))
    for name, top in _tops(found).items():
        axes.text(0, top - 0.25, name, color=drawn[name].color, fontsize=8, va="center",
                  ha="left", transform=axes.get_yaxis_transform())  # fmt: skip
    axes.set_yticks([height for height, _ in ticks], [name for _, name in ticks])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(_bottom(found) - 0.6, 0.3)
    axes.set_xlabel(label)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color="0.9", linewidth=0.5)
    axes.set_axisbelow(True)
