"""The look of all figures: ours, over what matplotlib ships, and over nothing that a user set."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

# Matplotlib takes most of a second to import; a command that draws nothing does not wait for it.
if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLE: dict[Any, Any] = {
    "font.size": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.3,
    "pdf.fonttype": 42,
    # A name with two dollar signs is a name, and no formula.
    "text.parse_math": False,
}
TEXT_WIDTH_IN = 5.5
_DATE = "SOURCE_DATE_EPOCH"


def log_scale(axes: "Axes") -> None:
    """Makes the vertical axis logarithmic, with its labels in plain text as all text in figures."""
    from analysis.drawing.plain_ticks import PlainTicks

    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(PlainTicks())
    axes.yaxis.set_minor_formatter(PlainTicks(labelOnlyBase=False))


def new_axes() -> "Axes":
    """Axes of a figure of their own, as wide as text, which a notebook shows below its cell."""
    from matplotlib import pyplot

    _, axes = pyplot.subplots(figsize=(TEXT_WIDTH_IN, 3.0), layout="constrained")
    return axes


@contextmanager
def house_style(more: Mapping[Any, Any] | None = None) -> Iterator[None]:
    """Context manager in which figures are drawn and saved, with `more` settings over our own.

    A matplotlibrc, a style of a notebook or a date in the environment changes no byte of them: the
    settings that matplotlib ships are laid below ours. Its backend, which shows figures in windows
    and notebooks, is left alone.
    """
    import matplotlib as mpl

    shipped: dict[Any, Any] = {
        name: value for name, value in mpl.rcParamsDefault.items() if not name.startswith("backend")
    }
    # Matplotlib reads it even for files that hold no date, and fails if it is no number.
    date = os.environ.pop(_DATE, None)
    try:
        with mpl.rc_context({**shipped, **STYLE, **(more or {})}):
            yield
    finally:
        if date is not None:
            os.environ[_DATE] = date
