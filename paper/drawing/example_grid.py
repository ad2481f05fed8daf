"""One item: its image, and the most probable tokens at every layer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from analysis.drawing.token_labels import shown, token_labels
from analysis.examples.found import ExampleLayer

_MOST_LETTERS = 9
_MOST_LAYERS = 12


def draw_image(axes: Axes, image: np.ndarray, caption: str) -> None:
    """The picture that was asked about, with the right answer below it."""
    axes.imshow(image, interpolation="none", aspect="equal")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlabel(shown(caption), fontsize=7, parse_math=False)


def draw_top_tokens(axes: Axes, layers: Sequence[ExampleLayer], most: int = 5) -> None:
    """Draw a table with one row per layer and one cell per rank, shaded by probability. The last
    column holds the probability of the right answer."""
    rows = _chosen(layers)
    n_ranks = min(most, max(len(row.top) for row in rows))
    shade = np.zeros((len(rows), n_ranks + 1))
    for place, row in enumerate(rows):
        for rank, (_, probability) in enumerate(row.top[:n_ranks]):
            shade[place, rank] = probability
        shade[place, -1] = row.answer_probability
    axes.imshow(shade, cmap="Greys", vmin=0, vmax=1.15, aspect="auto", interpolation="none",
                origin="lower")  # fmt: skip
    for place, row in enumerate(rows):
        look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 7}
        labels = token_labels([token for token, _ in row.top[:n_ranks]], most=_MOST_LETTERS)
        for rank, label in enumerate(labels):
            color = "white" if shade[place, rank] > 0.6 else "black"
            label.put(axes.text(rank, place, "", color=color, **look))
        axes.text(n_ranks, place, f"{row.answer_probability:.2f}", **look,
                  color="white" if shade[place, -1] > 0.6 else "black")  # fmt: skip
    axes.set_yticks(range(len(rows)), [str(row.layer) for row in rows])
    axes.set_xticks(range(n_ranks + 1), [*(str(rank + 1) for rank in range(n_ranks)), "p(answer)"])
    axes.tick_params(length=0)
    axes.set_xlabel("most probable tokens, by rank")
    axes.set_ylabel("layer")
    axes.axvline(n_ranks - 0.5, color="white", linewidth=2)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _chosen(layers: Sequence[ExampleLayer]) -> list[ExampleLayer]:
    """All layers if they fit; otherwise as many evenly spaced ones as fit, with the first and the
    last among them."""
    n_layers = len(layers)
    if n_layers <= _MOST_LAYERS:
        return list(layers)
    steps = np.linspace(0, n_layers - 1, _MOST_LAYERS).round().astype(int)
    return [layers[step] for step in steps]
