"""Readouts of one attribute side by side, as a table and as a figure."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis.drawing.figures import COLORS, LINES, MARKERS, TEXT_WIDTH_IN, save_figure
from analysis.drawing.style import house_style
from analysis.effects.found import Finding
from analysis.emergence.found import ReadoutPair, ReadoutsCompared
from analysis.printed import printed
from analysis.wording import READOUT_NAMES, layers_text, p_text, p_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_UNDATED = {"Title": "Readouts side by side, by layer", "CreationDate": None, "ModDate": None}


def readout_table(name: str, findings: Mapping[str, Finding], compared: ReadoutsCompared) -> str:
    """A table of the information under every readout by layer and of the differences, and where the
    readouts disagree."""
    pairs = compared.pairs
    table = Table(
        title=f"{name}, readouts side by side: {compared.n_scenes} scenes",
        box=SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        caption="Information that the image adds, as share of H, and differences of it. p: "
        "two-sided, sign flips of scenes, adjusted over the layers of all pairs.",
        caption_justify="left",
    )
    headers = ["layer", *(READOUT_NAMES[readout] for readout in findings)]
    for pair in pairs:
        headers += [f"{_short(pair.first)} - {_short(pair.second)}", "p"]
    for header in headers:
        table.add_column(header, justify="right")
    layers = next(iter(findings.values())).layers
    for layer in range(len(layers)):
        cells = [str(layer)]
        cells += [f"{found.layers[layer].effect:.3f}" for found in findings.values()]
        for pair in pairs:
            row = pair.effect[layer]
            cells += [f"{row.difference:+.3f}", p_value(row.p)]
        table.add_row(*cells)
    text = printed(table)
    said = "\n".join(disagreement(pair, compared.level) for pair in pairs)
    return f"{text}\n{said}\n"


def disagreement(pair: ReadoutPair, level: float) -> str:
    """At which layers two readouts differ in information, and which one emerges earlier.

    Both are decided by adjusted p-values; the interval of the difference stands beside its p.
    """
    first, second = READOUT_NAMES[pair.first], READOUT_NAMES[pair.second]
    apart = [row for row in pair.effect if row.p <= 1 - level]
    more = [row.layer for row in apart if row.difference > 0]
    less = [row.layer for row in apart if row.difference < 0]
    parts = [
        f"{who} reads more at {layers_text(layers)}"
        for who, layers in ((first, more), (second, less))
        if layers
    ]
    where = "; ".join(parts) or "no difference shown at any layer"
    text = f"{first} against {second}: {where}."
    crossing = pair.crossing
    if crossing is None:
        return text
    verdict = "is not shown to emerge at another layer than"
    if crossing.p <= 1 - level + 1e-12:
        verdict = f"emerges {'later' if crossing.estimate > 0 else 'earlier'} than"
    return (
        f"{text} The {second} {verdict} the {first}: {crossing.estimate:+.1f} layers "
        f"({100 * level:g}% CI {crossing.low:+.1f} to {crossing.high:+.1f}, Holm-adjusted "
        f"{p_text(crossing.p)})."
    )


def draw_readouts(axes: "Axes", findings: Mapping[str, Finding]) -> None:
    """Draws the information by layer under every readout, and the layer at which the attribute
    emerges."""
    for readout, found in findings.items():
        rows = found.layers
        layers = np.array([row.layer for row in rows])
        told = np.array([row.effect for row in rows])
        axes.plot(
            layers, told, color=COLORS[readout], linestyle=LINES[readout], marker=MARKERS[readout],
            markersize=2.5, label=READOUT_NAMES[readout],
        )  # fmt: skip
        crossing = found.lambda_half
        if crossing is not None:
            at = crossing.estimate
            axes.plot(
                at, np.interp(at, layers, told), marker="D", markersize=4.5,
                color=COLORS[readout], markeredgecolor="white",
            )  # fmt: skip


def save_readout_figure(
    results: Mapping[str, Mapping[str, Finding]], folder: Path
) -> tuple[Path, Path]:
    """Draws a panel per attribute, as PDF and PNG; gives the two files."""
    from matplotlib.figure import Figure

    with house_style():
        figure = Figure(figsize=(TEXT_WIDTH_IN, 2.2), layout="constrained")
        panels = figure.subplots(1, len(results), sharey=True, squeeze=False)[0]
        for axes, (name, findings) in zip(panels, results.items(), strict=True):
            draw_readouts(axes, findings)
            last = next(iter(findings.values())).last_layer
            axes.set_xticks(range(0, last + 1, max(1, last // 5)))
            axes.set_title(name, fontsize=8)
            axes.set_xlabel("layer")
        panels[0].set_ylabel("information (share of H)")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside lower center", ncols=len(labels), frameon=False,
            fontsize=7,
        )  # fmt: skip
        files = folder / "readouts.pdf", folder / "readouts.png"
        save_figure(figure, files[0], metadata=_UNDATED)
        save_figure(figure, files[1], dpi=200)
    return files


def _short(readout: str) -> str:
    return READOUT_NAMES[readout].removesuffix(" lens").removeprefix("linear ")
