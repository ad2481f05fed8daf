"""Figures of a concept: the effect by layer beside the AUC, and what a decoder can tell."""

import re
import zlib
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.concept.found import DecodedColumn, FoundConcept
from analysis.concept.report import measure_text
from analysis.drawing.figures import (
    COLORS,
    TEXT_WIDTH_IN,
    draw_crossing,
    label_ends,
    save_figure,
)
from analysis.drawing.style import house_style

_EFFECT, _AREA = "#0072B2", "#D55E00"
CONCEPT_SIZE = (TEXT_WIDTH_IN, 2.4)
DECODE_SIZE = (0.7 * TEXT_WIDTH_IN, 2.2)


def draw_concept(canvas: Figure, found: FoundConcept) -> None:
    """Draws on the left the effect in bits, with the layer of emergence and the set; on the right
    the AUC."""
    left, right = canvas.subplots(1, 2)
    rows = found.layers
    left.axhline(0, color="0.6", linewidth=0.6)
    _draw_band(left, [(row.low, row.effect, row.high) for row in rows], _EFFECT, "o")
    if found.lambda_half is not None:
        height = found.plateau_effect / 2
        draw_crossing(left, found.lambda_half, height, color=_EFFECT, marker="D")
        ends, last = found.fb_half, rows[-1].layer
        high = last + 0.25 if ends.high is None else ends.high
        left.plot([ends.low - 0.12, high + 0.12], [1.02, 1.02], color=_EFFECT, linewidth=3,
                  alpha=0.6, solid_capstyle="butt", transform=left.get_xaxis_transform(),
                  clip_on=False)  # fmt: skip
    left.set_ylabel("own minus contrast (bits)")
    right.axhline(0.5, color="0.6", linewidth=0.6)
    _draw_band(right, [(row.auc_low, row.auc, row.auc_high) for row in rows], _AREA, "s")
    right.set_ylim(-0.02, 1.02)
    right.set_ylabel("AUC, own above contrast")
    for axes in (left, right):
        _label_layers(axes, rows[-1].layer)


def draw_decoded(axes: Axes, found: DecodedColumn) -> None:
    """Draws the score of the decoder and of its permuted control by layer, with bands and the
    baseline."""
    rows = found.layers
    base = 0.0 if found.baseline is None else found.baseline.score
    axes.axhline(base, color="0.5", linewidth=0.6, linestyle=":")
    own = [(row.low, row.score, row.high) for row in rows]
    permuted = [(row.permuted.low, row.permuted.score, row.permuted.high) for row in rows]
    _draw_band(axes, own, COLORS["probe"], "o")
    _draw_band(axes, permuted, COLORS["shuffled"], "s")
    axes.set_ylabel(f"{measure_text(found)} on held-out images")
    last = rows[-1]
    label_ends(
        axes,
        {"decoder": last.score, "permuted": last.permuted.score, "baseline": base},
        {"decoder": COLORS["probe"], "permuted": COLORS["shuffled"], "baseline": "0.5"},
    )
    _label_layers(axes, last.layer)


def save_concept_figure(found: FoundConcept, folder: Path) -> tuple[Path, Path]:
    """Draws the effect and the AUC of a concept as PDF and PNG; gives the two files."""
    with house_style():
        figure = Figure(figsize=CONCEPT_SIZE, layout="constrained")
        draw_concept(figure, found)
        return _saved(figure, folder, "concept", "Recognition of a kind of image by layer")


def save_decode_figure(column: str, found: DecodedColumn, folder: Path) -> tuple[Path, Path]:
    """Draws the decoder's scores for a column as PDF and PNG; gives the two files."""
    with house_style():
        figure = Figure(figsize=DECODE_SIZE, layout="constrained")
        draw_decoded(figure.subplots(), found)
        return _saved(figure, folder, f"decoded-{slug(column)}", "What a decoder knows by layer")


def slug(column: str) -> str:
    """A column's name in characters that a file name may have; different columns get different
    names."""
    plain = re.sub(r"[^a-z0-9]+", "-", column.lower()).strip("-")
    return plain if plain == column else f"{plain or 'column'}-{zlib.crc32(column.encode()):08x}"


def _saved(figure: Figure, folder: Path, stem: str, title: str) -> tuple[Path, Path]:
    files = folder / f"{stem}.pdf", folder / f"{stem}.png"
    save_figure(figure, files[0], metadata={"Title": title, "CreationDate": None, "ModDate": None})
    save_figure(figure, files[1], dpi=200)
    return files


def _draw_band(
    axes: Axes, bands: Sequence[tuple[float, float, float]], color: str, marker: str
) -> None:
    """Draws a curve with its band; `bands` holds low end, mean and high end of each layer."""
    low, mean, high = zip(*bands, strict=True)
    axes.fill_between(range(len(bands)), low, high, color=color, alpha=0.2, linewidth=0)
    axes.plot(range(len(bands)), mean, color=color, marker=marker, markersize=2.5)


def _label_layers(axes: Axes, last: int) -> None:
    axes.set_xlabel("layer")
    axes.set_xlim(-0.2, last + 0.2)
    axes.set_xticks(range(0, last + 1, max(1, last // 5)))
