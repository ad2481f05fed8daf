"""Finished runs as they are compared: what they found, and what they were made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase

from analysis.effects.found import Finding
from analysis.results import Results
from analysis.run.folder import Run
from analysis.run.identity import read_identity, study_of
from analysis.run.record import IDENTITY, MADE_FROM, is_run
from analysis.run.results import read_results
from analysis.run.study import Study
from data_prep.errors import UserError


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
    if not is_run(folder):
        raise UserError(
            f"{folder} is no run, it has no {IDENTITY}: name the folder of a finished run, as "
            "python -m analysis.emergence --run makes it"
        )
    identity = read_identity(folder)
    study = study_of(identity["plan"])
    assert study is not None, "its hash has been compared"
    run = Run(folder=folder, study=study, study_hash=identity["study_hash"])
    results = read_results(run)
    if results is None:
        raise UserError(
            f"{folder} is not finished, it has no results.json: run python -m analysis.emergence "
            f"--run {folder}"
        )
    made_from = {name: identity[name] for name in MADE_FROM}
    return FinishedRun(key=key, run=run, results=results, **made_from)
