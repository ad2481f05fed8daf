"""One picture per name: how well absence is told at each layer, and what holding back gains."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.drawing.figures import TEXT_WIDTH_IN, save_figure
from analysis.drawing.style import house_style
from analysis.effects.found import Interval
from analysis.hallucination.found import Hallucinated, Signal
from analysis.hallucination.names import PROBE, SIGNAL_NAMES, STATED

_UNDATED = {"Title": "What is known of absent things, by layer", "CreationDate": None,
            "ModDate": None}  # fmt: skip
HEIGHT_IN = 2.9
# Okabe & Ito, as everywhere; the line beside the colour, for grey prints.
_LOOKS = {
    STATED: ("#D55E00", "-", "o"),
    PROBE: ("#009E73", "--", "^"),
    "information": ("#0072B2", (0, (4, 1.5)), "s"),
    "entropy": ("#56B4E9", (0, (1, 1)), "v"),
    "image": ("#CC79A7", (0, (4, 1.5, 1, 1.5)), "P"),
    "last": ("#999999", (0, (7, 2)), "X"),
    "words": ("#E69F00", "-", "D"),
    "attention": ("#000000", ":", "<"),
}


def draw_hallucination(figure: Figure, name: str, found: Hallucinated) -> None:
    """Draws the areas by layer on the left, the risks by coverage on the right."""
    left, right = figure.subplots(1, 2, gridspec_kw={"width_ratios": (1.35, 1)})
    draw_areas(left, found)
    draw_risks(right, found)
    named = {
        label: line
        for axes in (left, right)
        for line, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        list(named.values()), list(named), loc="outside lower center", ncols=3, fontsize=7,
        frameon=False, handlelength=2.6, columnspacing=1.2,
    )  # fmt: skip
    left.set_title(f"{name}: absent or there?", fontsize=8, loc="left")
    right.set_title("errors among the answers given", fontsize=8, loc="left")


def draw_areas(axes: Axes, found: Hallucinated) -> None:
    """Draws each signal's area by layer with its interval."""
    for name, signal in found.absent.signals.items():
        _curve(axes, name, signal)
    axes.axhline(0.5, color="0.8", linewidth=0.5, zorder=0)
    axes.set_xlabel("layer")
    axes.set_ylabel("AUROC of absence")
    axes.margins(x=0.03)
    layers = [each.layer for each in found.absent.signals[STATED].layers]
    axes.set_xticks(range(0, layers[-1] + 1, max(1, layers[-1] // 10)))


def draw_risks(axes: Axes, found: Hallucinated) -> None:
    """Draws the risk by coverage: of what is stated, of the probe, and of what does best."""
    order = sorted(found.abstained, key=lambda name: found.abstained[name].area.estimate)
    for name in dict.fromkeys([STATED, PROBE, order[0]]):
        if name not in found.abstained:
            continue
        each, (color, line, marker) = found.abstained[name], _LOOKS[name]
        _band(axes, np.array(each.coverage), each.risk, color, line, marker, SIGNAL_NAMES[name])
    axes.set_xlabel("share of questions answered")
    axes.set_ylabel("share wrong")
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, None)


def _curve(axes: Axes, name: str, signal: Signal) -> None:
    color, line, marker = _LOOKS[name]
    layers = np.array([each.layer for each in signal.layers])
    areas = tuple(each.area for each in signal.layers)
    _band(axes, layers, areas, color, line, marker, SIGNAL_NAMES[name])


def _band(
    axes: Axes,
    at: np.ndarray,
    values: tuple[Interval, ...],
    color: str,
    line: object,
    marker: str,
    label: str,
) -> None:
    low, high, middle = (
        np.array([getattr(each, end) for each in values]) for end in ("low", "high", "estimate")
    )
    axes.fill_between(at, low, high, color=color, alpha=0.15, linewidth=0)
    axes.plot(at, middle, color=color, linestyle=line, marker=marker, markersize=2.5, label=label)


def save_hallucination_figure(name: str, found: Hallucinated, folder: Path) -> tuple[Path, Path]:
    """Draws the picture of one name as PDF and PNG; gives the two files."""
    with house_style():
        figure = Figure(figsize=(TEXT_WIDTH_IN, HEIGHT_IN), layout="constrained")
        draw_hallucination(figure, name, found)
        files = tuple(folder / f"hallucination-{name}.{kind}" for kind in ("pdf", "png"))
        save_figure(figure, files[0], metadata=_UNDATED)
        save_figure(figure, files[1], dpi=200)
    return files[0], files[1]


PANELS = {"areas": draw_areas, "risks": draw_risks}
"""What draws one panel, by its name."""
