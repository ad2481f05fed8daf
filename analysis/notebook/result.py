"""What a study gives back in Python: its findings with their types, a table, and figures.

A command prints the same as text, while it works. In a notebook a result shows itself as a table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from analysis.notebook.html import details, heading, html_table, paragraphs
from analysis.notebook.rows import Row, row_tables
from data_prep.errors import UserError

if TYPE_CHECKING:  # who only reads the text need not wait for these
    import pandas as pd
    from matplotlib.axes import Axes

Found = TypeVar("Found")
Say = Callable[[str], object]
"""Takes what a study has to say, part by part: `print` of a command, a list's `append` of `run`."""
Picture = Callable[["Axes"], None]
"""Draws one figure of a result into the axes that it is given."""


def picture(draw: "Callable[[Axes, Any], None]", found: Any) -> Picture:
    """The figure of a drawing function that takes axes and a finding, with this finding."""
    return lambda axes: draw(axes, found)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class StudyResult(Generic[Found]):
    """The result of a study."""

    found: Found
    """The findings, as frozen dataclasses with all their numbers."""
    folder: Path
    """The run, or the folder of the comparison, in which everything is written."""
    rows: tuple[Row, ...] = ()
    """The most important numbers: a row for each finding."""
    sentences: tuple[str, ...] = ()
    """What may be said of the findings."""
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    """The drawing functions by the names of their figures; the first is the main one."""
    text: str = ""
    """All that the command prints."""

    @property
    def table(self) -> "pd.DataFrame":
        """The most important numbers, with a row for each finding."""
        import pandas as pd

        return pd.DataFrame(list(self.rows))

    @property
    def tables(self) -> "dict[str, pd.DataFrame]":
        """Every table of the findings by its place in them, as "color/logit_lens/layers"."""
        import pandas as pd

        return {name: pd.DataFrame(rows) for name, rows in row_tables(self.found).items()}

    def draw(self, figure: str = "", *, ax: "Axes | None" = None) -> "Axes":
        """Draws a figure by its name, the main one unless it is named, and gives its axes.

        Without `ax` the axes are new, in the look of the house; a notebook shows them below the
        cell. UserError for a figure that the result does not have.
        """
        from analysis.drawing.style import house_style, new_axes

        if not self.pictures:
            raise UserError(f"{self.folder} has no figure of this study to draw: see its files")
        name = figure or next(iter(self.pictures))
        if name not in self.pictures:
            raise UserError(
                f"figure must be one of {', '.join(self.pictures)}, got {figure!r}: name one"
            )
        with house_style():
            axes = new_axes() if ax is None else ax
            self.pictures[name](axes)
        return axes

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        figures = f", figures {', '.join(self.pictures)}" if self.pictures else ""
        return f"<{type(self).__name__} in {self.folder}: {len(self.rows)} findings{figures}>"

    def _repr_html_(self) -> str:
        """The result as a notebook shows it; every text in it is escaped."""
        parts = [html_table(self.rows), paragraphs(self.sentences)]
        whole = details("as the command prints it", self.text, shown=not self.rows)
        return "\n".join([heading(f"{self.folder}"), *parts, whole])
