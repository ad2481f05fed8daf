"""Forest plots of pooled models, split into pages."""

from collections.abc import Sequence
from math import ceil

from matplotlib.figure import Figure as Canvas
from scipy.stats import norm

from analysis.drawing.figures import TEXT_WIDTH_IN
from analysis.pool.figure import Block, draw_forest
from analysis.pool.found import Pooling

_MOST_ROWS = 36.0
_ROW_IN = 0.18
_AXIS_IN = 0.5
_ROOM = 0.04


def pages(blocks: Sequence[Block]) -> list[list[Block]]:
    """The blocks in order, split into pages. Each page leaves room for the figure's caption."""
    filled = _filled(blocks)
    if not filled:
        return []
    # As many on each page: filled one after the other, the last would often hold one alone.
    each = ceil(len(blocks) / len(filled))
    even = [list(blocks[place : place + each]) for place in range(0, len(blocks), each)]
    return even if all(_rows(page) <= _MOST_ROWS for page in even) else filled


def forest_size(blocks: Sequence[Block]) -> tuple[float, float]:
    """Width and height of the printed figure in inches: one row per model and mean, plus the
    axis."""
    return TEXT_WIDTH_IN, _AXIS_IN + _ROW_IN * _rows(blocks)


def draw_depths(canvas: Canvas, blocks: Sequence[Block], found: Pooling) -> None:
    """Draw the depth at which attributes emerge, as a share of the model's depth (from 0 to 1)."""
    axes = canvas.subplots()
    draw_forest(axes, blocks, model_names(found), found.plan.level)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("depth of emergence (layer / last)")


def draw_differences(
    canvas: Canvas, blocks: Sequence[Block], found: Pooling, reach: float | None
) -> None:
    """Draw differences of relative depth around 0. The axis ends at -`reach` and +`reach`, so that
    all pages have the same scale."""
    axes = canvas.subplots()
    draw_forest(axes, blocks, model_names(found), found.plan.level)
    axes.axvline(0, color="0.5", linewidth=0.6, zorder=1)
    axes.set_xlabel("difference of depth")
    if reach is not None:
        axes.set_xlim(-reach, reach)


def reach_of(blocks: Sequence[Block], level: float) -> float | None:
    """Half the width of the axis: the largest distance from 0 in these blocks plus some margin.
    None if nothing is pooled."""
    errors = float(norm.isf((1 - level) / 2))
    ends: list[float] = []
    for block in blocks:
        if block.pool is None:
            continue
        pool = block.pool
        ends += [pool.predicted_low, pool.predicted_high, pool.weighted.low, pool.weighted.high]
        ends += [abs(one.estimate) + errors * one.standard_error for one in pool.models]
        ends.append(block.beyond or 0.0)
    return max(map(abs, ends)) + _ROOM if ends else None


def model_names(found: Pooling) -> dict[str, str]:
    """By run, the run's letter and its model. The letter distinguishes runs of the same model."""
    return {run.key: f"{run.key}: {run.model}" for run in found.runs}


def _filled(blocks: Sequence[Block]) -> list[list[Block]]:
    found: list[list[Block]] = []
    for block in blocks:
        if found and _rows([*found[-1], block]) <= _MOST_ROWS:
            found[-1].append(block)
        else:
            found.append([block])
    return found


def _rows(blocks: Sequence[Block]) -> float:
    """Number of rows that `draw_forest` needs for the blocks: per block a title, its models, and
    the mean or the reason why there is none."""
    return sum(2.1 + (len(block.pool.models) if block.pool else 0) for block in blocks)
