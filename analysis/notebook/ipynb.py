"""A notebook as a file: nbformat 4.5, the JSON that Jupyter and Colab read."""

import json
from collections.abc import Sequence
from typing import Any

from analysis.notebook.cells import Cell


def notebook_json(cells: Sequence[Cell]) -> str:
    """The content of an .ipynb file without outputs. Equal cells give equal content.

    >>> import json
    >>> made = json.loads(notebook_json([Cell(kind="code", source="x = 1")]))
    >>> made["cells"][0]["source"], made["nbformat"]
    ('x = 1', 4)
    """
    content = {
        "cells": [_cell(number, each) for number, each in enumerate(cells)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _cell(number: int, cell: Cell) -> dict[str, Any]:
    made: dict[str, Any] = {
        "cell_type": cell.kind,
        "id": f"cell-{number}",
        "metadata": {},
        "source": cell.source,
    }
    if cell.kind == "code":
        made |= {"execution_count": None, "outputs": []}
    return made
