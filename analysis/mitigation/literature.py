"""What the literature reports of methods against hallucination, with the place of every figure."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

from analysis.mitigation.found import Mitigated
from analysis.mitigation.wording import signed
from analysis.typed import read_back, result

Decoding = Literal["greedy", "sampled", "beam"]
Source = Literal["authors' repository", "authors' abstract", "second hand"]
_FILE = "literature.toml"
_DECODING = {"greedy": "greedy", "sampled": "sampled", "beam": "beam search"}


@result
class Reported:
    """One reported figure beside that of its baseline."""

    method: str
    cites: str
    """Key, in the paper's list of works, of the work that reports it."""
    arxiv: str
    """Number of that work on arXiv."""
    model: str | None = None
    """None for a figure that is of no model."""
    benchmark: str
    measure: str
    """What the figures count, with its unit."""
    baseline: float | None = None
    """None where the baseline's figure was not found, or where `measure` is a change already."""
    reported: float
    decoding: tuple[Decoding, ...]
    """How the baseline decodes, each with a figure against its own; empty where that is not
    stated."""
    remark: str = ""
    """What else is known of the baseline."""
    place: str
    """Where the figure stands."""
    source: Source
    """Where it was read: "second hand" stands for somebody's notes on the work."""
    here: str | None = None
    """Name of the same method in the results of this study; None where none is tried."""


@result
class Literature:
    """All rows, in the order in which the table lists them."""

    rows: tuple[Reported, ...]


@cache
def literature() -> tuple[Reported, ...]:
    """The reported figures, from literature.toml. UserError if the file is damaged."""
    text = files("analysis.mitigation").joinpath(_FILE).read_text(encoding="utf-8")
    return read_back(Literature, tomllib.loads(text), _FILE).rows


def baseline_text(row: Reported) -> str:
    """The baseline's figure with how it decodes, as "83.29 (sampled)"; nothing for a figure that is
    of no method."""
    if row.model is None:
        return ""
    stated = ", ".join(_DECODING[each] for each in row.decoding) or "not stated"
    said = f"{stated}; {row.remark}" if row.remark else stated
    return f"({said})" if row.baseline is None else f"{row.baseline:g} ({said})"


def here_text(row: Reported, found: Mitigated) -> str:
    """What this study found of the same method: the verdict, and the difference of AUROC to greedy
    answers with its interval."""
    if row.here is None:
        return "no method" if row.model is None else "not tried"
    judged = found.methods.get(row.here)
    if judged is None or judged.gain is None or judged.verdict is None:
        return "not tried"
    return f"{judged.verdict}: {signed(judged.gain)}"
