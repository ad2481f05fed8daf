"""What a file of paper/sections declares."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from paper.evidence.values import Value
from paper.output.floats import Figure, Table


def _nothing(record: Any) -> tuple[()]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the paper that a run fills, the comparison or the pooling of runs, or the
    validation of the statistics."""

    name: str
    place: int
    """Sections of a part stand in this order."""
    part: Literal["methods", "results", "appendix"] = "results"
    """In the methods it stands once, at their end, from the first run that holds it."""
    about: Literal["run", "comparison", "pooling", "validation"] = "run"
    """Whether the functions below get a RunRecord, or the Record of compare.json, of pool.json or
    of validation.json."""
    made_by: str
    """The command that makes what the section shows, "{run}" standing for the folder, or for all
    of them in a comparison or a pooling."""
    holds: Callable[[Any], bool]
    """Whether the record has what the section is about; it is left out and named if not."""
    optional: bool = False
    """About what few runs have, data of another kind, a study that asks everything anew, or more
    models: nobody is told where it is missing."""
    also_from: tuple[str, ...] = ()
    """Inputs besides its own record, as the manifest names them."""
    needed: bool = False
    """The common text asks for its values: without it there is no paper."""
    text: Callable[[Any], str]
    """The prose, in the TeX of paper/prose/parse.py, for the attributes that the record has."""
    values: Callable[[Any], Iterable[Value]] = _nothing
    figures: Callable[[Any], Iterable[Figure]] = _nothing
    tables: Callable[[Any], Iterable[Table]] = _nothing
