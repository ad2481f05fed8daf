"""The class `Section`, of which each file in paper/sections declares one instance."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from paper.evidence.values import Value
from paper.output.floats import Figure, Table


def _nothing(record: Any) -> tuple[()]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the paper that is filled from a run, from the comparison or pooling of runs, or
    from the validation of the statistics."""

    name: str
    place: int
    """Sort key: the sections of one part appear in increasing order of this number."""
    part: Literal["methods", "results", "appendix"] = "results"
    """Part of the paper in which the section stands. A section of the methods appears only once, at
    their end, and is filled from the first run that holds it."""
    about: Literal["run", "comparison", "pooling", "validation"] = "run"
    """What the section is about. For "run" the functions below get a RunRecord; otherwise they get
    the Record of compare.json, of pool.json or of validation.json."""
    made_by: str
    """The command that makes what the section shows. "{run}" stands for the run's folder or, in a
    comparison or a pooling, for the folders of all runs."""
    holds: Callable[[Any], bool]
    """Tells whether the record holds what the section shows. If not, the section is left out and
    the report says so."""
    optional: bool = False
    """Whether most runs lack what this section shows, because it needs other data, a study that
    repeats all questions, or several models. The report does not mention that an optional section
    is missing."""
    also_from: tuple[str, ...] = ()
    """Names in the manifest of further inputs, besides its own record, that the section depends
    on."""
    needed: bool = False
    """Whether the text that all reports share uses values of this section. Without a needed section
    no paper can be made."""
    text: Callable[[Any], str]
    """Returns the prose in the TeX that paper/prose/parse.py accepts, for the attributes that the
    record holds."""
    values: Callable[[Any], Iterable[Value]] = _nothing
    figures: Callable[[Any], Iterable[Figure]] = _nothing
    tables: Callable[[Any], Iterable[Table]] = _nothing
