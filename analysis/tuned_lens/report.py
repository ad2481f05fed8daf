"""The comparison of lenses as a table and as a figure."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis.drawing.figures import COLORS, LINES, MARKERS, TEXT_WIDTH_IN, save_figure
from analysis.drawing.style import house_style, log_scale
from analysis.printed import printed
from analysis.tuned_lens.found import ComparedLenses, JudgedLens
from analysis.wording import READOUT_NAMES, p_value

_PLACES = {"answer": "answer position", "text": "text tokens", "image": "image tokens"}
# Below this a divergence is rounding.
_LEAST_BITS = 1e-6


def lens_table(study: JudgedLens, position: str) -> str:
    """A row per layer: the divergence of both lenses, the gain with its test, the cross-entropy and
    the bias."""
    found = study.positions[position]
    level = f"{100 * found.level:g}%"
    table = Table(
        title=f"tuned lens, {_PLACES[position]}: {found.n_scenes} test scenes, "
        f"{found.n_rows} positions",
        box=SIMPLE_HEAD,
        padding=0,
        title_justify="left",
        title_style="bold",
        caption="KL: D(final || lens) over the vocabulary in bits; gain: logit lens minus tuned "
        f"lens, {level} interval over scenes; p: one-sided, adjusted over layers. CE: "
        "cross-entropy with the right answer. Bias: divergence of the mean distributions. Both in "
        "bits, logit lens/tuned lens.",
        caption_justify="left",
    )
    due = found.layers[0].cross_entropy_bits.logit_lens is not None
    headers = ["layer", "kept", "KL logit", "KL tuned", "gain", f"{level} CI", "p"]
    for header in [*headers, *(["CE"] if due else []), "bias"]:
        table.add_column(header, justify="right", no_wrap=True)
    for row, kept in zip(found.layers, study.kept, strict=True):
        gain, entropies = row.gain_bits, row.cross_entropy_bits.named.values()
        table.add_row(
            str(row.layer),
            kept.replace("_", " "),
            *(_number(kl.estimate) for kl in row.kl_bits.named.values()),
            _number(gain.estimate),
            f"{_number(gain.low)} to {_number(gain.high)}",
            "" if row.p is None else p_value(row.p),
            *(["/".join(f"{each:.2f}" for each in entropies)] if due else []),
            "/".join(_number(bias) for bias in row.bias_bits.named.values()),
        )
    text = printed(table)
    return f"{text}\n{_closing(found)}\n"


def _closing(found: ComparedLenses) -> str:
    parts = [
        f"{READOUT_NAMES[lens]} {depth.estimate:.2f} ({depth.low:.2f} to {depth.high:.2f})"
        for lens, depth in found.prediction_depth.named.items()
    ]
    seeds = (
        f"\nSpread over {found.n_seeds} seeds: at most {found.seed_spread_bits:.1g} bits of KL "
        "(standard deviation)."
        if found.n_seeds > 1
        else ""
    )
    return f"Prediction depth, mean layer: {', '.join(parts)}.{seeds}"


def _number(value: float) -> str:
    return f"{value:.4f}"


def draw_kl_by_layer(axes: Axes, found: ComparedLenses) -> None:
    """Draws the divergence of both lenses from the model on a logarithmic scale, with bands over
    scenes."""
    rows = found.layers[:-1]  # at the last layer both are 0 by definition
    layers = np.array([row.layer for row in rows])
    for lens in rows[0].kl_bits.named:
        kl = [row.kl_bits.named[lens] for row in rows]
        low = np.maximum([each.low for each in kl], _LEAST_BITS)
        high = np.array([each.high for each in kl])
        estimate = np.array([each.estimate for each in kl])
        axes.fill_between(layers, low, high, color=COLORS[lens], alpha=0.2, linewidth=0)
        axes.plot(
            layers, np.maximum(estimate, _LEAST_BITS), color=COLORS[lens], linestyle=LINES[lens],
            marker=MARKERS[lens], markersize=2.5, label=READOUT_NAMES[lens],
        )  # fmt: skip
    log_scale(axes)
    axes.set_xticks(range(0, len(rows), max(1, len(rows) // 5)))
    axes.set_xlabel("layer")


def save_lens_figure(study: JudgedLens, folder: Path) -> tuple[Path, Path]:
    """Draws a panel per position as PDF and PNG; equal results give equal bytes."""
    files = folder / "tuned_lens.pdf", folder / "tuned_lens.png"
    with house_style():
        figure = Figure(figsize=(TEXT_WIDTH_IN, 2.3), layout="constrained")
        positions = study.positions
        panels = figure.subplots(1, len(positions), sharey=True, squeeze=False)[0]
        for axes, (position, found) in zip(panels, positions.items(), strict=True):
            draw_kl_by_layer(axes, found)
            axes.set_title(_PLACES[position], fontsize=8)
        panels[0].set_ylabel("D(final || lens), bits")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=7
        )
        title = "Divergence of logit lens and tuned lens from the model, by layer"
        undated = {"Title": title, "CreationDate": None, "ModDate": None}
        save_figure(figure, files[0], metadata=undated)
        save_figure(figure, files[1], dpi=200)
    return files
