"""What linear probes found, as a table and as a figure."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis.drawing.figures import COLORS, TEXT_WIDTH_IN, label_ends, save_figure
from analysis.drawing.style import house_style
from analysis.effects.found import Interval
from analysis.printed import WIDTH, printed
from analysis.probes.found import CONTROL_TASK, RANDOM_WEIGHTS, Probed
from analysis.wording import p_text, p_value

_UNDATED = {"Title": "Linear probes by layer", "CreationDate": None, "ModDate": None}


def probe_table(name: str, found: Probed, position: str) -> str:
    """A row per layer for the probes, then the baselines that have no layers."""
    level = f"{100 * found.level:g}%"
    table = Table(
        title=f"{name}, {position}: linear probes, {found.n_scenes} scenes, "
        f"{found.n_items} items, {len(found.answers)} answers",
        box=SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        caption=f"Held-out scenes. told: information in bits. {level} interval over scenes. "
        f"select.: accuracy above a control task of {found.n_types} types{_drawn(found)}. code: "
        f"online code of the labels, uniform {found.uniform_code_bits:.0f} bits. p: one-sided, "
        "adjusted over layers: of the information; of the selectivity.",
        caption_justify="left",
    )
    headers = (
        "layer", "accuracy", f"{level} CI", "told", "select.", "code", "random", "p", "p select.",
    )  # fmt: skip
    for header in headers:
        table.add_column(header, justify="right", no_wrap=True)
    # Left out where a second model does not fit beside the first.
    untrained = found.compared.get(RANDOM_WEIGHTS)
    for row in found.layers:
        table.add_row(
            str(row.layer),
            f"{row.accuracy:.3f}",
            f"{row.accuracy_low:.3f} to {row.accuracy_high:.3f}",
            f"{row.information:.2f}",
            f"{row.selectivity:+.3f}",
            f"{row.code_bits:.0f}",
            f"{untrained[row.layer].accuracy:.3f}" if untrained else "-",
            p_value(row.p_information),
            p_value(row.p_selectivity),
        )
    both = (printed(each) for each in (table, _baseline_table(found, level)))
    return "\n".join([*both, _last_intervals(found) + _composition(found)])


def _drawn(found: Probed) -> str:
    """A sentence on the number of draws over which selectivity is the mean."""
    return (
        f", mean over {found.n_control_draws} draws of its labels and {found.n_partitions} "
        "partitions of the scenes"
    )


def _last_intervals(found: Probed) -> str:
    """Selectivity and code length at the last layer, with intervals that hold the error of the
    draws too."""
    row, level = found.last, f"{100 * found.level:g}% CI"
    text = (
        f"Selectivity at layer {row.layer}: {row.selectivity:+.3f} ({level} "
        f"{row.selectivity_low:+.3f} to {row.selectivity_high:+.3f}, over scenes and draws; one "
        f"draw differs from another by {row.selectivity_draw_deviation:.3f}, SD). Code: "
        f"{row.code_bits:.0f} bits ({level} {row.code_bits_low:.0f} to {row.code_bits_high:.0f}, "
        f"over scenes and {found.n_orders} orders)."
    )
    return textwrap.fill(text, WIDTH) + "\n"


def _composition(found: Probed) -> str:
    """Whether values are read in pairs that the probe has not seen, and which pairs were left
    out."""
    row = found.last
    notes = "".join(
        f"{textwrap.fill(f'  left out: {reason}', WIDTH, subsequent_indent='    ')}\n"
        for reason in found.left_out
    )
    gap, p = row.composition_interval, row.p_composition_gap
    if gap is None or p is None:
        return notes
    return notes + (
        f"Accuracy lost in unseen pairs at layer {row.layer}: {gap.estimate:+.3f} "
        f"({100 * found.level:g}% CI {gap.low:+.3f} to {gap.high:+.3f}, {p_text(p)}).\n"
    )


def _baseline_table(found: Probed, level: str) -> Table:
    table = Table(box=SIMPLE_HEAD)
    table.add_column("baseline")
    for header in ("layer", "accuracy", f"{level} CI", "information"):
        table.add_column(header, justify="right", no_wrap=True)
    for name, rows in found.compared.items():
        # By layer there is no best one without a test of its own: the last is shown.
        row = rows[-1]
        table.add_row(
            name,
            str(len(rows) - 1) if len(rows) > 1 else "-",
            f"{row.accuracy:.3f}",
            f"{row.accuracy_low:.3f} to {row.accuracy_high:.3f}",
            f"{row.information:.2f}",
        )
    return table


def draw_accuracy(axes: Axes, found: Probed) -> None:
    """Draws the accuracy by layer of the probe, of its control task and of the untrained copy, with
    bands."""
    curves = {"probe": [row.accuracy_interval for row in found.layers]} | {
        name: [row.accuracy_interval for row in found.compared[name]]
        for name in (CONTROL_TASK, RANDOM_WEIGHTS)
        if name in found.compared
    }
    for name, rows in curves.items():
        _draw_band(axes, rows, COLORS[name])
    majority = found.majority.accuracy
    axes.axhline(majority, color="0.6", linewidth=0.6, linestyle=":")
    axes.annotate("majority", xy=(0, majority), xytext=(0, 2), textcoords="offset points",
                  fontsize=7, color="0.4")  # fmt: skip
    label_ends(axes, {name: rows[-1].estimate for name, rows in curves.items()})


def draw_selectivity(axes: Axes, found: Probed) -> None:
    """Draws the accuracy above the control task by layer, with its band."""
    axes.axhline(0, color="0.6", linewidth=0.6)
    _draw_band(axes, [row.selectivity_interval for row in found.layers], COLORS["selectivity"])


def save_probe_figure(name: str, found: Probed, folder: Path, position: str) -> tuple[Path, Path]:
    """Draws accuracy and selectivity by layer of one attribute, as PDF and PNG; gives the two
    files."""
    with house_style():
        figure = Figure(figsize=(TEXT_WIDTH_IN, 2.4), layout="constrained")
        left, right = figure.subplots(1, 2)
        draw_accuracy(left, found)
        draw_selectivity(right, found)
        left.set_ylabel(f"{name}: accuracy on held-out scenes")
        right.set_ylabel("selectivity (accuracy)")
        last = found.last.layer
        for axes in (left, right):
            axes.set_xlabel("layer")
            axes.set_xlim(-0.2, last + 0.2)
            axes.set_xticks(range(0, last + 1, max(1, last // 5)))
        stem = f"probes-{name}" if position == "answer" else f"probes-{name}-{position}"
        files = folder / f"{stem}.pdf", folder / f"{stem}.png"
        save_figure(figure, files[0], metadata=_UNDATED)
        save_figure(figure, files[1], dpi=200)
    return files


def _draw_band(axes: Axes, rows: Sequence[Interval], color: str) -> None:
    layers = np.arange(len(rows))
    low, high = [row.low for row in rows], [row.high for row in rows]
    axes.fill_between(layers, low, high, color=color, alpha=0.2, linewidth=0)
    axes.plot(layers, [row.estimate for row in rows], color=color, marker="o", markersize=2.5)
