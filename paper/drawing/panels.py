"""Layout of panels for several attributes side by side. Attributes that do not fit into one row of
readable panels go into further blocks of rows below."""

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
    """For each attribute a column of panels, one panel per entry of `labels`, the first on top.

    `labels` are the names of the vertical axes and `heights` the relative heights of the panels.
    Panels in one row share their scale. The attribute's name stands above its uppermost panel. At
    most `most` attributes stand side by side.
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
    """Number of blocks of rows that `n_names` attributes need with `most` attributes per block."""
    return -(-n_names // min(most, n_names))
