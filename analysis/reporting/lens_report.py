"""The comparison of lenses as a table and as a figure."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from analysis.estimation.lens_comparison import LENSES
from analysis.reporting.figures import TEXT_WIDTH_IN, save_figure
from analysis.reporting.report_text import p_value

_WIDTH = 100
_NAMES = {"logit_lens": "logit lens", "tuned_lens": "tuned lens"}
# Okabe & Ito (2008), as everywhere.
_COLORS = {"logit_lens": "#999999", "tuned_lens": "#0072B2"}
_STYLES: dict[str, Any] = {"logit_lens": {"linestyle": "--", "marker": "s"},
                           "tuned_lens": {"linestyle": "-", "marker": "o"}}  # fmt: skip
_STYLE: dict[Any, Any] = {
    "font.size": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "pdf.fonttype": 42,
}


def lens_table(found: Mapping[str, Any]) -> str:
    """A row per layer: divergence of both lenses, the gain and its test, cross-entropy, bias."""
    level = f"{100 * found['level']:g}%"
    table = Table(
        title=f"tuned lens: {found['n_scenes']} test scenes, {found['n_rows']} items",
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
    headers = ("layer", "kept", "KL logit", "KL tuned", "gain", f"{level} CI", "p", "CE", "bias")
    for header in headers:
        table.add_column(header, justify="right", no_wrap=True)
    for row in found["layers"]:
        kl, gain = row["kl_bits"], row["gain_bits"]
        table.add_row(
            str(row["layer"]),
            row["kept"].replace("_", " "),
            *(_number(kl[lens]["estimate"]) for lens in LENSES),
            _number(gain["estimate"]),
            f"{_number(gain['low'])} to {_number(gain['high'])}",
            "" if row["p"] is None else p_value(row["p"]),
            "/".join(f"{row['cross_entropy_bits'][lens]:.2f}" for lens in LENSES),
            "/".join(_number(row["bias_bits"][lens]) for lens in LENSES),
        )
    stream = io.StringIO()
    Console(file=stream, width=_WIDTH, color_system=None, markup=False).print(table)
    text = "\n".join(line.rstrip() for line in stream.getvalue().splitlines())
    return f"{text}\n{_closing(found)}\n"


def _closing(found: Mapping[str, Any]) -> str:
    depth = found["prediction_depth"]
    parts = [
        f"{_NAMES[lens]} {depth[lens]['estimate']:.2f} ({depth[lens]['low']:.2f} to "
        f"{depth[lens]['high']:.2f})"
        for lens in LENSES
    ]
    spread = max(row["seed_spread_bits"] for row in found["layers"])
    seeds = (
        f"\nSpread over {found['n_seeds']} seeds: at most {spread:.1g} bits of KL (standard "
        "deviation)."
        if found["n_seeds"] > 1
        else ""
    )
    return f"Prediction depth, mean layer: {', '.join(parts)}.{seeds}"


def _number(value: float) -> str:
    return f"{value:.4f}"


def draw_kl_by_layer(axes: Axes, found: Mapping[str, Any], *, log: bool = False) -> None:
    """Divergence of both lenses from the model, with bands over scenes, the names at the lines.

    `log` shows it on a logarithmic scale, on which the last layers can be told apart.
    """
    rows = found["layers"][:-1]  # at the last layer both are 0 by definition
    layers = np.array([row["layer"] for row in rows])
    for lens in LENSES:
        estimate, low, high = (
            np.array([row["kl_bits"][lens][key] for row in rows])
            for key in ("estimate", "low", "high")
        )
        axes.fill_between(
            layers, np.maximum(low, 0), high, color=_COLORS[lens], alpha=0.2, linewidth=0
        )
        axes.plot(layers, estimate, color=_COLORS[lens], markersize=2.5, **_STYLES[lens])
        at, offset = (-1, (5, 0)) if log else (0, (4, 2))
        axes.annotate(
            _NAMES[lens], xy=(layers[at], estimate[at]), xytext=offset,
            textcoords="offset points", color=_COLORS[lens], va="center" if log else "bottom",
        )  # fmt: skip
    if log:
        axes.set_yscale("log")
        drawn = [row["kl_bits"][lens]["estimate"] for row in rows for lens in LENSES]
        # Intervals may touch 0, which has no place here.
        axes.set_ylim(bottom=max(min(drawn) / 3, 1e-6))
    else:
        axes.set_ylim(bottom=0)
    axes.set_xticks(range(0, len(rows), max(1, len(rows) // 10)))
    axes.set_xlabel("layer (residual stream after block)")
    axes.set_ylabel("D(final || lens), bits")


def save_lens_figure(found: Mapping[str, Any], folder: Path) -> tuple[Path, Path]:
    """The figure as PDF and PNG, the same bytes for the same results; gives the two files."""
    files = folder / "tuned_lens.pdf", folder / "tuned_lens.png"
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(0.7 * TEXT_WIDTH_IN, 2.4), layout="constrained")
        draw_kl_by_layer(figure.subplots(), found)
        title = "Divergence of logit lens and tuned lens from the model, by layer"
        undated = {"Title": title, "CreationDate": None, "ModDate": None}
        save_figure(figure, files[0], metadata=undated)
        save_figure(figure, files[1], dpi=200)
    return files
