"""Pieces of HTML for notebooks. All text in them comes from data and is escaped."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from data_prep.terminal.visible import visible

_NUMBER = 'style="text-align:right"'


def html_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """A table with a column for each key of the first row; empty without rows.

    >>> html_table([{"attribute": "a<b", "layer": 2.04, "emerged": True}]).count("<td")
    3
    >>> "a&lt;b" in html_table([{"attribute": "a<b"}])
    True
    """
    if not rows:
        return ""
    names = list(rows[0])
    head = "".join(f"<th>{_text(name)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(_cell(row.get(name)) for name in names)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def paragraphs(texts: Sequence[str]) -> str:
    """A paragraph for each text."""
    return "".join(f"<p>{_text(each)}</p>" for each in texts)


def heading(text: str) -> str:
    """A line above what follows."""
    return f"<p><b>{_text(text)}</b></p>"


def details(title: str, text: str, *, shown: bool) -> str:
    """Text of a fixed width that opens by its title; empty without text."""
    if not text:
        return ""
    opened = " open" if shown else ""
    lines = "\n".join(_text(line) for line in text.splitlines())
    return f"<details{opened}><summary>{_text(title)}</summary><pre>{lines}</pre></details>"


def _cell(value: Any) -> str:
    if value is None:
        return "<td></td>"
    if isinstance(value, float):
        return f"<td {_NUMBER}>{value + 0.0:.4g}</td>"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"<td {_NUMBER}>{value}</td>"
    return f"<td>{_text('yes' if value is True else 'no' if value is False else value)}</td>"


def _text(value: Any) -> str:
    return escape(visible(str(value)))
