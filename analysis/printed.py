"""Tables as text of a fixed width, the same on every terminal and in every log."""

import io
from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from data_prep.terminal.visible import visible

WIDTH = 100
_LEAST_NAME = 9


class _Console(Console):
    """A console that writes out control characters before it measures how wide a text is. Rich
    drops some of them and keeps others."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(visible(text), **options)


def printed(table: Table) -> str:
    """The lines of the table, without spaces at their ends; no text in the table is read as
    markup, and none can steer a terminal."""
    stream = io.StringIO()
    _Console(file=stream, width=WIDTH, color_system=None, markup=False).print(table)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


def comparison_table(
    *, title: str, caption: str, headers: Sequence[str], left: Sequence[str]
) -> Table:
    """An empty table for a comparison of several runs.

    The columns in `left` hold names, which are broken over lines where there is no room; numbers
    never are.
    """
    table = Table(
        title=title, box=SIMPLE_HEAD, title_justify="left", title_style="bold", caption=caption,
        caption_justify="left", pad_edge=False, padding=(0, 1, 0, 0),
    )  # fmt: skip
    for header in headers:
        if header in left:
            table.add_column(header, min_width=_LEAST_NAME, overflow="fold")
        else:
            table.add_column(header, justify="right", no_wrap=True)
    return table
