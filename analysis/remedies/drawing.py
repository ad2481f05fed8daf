"""One picture of all models: what an arm detects against what it refuses, and what it keeps."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.drawing.figures import TEXT_WIDTH_IN, Look, looks, save_figure
from analysis.drawing.style import house_style
from analysis.remedies.found import Judged, Remedied

_UNDATED = {"Title": "What remedies detect and refuse", "CreationDate": None, "ModDate": None}
HEIGHT_IN = 2.6
_ROW = 0.22


def draw_remedies(figure: Figure, found: Remedied) -> None:
    """Draws detection against over-refusal on the left, right answers on the right; a mark for each
    model."""
    left, right = figure.subplots(1, 2, gridspec_kw={"width_ratios": (1.25, 1)})
    own = looks(found.arms)
    draw_trade_off(left, found, own)
    draw_right(right, found, own)
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=7,
                  frameon=False, columnspacing=1.2)  # fmt: skip


def draw_trade_off(axes: Axes, found: Remedied, own: dict[str, Look]) -> None:
    """Draws each model with its interval over groups of scenes in both directions."""
    for arm in found.arms:
        look = own[arm]
        for place, each in enumerate(found.of_arm(arm)):
            refused, detected = each.measures["over_refusal"], each.measures["detection"]
            across = [refused.low, refused.high], [detected.estimate] * 2
            upright = [refused.estimate] * 2, [detected.low, detected.high]
            for line in (across, upright):
                axes.plot(*line, color=look.color, linewidth=0.8, alpha=0.7)
            axes.plot(
                refused.estimate, detected.estimate, color=look.color, marker=look.marker,
                markersize=4, linestyle="none", label=arm if place == 0 else None,
            )  # fmt: skip
    axes.axline((0, 0), slope=1, color="0.8", linewidth=0.5, zorder=0)
    most = max(each.measures["over_refusal"].high for each in found.models)
    axes.set_xlim(-0.03 * most, 1.1 * most)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("none where the thing is there")
    axes.set_ylabel("none where it is absent")


def draw_right(axes: Axes, found: Remedied, own: dict[str, Look]) -> None:
    """Draws the share of right answers about what is there, a row for each arm and a mark for each
    seed."""
    for row, arm in enumerate(found.arms):
        models, look = found.of_arm(arm), own[arm]
        for place, each in enumerate(models):
            height = -row - _ROW * (place - (len(models) - 1) / 2)
            _right(axes, each, height, look)
    axes.set_yticks([-row for row in range(len(found.arms))], found.arms, fontsize=7)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-len(found.arms) + 0.4, 0.6)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color="0.9", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel("right where the thing is there")


def _right(axes: Axes, model: Judged, height: float, look: Look) -> None:
    right = model.measures["right"]
    axes.plot([right.low, right.high], [height, height], color=look.color, linewidth=0.9)
    axes.plot(right.estimate, height, color=look.color, marker=look.marker, markersize=4)


def save_remedies_figure(found: Remedied, folder: Path) -> tuple[Path, Path]:
    """Draws the picture as PDF and PNG; gives the two files."""
    with house_style():
        figure = Figure(figsize=(TEXT_WIDTH_IN, HEIGHT_IN), layout="constrained")
        draw_remedies(figure, found)
        files = folder / "judged.pdf", folder / "judged.png"
        save_figure(figure, files[0], metadata=_UNDATED)
        save_figure(figure, files[1], dpi=200)
    return files
