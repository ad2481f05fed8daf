"""Tables as text of a fixed width, the same on every terminal and in every log."""

import io

from rich.console import Console
from rich.table import Table

WIDTH = 100


def printed(table: Table) -> str:
    """The table's lines, without trailing space; nothing in it is taken for markup."""
    stream = io.StringIO()
    Console(file=stream, width=WIDTH, color_system=None, markup=False).print(table)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())
