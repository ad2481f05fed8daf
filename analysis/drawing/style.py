"""The look of all figures: ours, over what matplotlib ships, and over nothing that a user set."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.ticker import LogFormatterSciNotation

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
_DATE = "SOURCE_DATE_EPOCH"


class _Plain(LogFormatterSciNotation):
    """Writes numbers where matplotlib would write formulas, and nothing where it would not."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        if not super().__call__(x, pos):
            return ""
        return f"{x:g}".replace("e-0", "e-").replace("e+0", "e")


def log_scale(axes: Axes) -> None:
    """Makes the vertical axis logarithmic, with its labels in plain text as all text in figures."""
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(_Plain())
    axes.yaxis.set_minor_formatter(_Plain(labelOnlyBase=False))


@contextmanager
def house_style(more: Mapping[Any, Any] | None = None) -> Iterator[None]:
    """Context manager in which figures are drawn and saved, with `more` settings over our own.

    A matplotlibrc, a style of a notebook or a date in the environment changes no byte of them: the
    settings that matplotlib ships are laid below ours. Its backend, which shows figures in windows
    and notebooks, is left alone.
    """
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
