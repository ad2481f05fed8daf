"""Scores in, findings out: the study for whoever captures with code of their own.

    found = from_scores(table, model="my-vlm", run=Path("runs/mine"))
    found.readout("color").lambda_half

The same as python -m analysis.emergence --scores FILE: the folder is a run like any other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.effects.found import Finding
from analysis.emergence.measure import measure
from analysis.run.results import finding_of
from analysis.run.scores_only import open_scores
from analysis.run.study import Study
from data_prep.given_scores.data import KIND, open_scores_file, scores_data
from data_prep.given_scores.from_arrays import scores_table
from data_prep.given_scores.scores import given_scores

__all__ = ["ScoredRun", "from_scores", "scores_table"]

_IN_MEMORY = "table in memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredRun:
    """A run that holds scores, and what was found in them."""

    folder: Path
    findings: Mapping[str, Mapping[str, Finding]]
    """What was found, by attribute and then by readout."""


def from_scores(
    scores: pd.DataFrame | Path,
    *,
    model: str,
    run: Path | None = None,
    attr: Sequence[str] = ("usual",),
    readouts: Sequence[str] | None = None,
    **plan: Any,
) -> ScoredRun:
    """Measures the attributes of a table of scores, or reads what the run has found in it before.

    `scores` is a table in the layout of `data_prep.given_scores.layout` (`scores_table` makes one
    of arrays), or a Parquet or CSV file of it; `model` the name that reports shall have; `run` the
    folder, by default one under runs/; `readouts` those to measure, by default all that an
    attribute has. `plan` replaces fields of the declared plan, such as `margin`, `plateau` or
    `seed`. UserError for every fault of the table and of the plan.
    """
    named = str(scores) if isinstance(scores, Path) else f"<{_IN_MEMORY}>"
    study = Study(**{**plan, "model": model, "data": f"{KIND}:{named}"})
    if isinstance(scores, Path):
        data = open_scores_file(scores, limit=study.data_options.limit)
    else:
        data = scores_data(given_scores(scores, _IN_MEMORY, limit=study.data_options.limit))
    names = data.chosen(attr)
    opened = open_scores(run, study, data, names=names)
    held = {} if data.scores is None else data.scores.scores
    blocks = [
        (name, readout)
        for name in names
        for readout in readouts or [each for own, each in held if own == name]
    ]
    for name, readout in blocks:
        measure(opened, name, readout)
    findings: dict[str, dict[str, Finding]] = {}
    for name, readout in blocks:  # read once all are there, for Holm's adjustment is over them
        findings.setdefault(name, {})[readout] = finding_of(opened.run, name, readout)
    return ScoredRun(folder=opened.run.folder, findings=findings)
