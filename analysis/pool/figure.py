"""Forest plots of a pooling: every model, their mean, and where the next one is predicted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import norm

from analysis.drawing.figures import TEXT_WIDTH_IN, Look, looks, save_figure
from analysis.drawing.glyphs import cut, plain_labels, with_glyphs
from analysis.drawing.style import house_style
from analysis.pool.found import Pool, Pooling

_UNDATED = {"CreationDate": None, "ModDate": None}
_GAP = 1.1
_ROW_IN = 0.17
_LONGEST = 34
_DIAMOND = 0.32
_BAND_GREY = "0.9"
_LARGEST_MARK = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The rows of one quantity in a forest plot."""

    title: str
    look: Look
    pool: Pool | None
    why: str | None
    """The text that stands in its place where it is not pooled; None where it is."""
    beyond: float | None = None
    """Half the width of the band within which no direction is claimed; None for no band."""


def attribute_blocks(found: Pooling) -> list[Block]:
    """The rows of every attribute's depth."""
    drawn = looks([one.attribute for one in found.attributes])
    return [
        Block(
            title=_titled(one.attribute, one.n_emerged, len(found.runs)),
            look=drawn[one.attribute], pool=one.depth, why=one.not_pooled,
        )
        for one in found.attributes
    ]  # fmt: skip


def difference_blocks(found: Pooling) -> list[Block]:
    """The rows of the difference of every two attributes, in the color of the second."""
    drawn = looks([one.attribute for one in found.attributes])
    return [
        Block(
            title=_titled(f"{one.second} \N{MINUS SIGN} {one.first}", one.n_both, len(found.runs)),
            look=drawn[one.second], pool=one.depth, why=one.not_pooled, beyond=one.beyond,
        )
        for one in found.differences
    ]  # fmt: skip


def draw_forest(
    axes: Axes, blocks: Sequence[Block], names: Mapping[str, str], level: float
) -> None:
    """Draws the rows of each quantity: one per model, then the mean as a diamond over the
    prediction interval."""
    ticks: list[tuple[float, str]] = []
    top = 0.0
    for block in blocks:
        axes.text(0, top - 0.3, block.title, color=block.look.color, fontsize=8, va="center",
                  ha="left", transform=axes.get_yaxis_transform(), parse_math=False)  # fmt: skip
        if block.pool is None:
            axes.text(0.5, top - 1, f"not pooled: {block.why}", fontsize=7, style="italic",
                      color="0.35", va="center", ha="center", wrap=True,
                      transform=axes.get_yaxis_transform(), parse_math=False)  # fmt: skip
            top -= 1 + _GAP
            continue
        bottom = _draw_block(axes, block, block.pool, names, level, top, ticks)
        top = bottom - _GAP
    axes.set_yticks([height for height, _ in ticks], [name for _, name in ticks])
    plain_labels(axes)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(top + _GAP - 0.7, 0.3)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color="0.9", linewidth=0.5)
    axes.set_axisbelow(True)


def save_pool_figures(found: Pooling, folder: Path) -> list[Path]:
    """Draws the forest plots as PDF and PNG; gives the files."""
    saved = []
    sides = (("pool-attributes", attribute_blocks(found), "depth of emergence (layer / last)"),
             ("pool-differences", difference_blocks(found), "difference of depth"))  # fmt: skip
    names = {run.key: f"{run.key}: {run.label}" for run in found.runs}
    for name, blocks, label in sides:
        if not blocks:
            continue
        band = "; grey bands: within one layer" if name == "pool-differences" else ""
        with house_style():
            figure = Figure(figsize=_size(blocks), layout="constrained")
            axes = figure.subplots()
            draw_forest(axes, blocks, names, found.plan.level)
            level = found.level
            axes.set_xlabel(
                f"{label}\n{level}: lines, models over scenes; diamonds, means over models;\ngrey "
                f"lines, the next model{band}"
            )
            if name == "pool-attributes":
                axes.set_xlim(-0.02, 1.02)
            else:
                axes.axvline(0, color="0.5", linewidth=0.6, zorder=1)
            files = [folder / f"{name}.{end}" for end in ("pdf", "png")]
            save_figure(figure, files[0], metadata=_UNDATED | {"Title": f"Models pooled: {label}"})
            save_figure(figure, files[1], dpi=200)
        saved += files
    return saved


def _size(blocks: Sequence[Block]) -> tuple[float, float]:
    rows = sum(_GAP + 1 + (len(block.pool.models) if block.pool else 0) for block in blocks)
    return TEXT_WIDTH_IN, 0.95 + _ROW_IN * rows


def _draw_block(
    axes: Axes,
    block: Block,
    pool: Pool,
    names: Mapping[str, str],
    level: float,
    top: float,
    ticks: list[tuple[float, str]],
) -> float:
    reach = norm.isf((1 - level) / 2)
    largest = max(model.weight for model in pool.models)
    for place, model in enumerate(pool.models):
        height = top - 1 - place
        half = reach * model.standard_error
        axes.plot([model.estimate - half, model.estimate + half], [height, height],
                  color=block.look.color, linewidth=0.9)  # fmt: skip
        axes.plot(model.estimate, height, marker="s", color=block.look.color,
                  markersize=_LARGEST_MARK * (model.weight / largest) ** 0.5)  # fmt: skip
        ticks.append((height, cut(with_glyphs(names[model.run]), _LONGEST)))
    height = top - 1 - len(pool.models)
    mean = pool.weighted
    axes.plot([pool.predicted_low, pool.predicted_high], [height, height], color="0.4",
              linewidth=0.8)  # fmt: skip
    axes.fill([mean.low, mean.mean, mean.high, mean.mean],
              [height, height + _DIAMOND, height, height - _DIAMOND],
              color=block.look.color, alpha=0.85, linewidth=0, zorder=3)  # fmt: skip
    ticks.append((height, "mean"))
    if block.beyond is not None:
        axes.fill_between([-block.beyond, block.beyond], height - 0.5, top - 0.5,
                          color=_BAND_GREY, linewidth=0, zorder=0)  # fmt: skip
    return height


def _titled(name: str, n_models: int, n_runs: int) -> str:
    return f"{cut(with_glyphs(name), 2 * _LONGEST)} ({n_models} of {n_runs})"
