"""A forest plot of wordings: the layer in each, their mean, and where a new one is predicted."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.drawing.figures import TEXT_WIDTH_IN, looks, save_figure
from analysis.drawing.glyphs import cut, plain_labels, with_glyphs
from analysis.drawing.style import house_style
from analysis.paraphrase.found import Paraphrased
from analysis.paraphrase.report import wording_name

_UNDATED = {"Title": "Layers over wordings", "CreationDate": None, "ModDate": None}
_ROW_IN, _LONGEST, _DIAMOND = 0.17, 52, 0.32


def draw_wordings(axes: Axes, name: str, found: Paraphrased) -> None:
    """Draws a row for each wording with its interval over scenes; below them the mean as a diamond,
    on top of the prediction interval for a new wording."""
    look = looks([name])[name]
    ticks = []
    for place, each in enumerate(found.wordings):
        ticks.append((-place, cut(with_glyphs(wording_name(each)), _LONGEST)))
        if each.layer is None:
            axes.text(0.02, -place, each.outcome.replace("_", " "), fontsize=7, style="italic",
                      color="0.35", va="center", transform=axes.get_yaxis_transform())  # fmt: skip
            continue
        axes.plot([each.layer.low, each.layer.high], [-place, -place], color=look.color,
                  linewidth=0.9)  # fmt: skip
        axes.plot(each.layer.estimate, -place, marker=look.marker, color=look.color, markersize=4)
    foot = -len(found.wordings) - 0.3
    if found.over is not None:
        mean, new = found.over.mean, found.over.new
        axes.plot([new.low, new.high], [foot, foot], color="0.4", linewidth=0.8)
        axes.fill(
            [mean.low, mean.estimate, mean.high, mean.estimate],
            [foot, foot + _DIAMOND, foot, foot - _DIAMOND],
            color=look.color, alpha=0.85, linewidth=0, zorder=3,
        )  # fmt: skip
        ticks.append((foot, "mean, and a new wording"))
    axes.set_yticks([height for height, _ in ticks], [text for _, text in ticks], fontsize=7)
    plain_labels(axes)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(foot - 0.7, 0.7)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color="0.9", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_title(name, fontsize=8, color=look.color, loc="left")


def figure_size(found: Mapping[str, Paraphrased]) -> tuple[float, float]:
    """Width and height of the figure in inches, for a panel per attribute."""
    rows = sum(len(each.wordings) + 3.5 for each in found.values())
    return TEXT_WIDTH_IN, 0.3 + _ROW_IN * rows


def draw_all(figure: Figure, found: Mapping[str, Paraphrased]) -> None:
    """A panel per attribute, one below the other, on one axis of layers."""
    heights = [len(each.wordings) + 1 for each in found.values()]
    panels = figure.subplots(
        len(found), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights}
    )
    for (axes,), (name, each) in zip(panels, found.items(), strict=True):
        draw_wordings(axes, name, each)
    panels[-1][0].set_xlabel("layer at which half of the plateau is reached")


def save_wordings_figure(found: Mapping[str, Paraphrased], folder: Path) -> tuple[Path, Path]:
    """Draws the panels of all attributes as PDF and PNG; gives the two files."""
    with house_style():
        figure = Figure(figsize=figure_size(found), layout="constrained")
        draw_all(figure, found)
        files = folder / "paraphrase.pdf", folder / "paraphrase.png"
        save_figure(figure, files[0], metadata=_UNDATED)
        save_figure(figure, files[1], dpi=200)
    return files
