"""Finished runs as they are compared: what they found, and what they were made from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from string import ascii_lowercase
from typing import Any

from analysis.effects.found import Finding
from analysis.results import Results
from analysis.run.folder import Run
from analysis.run.format import require_format
from analysis.run.results import read_results
from analysis.run.study import Study
from data_prep.errors import UserError

IDENTITY = "identity.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """A run that has results. It is read without its model and its data."""

    key: str
    """The letter that stands for the run: a, b, ... in the order in which runs are given."""
    run: Run
    model_revision: str
    data_fingerprint: str
    results: Results

    @property
    def study(self) -> Study:
        """The plan that the run declares."""
        return self.run.study

    def finding(self, attribute: str, readout: str) -> Finding | None:
        """The attribute's emergence under a readout; None if it has not been measured."""
        return self.findings(attribute).get(readout)

    def findings(self, attribute: str) -> dict[str, Finding]:
        """The attribute's emergence under every readout by which it has been measured."""
        return self.results.of_attribute(attribute)

    def command(self, attribute: str, readout: str) -> str:
        """The command line that measures the attribute under the readout in this run."""
        return (
            f"python -m analysis.emergence --attr {attribute} --readout {readout} "
            f"--run {self.run.folder}"
        )


def read_finished(folders: Sequence[Path]) -> tuple[FinishedRun, ...]:
    """The runs to compare. UserError if there are fewer than two, if one is given twice, and for
    folders that are no finished run, are damaged or come from another version."""
    if not 2 <= len(folders) <= len(ascii_lowercase):
        raise UserError(
            f"a comparison needs 2 to {len(ascii_lowercase)} runs, got {len(folders)}: python -m "
            "analysis.compare RUN RUN (readouts of one run: python -m analysis.emergence "
            "--readout all)"
        )
    runs = tuple(_read(key, each) for key, each in zip(ascii_lowercase, folders, strict=False))
    for place, one in enumerate(runs):
        for other in runs[:place]:
            if one.run.study_hash == other.run.study_hash:
                raise UserError(
                    f"{one.run.folder} is the same run as {other.run.folder} (same plan, model "
                    "and data): name each once"
                )
    return runs


def _read(key: str, folder: Path) -> FinishedRun:
    if not (folder / IDENTITY).is_file():
        raise UserError(
            f"{folder} is no run, it has no {IDENTITY}: name the folder of a finished run, as "
            "python -m analysis.emergence --run makes it"
        )
    identity, plan = _identity(folder / IDENTITY)
    require_format(folder, identity)
    made_from = {name: str(identity[name]) for name in ("model_revision", "data_fingerprint")}
    study_hash = str(identity["study_hash"])
    study = _study(plan)
    if study is None or study.identity(**made_from) != study_hash:
        raise UserError(
            f"{folder} was edited: its plan is not the one that its results are of, measure it "
            "anew in a new folder"
        )
    run = Run(folder=folder, study=study, study_hash=study_hash)
    results = read_results(run)
    if results is None:
        raise UserError(
            f"{folder} is not finished, it has no results.json: run python -m analysis.emergence "
            f"--run {folder}"
        )
    return FinishedRun(key=key, run=run, results=results, **made_from)


def _identity(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        for name in ("study_hash", "model_revision", "data_fingerprint"):
            content[name]
        return content, dict(content["plan"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is damaged ({error!r}): measure it anew in a new folder"
        ) from error


def _study(plan: Mapping[str, Any]) -> Study | None:
    """The plan, read by this version of Onset; None if it has fields or values that this version
    does not know."""
    if set(plan) != {each.name for each in fields(Study)}:
        return None
    # JSON has no tuples.
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in plan.items()
    }
    try:
        return Study(**values)
    except (UserError, TypeError, ValueError):
        return None
