"""Methods against hallucination in one picture: discrimination on the left, the threshold beside
it."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.drawing.figures import TEXT_WIDTH_IN, save_figure
from analysis.drawing.glyphs import cut, plain_labels, with_glyphs
from analysis.drawing.style import house_style
from analysis.mitigation.found import Judged, Mitigated, Verdict
from analysis.mitigation.wording import labelled

_UNDATED = {"Title": "Methods against hallucination", "CreationDate": None,
            "ModDate": None}  # fmt: skip
_LOOKS: dict[Verdict, tuple[str, str]] = {
    "gain": ("#009E73", "^"),
    "loss": ("#D55E00", "v"),
    "no gain": ("#0072B2", "s"),
    "not shown": ("#999999", "o"),
}
_SHIFT = "#CC79A7"
_MOST_LETTERS = 44
Rows: TypeAlias = list[tuple[str, Judged]]


def height_in(found: Mitigated) -> float:
    """Height of the picture in inches: one row for each method."""
    return 1.05 + 0.17 * len(_rows(found))


def draw_mitigation(figure: Figure, name: str, found: Mitigated) -> None:
    """Draws three panels, with a row for each method: its gain in discrimination, its share of yes,
    and its right answers less those of greedy answers that say yes as often."""
    left, middle, right = figure.subplots(
        1, 3, sharey=True, gridspec_kw={"width_ratios": (1.15, 0.85, 1.15)}
    )
    rows = _rows(found)
    draw_gains(left, rows, found)
    draw_yes(middle, rows, found)
    draw_shift(right, rows, found)
    _name_rows(left, rows)
    left.set_title(f"{name}: AUROC", fontsize=8, loc="left")
    for axes in (left, middle, right):
        axes.tick_params(axis="y", length=0)
        axes.tick_params(axis="x", labelsize=7)
        axes.locator_params(axis="x", nbins=4)
        axes.spines["left"].set_visible(False)
        for place in range(0, len(rows), 2):
            axes.axhspan(place - 0.5, place + 0.5, color="0.97", zorder=-1, linewidth=0)
    _legend(figure, rows)


def _name_rows(axes: Axes, rows: Rows) -> None:
    labels = [cut(with_glyphs(labelled(*row)), _MOST_LETTERS) for row in rows]
    axes.set_yticks(range(len(rows)), labels, fontsize=7)
    plain_labels(axes)
    axes.set_ylim(len(rows) - 0.4, -0.6)


def _alone(draw: Callable[[Axes, Rows, Mitigated], None]) -> Callable[[Axes, Mitigated], None]:
    """A panel that names its rows itself."""

    def draw_panel(axes: Axes, found: Mitigated) -> None:
        rows = _rows(found)
        draw(axes, rows, found)
        _name_rows(axes, rows)

    return draw_panel


def draw_gains(axes: Axes, rows: Rows, found: Mitigated) -> None:
    """Draws the difference of AUROC to greedy answers with its interval; grey: what counts as
    none."""
    axes.axvspan(-found.margin, found.margin, color="0.88", zorder=0, linewidth=0)
    axes.axvline(0, color="0.6", linewidth=0.5, zorder=0)
    for place, (_, each) in enumerate(rows):
        if each.gain is not None and each.verdict is not None:
            color, marker = _LOOKS[each.verdict]
            axes.plot([each.gain.low, each.gain.high], [place] * 2, color=color, linewidth=1)
            axes.plot(each.gain.estimate, place, color=color, marker=marker, markersize=3.5)
    axes.set_xlabel("less that of\ngreedy answers", fontsize=7)


def draw_yes(axes: Axes, rows: Rows, found: Mitigated) -> None:
    """Draws the share of yes with its interval; the line is that of greedy answers."""
    axes.axvline(found.greedy.yes.estimate, color="0.6", linewidth=0.8, zorder=0)
    for place, (_, each) in enumerate(rows):
        if each.answers is not None:
            yes = each.answers.yes
            axes.plot([yes.low, yes.high], [place] * 2, color="0.3", linewidth=1)
            axes.plot(yes.estimate, place, color="0.3", marker="|", markersize=5)
    axes.set_title("answered yes", fontsize=8, loc="left")
    axes.set_xlabel("share\n(line: greedy)", fontsize=7)


def draw_shift(axes: Axes, rows: Rows, found: Mitigated) -> None:
    """Draws the share of right answers less that of greedy answers whose threshold is moved; filled
    where a difference is shown."""
    alpha = 1 - found.level + 1e-12
    axes.axvline(0, color="0.6", linewidth=0.5, zorder=0)
    for place, (_, each) in enumerate(rows):
        if each.against_shift is not None:
            one = each.against_shift.difference
            axes.plot([one.low, one.high], [place] * 2, color=_SHIFT, linewidth=1)
            axes.plot(
                one.estimate, place, color=_SHIFT, marker="D", markersize=3.2,
                markerfacecolor=_SHIFT if one.p <= alpha else "white", markeredgewidth=0.8,
            )  # fmt: skip
    axes.set_title("answered right", fontsize=8, loc="left")
    axes.set_xlabel("less that of greedy answers\nmoved to as many yes", fontsize=7)


PANELS = {
    "AUROC": _alone(draw_gains),
    "answered yes": _alone(draw_yes),
    "answered right": _alone(draw_shift),
}
"""The panels, each as a figure of its own."""


def _legend(figure: Figure, rows: Rows) -> None:
    """Names the marks of the left panel, of those that it shows."""
    shown = {
        verdict: Line2D([], [], color=color, marker=marker, linewidth=1, markersize=3.5)
        for verdict, (color, marker) in _LOOKS.items()
        if any(each.verdict == verdict for _, each in rows)
    }
    figure.legend(
        list(shown.values()), [f"AUROC: {verdict}" for verdict in shown],
        loc="outside lower center", ncols=4, fontsize=7, frameon=False, columnspacing=1.5,
    )  # fmt: skip


def _rows(found: Mitigated) -> Rows:
    return [(name, each) for name, each in found.methods.items() if each.gain is not None]


def save_mitigation_figure(name: str, found: Mitigated, folder: Path) -> tuple[Path, Path]:
    """Draws the picture as PDF and PNG; gives the two files."""
    with house_style():
        figure = Figure(figsize=(TEXT_WIDTH_IN, height_in(found)), layout="constrained")
        draw_mitigation(figure, name, found)
        files = tuple(folder / f"mitigation-{name}.{kind}" for kind in ("pdf", "png"))
        save_figure(figure, files[0], metadata=_UNDATED)
        save_figure(figure, files[1], dpi=200)
    return files[0], files[1]
