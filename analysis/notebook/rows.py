"""Findings as rows of tables, whatever study they are of.

A result of a study is a tree of dataclasses. Every series of dataclasses in it, such as the layers
of a finding, is a table, and so are several of one kind that have names, such as methods; what
stands inside a row becomes columns with dots.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

Row = Mapping[str, Any]


def row_tables(found: Any) -> dict[str, list[dict[str, Any]]]:
    """Every table of a result by its place in it, in the order of the fields; what stands at its
    root is called findings.

    >>> from analysis.order.found import FullOrder
    >>> row_tables({"orders": (FullOrder(order=("color", "shape"), probability=0.5),)})
    {'orders': [{'order': 'color, shape', 'probability': 0.5}]}
    """
    return {"/".join(place) or "findings": rows for place, rows in _tables(found, ())}


def _tables(found: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[dict]]]:
    if _is_named_series(found):
        yield place, [{"name": name, **_flat(each)} for name, each in _parts(found)]
    if _is_series(found):
        yield place, [_flat(each) for each in found]
        for number, each in enumerate(found):
            yield from _tables(each, (*place, str(number)))
    for name, value in _parts(found):
        yield from _tables(value, (*place, name))


def _parts(found: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(found, Mapping):
        yield from ((str(name), value) for name, value in found.items())
    elif is_dataclass(found):
        yield from ((each.name, getattr(found, each.name)) for each in fields(found))


def _is_series(found: Any) -> bool:
    return isinstance(found, Sequence) and bool(found) and all(map(is_dataclass, found))


def _is_named_series(found: Any) -> bool:
    """A single finding with its name is no table: its parts are."""
    return (
        isinstance(found, Mapping)
        and len(found) > 1
        and len({type(each) for each in found.values()}) == 1
        and all(map(is_dataclass, found.values()))
    )


def _flat(found: Any, prefix: str = "") -> dict[str, Any]:
    """The values of a row by column. Series of dataclasses inside a row are left out: they are
    tables of their own."""
    row: dict[str, Any] = {}
    for name, value in _parts(found):
        if is_dataclass(value) or isinstance(value, Mapping):
            row |= _flat(value, f"{prefix}{name}.")
        elif isinstance(value, tuple | list):
            if not _is_series(value):
                row[prefix + name] = ", ".join(map(str, value))
        else:
            row[prefix + name] = value
    return row
