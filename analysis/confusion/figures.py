"""Figures of competing words by layer, of what the image adds, and of which answers are taken for
which."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.confusion.found import Compared, Confused, Matrix, WordAtLayer, WordCurve
from analysis.drawing.figures import TEXT_WIDTH_IN, save_figure
from analysis.drawing.glyphs import drawn, plain_labels
from analysis.drawing.style import house_style, log_scale

# Of Okabe & Ito: black for the right word, then those that compete with it.
_LOOKS: tuple[tuple[str, Any, str], ...] = (
    ("#000000", "-", "o"),
    ("#D55E00", (0, (4, 1.5)), "s"),
    ("#0072B2", (0, (1, 1)), "^"),
    ("#009E73", (0, (4, 1.5, 1, 1.5)), "v"),
    ("#CC79A7", (0, (7, 2)), "D"),
)
_Band = tuple[float, float, float]
"""Low end, mean and high end of a band."""
_MEASURES: dict[str, Callable[[WordAtLayer], _Band]] = {
    "share among words": lambda row: (row.share_low, row.share, row.share_high),
    "probability": lambda row: (row.probability_low, row.probability, row.probability_high),
}
_LEAST_PROBABILITY = 1e-6
_COLUMNS = 3
_DRAWN_LAYERS = 5
_MOST_WRITTEN = 4
"""Largest number of answers with which every cell of a matrix has room for its number."""


def chosen_layers(n_layers: int, wanted: Sequence[int] = ()) -> list[int]:
    """The layers asked for, in order; without any, five evenly spread ones with the first and the
    last."""
    if wanted:
        return sorted(set(wanted))
    n_drawn = min(_DRAWN_LAYERS, n_layers)
    return sorted({round(place * (n_layers - 1) / (n_drawn - 1)) for place in range(n_drawn)})


def draw_words(canvas: Figure, found: Confused) -> None:
    """Draws two panels per answer, with bands: the share of each of its words among all words, and
    the probability."""
    answers = list(dict.fromkeys(curve.answer for curve in found.words))
    columns = min(_COLUMNS, len(answers))
    groups = [answers[start : start + columns] for start in range(0, len(answers), columns)]
    panels = canvas.subplots(2 * len(groups), columns, squeeze=False, sharex=True)
    for number, group in enumerate(groups):
        for place, what in enumerate(_MEASURES):
            row = panels[2 * number + place]
            row[0].set_ylabel(what)
            for axes, answer in zip(row, group, strict=False):
                _draw_answer(axes, found, answer, what)
            for axes in row[len(group) :]:
                axes.set_axis_off()
    for axes in panels[-1]:
        axes.set_xlabel("layer")


def _draw_answer(axes: Axes, found: Confused, answer: str, what: str) -> None:
    curves: list[WordCurve] = [curve for curve in found.words if curve.answer == answer]
    for place, curve in enumerate(curves):
        bands = [_MEASURES[what](row) for row in curve.layers]
        _draw_band(axes, bands, place, curve.word)
    last = len(curves[0].layers) - 1
    axes.set_xticks(range(0, last + 1, max(1, last // 5)))
    if what == "probability":
        # Below a millionth nothing is told apart; a mean of 0 has no place on this axis.
        log_scale(axes)
        axes.set_ylim(_LEAST_PROBABILITY, 2)
        return
    axes.set_ylim(-0.03, 1.03)
    _name(axes, answer, curves[0].n_scenes)


def _draw_band(axes: Axes, bands: Sequence[_Band], place: int, word: str) -> None:
    color, line, marker = _LOOKS[place % len(_LOOKS)]
    layers = range(len(bands))
    low, mean, high = zip(*bands, strict=True)
    axes.fill_between(layers, low, high, color=color, alpha=0.2, linewidth=0)
    axes.plot(layers, mean, color=color, linestyle=line, marker=marker, markersize=2.2,
              linewidth=1, label=drawn(word))  # fmt: skip


def draw_added(canvas: Figure, found: Confused) -> None:
    """Draws a panel per answer, with bands: what the image adds to the lead of each competing
    word."""
    answers = list(dict.fromkeys(str(pair.answer) for pair in found.pairs))
    columns = min(_COLUMNS, len(answers))
    n_rows = -(-len(answers) // columns)
    panels = canvas.subplots(n_rows, columns, squeeze=False, sharex=True, sharey=True)
    for axes, answer in zip(panels.flat, answers, strict=False):
        _draw_added(axes, found, answer)
    for axes in panels.flat[len(answers) :]:
        axes.set_axis_off()
    for row in panels:
        row[0].set_ylabel("image adds (bits)")
    for axes in panels[-1]:
        axes.set_xlabel("layer")


def _draw_added(axes: Axes, found: Confused, answer: str) -> None:
    pairs: list[Compared] = [pair for pair in found.pairs if pair.answer == answer]
    axes.axhline(0, color="0.6", linewidth=0.6)
    for place, pair in enumerate(pairs, start=1):  # The first look is the right word's.
        bands = [(row.added_low, row.added_bits, row.added_high) for row in pair.layers]
        _draw_band(axes, bands, place, str(pair.near))
    last = len(pairs[0].layers) - 1
    axes.set_xticks(range(0, last + 1, max(1, last // 5)))
    _name(axes, answer, pairs[0].n_scenes)


def _name(axes: Axes, answer: str, n_scenes: int) -> None:
    """Puts title and legend on a panel; no word in them is taken for a formula."""
    axes.set_title(f"{drawn(answer)} ({n_scenes} scenes)", fontsize=8, parse_math=False)
    legend = axes.legend(frameon=False, fontsize=7, loc="best", handlelength=2.4)
    for text in legend.get_texts():
        text.set_parse_math(False)


def draw_matrices(canvas: Figure, found: Confused, layers: Sequence[int]) -> None:
    """Draws a panel per layer: in each row, what is said in the scenes where that answer is right,
    as shares in percent."""
    matrix = found.matrix
    written = len(matrix.chosen) <= _MOST_WRITTEN
    panels = canvas.subplots(1, len(layers), squeeze=False)[0]
    for place, (axes, layer) in enumerate(zip(panels, layers, strict=True)):
        _draw_matrix(axes, matrix, layer, write=written)
        axes.set_xticks(range(len(matrix.chosen)), map(drawn, matrix.chosen), rotation=90)
        named = [
            f"{drawn(right)} ({n})" for right, n in zip(matrix.right, matrix.n_scenes, strict=True)
        ]
        axes.set_yticks(range(len(named)), named if place == 0 else [""] * len(named))
        plain_labels(axes)
    panels[0].set_ylabel("right answer (scenes)")
    shown = "percent of" if written else "white: none, black: all of"
    canvas.supxlabel(f"likeliest answer ({shown} the scenes in each row)", fontsize=8)


def _draw_matrix(axes: Axes, matrix: Matrix, layer: int, *, write: bool) -> None:
    shares = matrix.layers[layer].share
    axes.imshow(shares, cmap="Greys", vmin=0, vmax=1, interpolation="none", aspect="equal")
    for row, cells in enumerate(shares if write else ()):
        for column, share in enumerate(cells):
            axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=7,
                      color="white" if share > 0.6 else "black")  # fmt: skip
    axes.set_title(f"layer {layer}", fontsize=8)
    axes.tick_params(length=0)


def words_size(found: Confused) -> tuple[float, float]:
    """Width and height of the figure of words in inches, by its number of panels."""
    n_answers = len({curve.answer for curve in found.words})
    return TEXT_WIDTH_IN, 0.4 + 2.6 * -(-n_answers // _COLUMNS)


def added_size(found: Confused) -> tuple[float, float]:
    """Width and height of the figure of what the image adds in inches, by its number of panels."""
    n_answers = len({pair.answer for pair in found.pairs})
    return TEXT_WIDTH_IN, 0.4 + 1.4 * -(-n_answers // _COLUMNS)


MATRICES_SIZE = (TEXT_WIDTH_IN, 2.0)


def save_confusion_figures(
    name: str, found: Confused, folder: Path, layers: Sequence[int] = ()
) -> tuple[Path, ...]:
    """Draws the words, the matrices and what the image adds, each as PDF and PNG; gives the six
    files in this order."""
    chosen = chosen_layers(len(found.matrix.layers), layers)
    with house_style():
        words = Figure(figsize=words_size(found), layout="constrained")
        draw_words(words, found)
        matrices = Figure(figsize=MATRICES_SIZE, layout="constrained")
        draw_matrices(matrices, found, chosen)
        added = Figure(figsize=added_size(found), layout="constrained")
        draw_added(added, found)
        drawings = {"words": words, "confusion": matrices, "image-adds": added}
        for stem, figure in drawings.items():
            undated = {"Title": f"Competing words: {name}", "CreationDate": None, "ModDate": None}
            save_figure(figure, folder / f"{stem}-{name}.pdf", metadata=undated)
            save_figure(figure, folder / f"{stem}-{name}.png", dpi=200)
    return tuple(folder / f"{stem}-{name}.{end}" for stem in drawings for end in ("pdf", "png"))
