"""Panels for attributes side by side: as many columns as can be read, and blocks of rows below."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

MOST_COLUMNS = 5


def attribute_panels(
    canvas: Figure,
    names: Sequence[str],
    labels: Sequence[str],
    heights: Sequence[float],
    *,
    most: int = MOST_COLUMNS,
) -> dict[str, list[Axes]]:
    """A column of panels per attribute, one below the other for each of `labels`.

    `labels` name the vertical axes and `heights` say how tall the panels are; panels in a row
    share their scale. The attribute's name stands above its uppermost panel.
    """
    columns = min(most, len(names))
    n_blocks, n_rows = -(-len(names) // columns), len(labels)
    grid = canvas.subplots(
        n_blocks * n_rows, columns, squeeze=False, height_ratios=[*heights] * n_blocks
    )
    found: dict[str, list[Axes]] = {}
    for place in range(n_blocks * columns):
        block, column = divmod(place, columns)
        own = [grid[block * n_rows + row, column] for row in range(n_rows)]
        if place >= len(names):
            for axes in own:
                axes.set_axis_off()
            continue
        found[names[place]] = own
        own[0].set_title(names[place], fontsize=8)
        own[-1].set_xlabel("layer")
        for row, axes in enumerate(own):
            if place:
                axes.sharey(grid[row, 0])
            if column:
                axes.tick_params(labelleft=False)
            else:
                axes.set_ylabel(labels[row])
            if row < n_rows - 1:
                axes.sharex(own[-1])
                axes.tick_params(labelbottom=False)
    return found


def n_blocks(n_names: int, most: int = MOST_COLUMNS) -> int:
    """Blocks of rows that so many attributes need."""
    return -(-n_names // min(most, n_names))
