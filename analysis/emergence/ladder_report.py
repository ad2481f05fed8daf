"""The ladder of readers in sentences, as a table and as a figure."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis.drawing.figures import COLORS, LINES, MARKERS, TEXT_WIDTH_IN, save_figure
from analysis.drawing.style import house_style
from analysis.emergence.found import Ladder, Step
from analysis.printed import printed
from analysis.wording import layers_text, p_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RUNG_NAMES = {
    "says": "what the logit lens says",
    "holds": "what its answer scores hold",
    "there": "what is linearly there",
}
_UNDATED = {"Title": "What is said, held and there", "CreationDate": None, "ModDate": None}


def ladder_text(name: str, found: Ladder) -> str:
    """Information on every rung by layer, the steps between them, and what the steps mean."""
    table = Table(
        title=f"{name}, said, held, there: {found.n_scenes} scenes",
        box=SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        caption="Information that the image adds, as share of H. says: the logit lens's answer "
        "scores, read by scale and prior; holds: by an offset per answer besides; there: the "
        "linear probe on the residual. p of each step: two-sided, adjusted over layers and steps.",
        caption_justify="left",
    )
    for header in ("layer", *found.rungs):
        table.add_column(header, justify="right")
    for step in found.steps:
        table.add_column(f"{step.upper} - {step.lower}", justify="right")
        table.add_column("p", justify="right")
    for layer in range(len(next(iter(found.rungs.values())))):
        cells = [str(layer)]
        cells += [f"{rows[layer].estimate:.3f}" for rows in found.rungs.values()]
        for step in found.steps:
            row = step.layers[layer]
            cells += [f"{row.estimate:+.3f}", p_value(row.p)]
        table.add_row(*cells)
    said = " ".join(step_sentence(step, found.level) for step in found.steps)
    return f"{printed(table)}\n{said}\n"


def step_sentence(step: Step, level: float) -> str:
    """At which layers the upper rung holds more than the lower one, and where most."""
    more = [row for row in step.layers if row.p <= 1 - level + 1e-12 and row.estimate > 0]
    lower, upper = RUNG_NAMES[step.lower], RUNG_NAMES[step.upper]
    if not more:
        return f"{upper[:1].upper()}{upper[1:]} is at no layer shown to exceed {lower}."
    most = max(more, key=lambda row: row.estimate)
    return (
        f"{upper[:1].upper()}{upper[1:]} exceeds {lower} at "
        f"{layers_text([row.layer for row in more])}, most at layer {most.layer}: "
        f"{most.estimate:+.2f} H ({100 * level:g}% CI {most.low:+.2f} to "
        f"{most.high:+.2f})."
    )


def draw_ladder(axes: "Axes", found: Ladder) -> None:
    """Draws the information of every rung by layer, with intervals."""
    for rung, rows in found.rungs.items():
        layers = [row.layer for row in rows]
        low, high = [row.low for row in rows], [row.high for row in rows]
        axes.fill_between(layers, low, high, color=COLORS[rung], alpha=0.2, linewidth=0)
        axes.plot(
            layers, [row.estimate for row in rows], color=COLORS[rung], linestyle=LINES[rung],
            marker=MARKERS[rung], markersize=2.5, label=RUNG_NAMES[rung],
        )  # fmt: skip
    axes.axhline(0, color="0.6", linewidth=0.6)
    axes.set_xticks(range(0, layers[-1] + 1, max(1, layers[-1] // 5)))


def save_ladder_figure(results: Mapping[str, Ladder], folder: Path) -> tuple[Path, Path]:
    """Draws a panel per attribute, as PDF and PNG; gives the two files."""
    from matplotlib.figure import Figure

    with house_style():
        figure = Figure(figsize=(TEXT_WIDTH_IN, 2.2), layout="constrained")
        panels = figure.subplots(1, len(results), sharey=True, squeeze=False)[0]
        for axes, (name, found) in zip(panels, results.items(), strict=True):
            draw_ladder(axes, found)
            axes.set_title(name, fontsize=8)
            axes.set_xlabel("layer")
        panels[0].set_ylabel("information (share of H)")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=7
        )
        files = folder / "ladder.pdf", folder / "ladder.png"
        save_figure(figure, files[0], metadata=_UNDATED)
        save_figure(figure, files[1], dpi=200)
    return files
