"""The report of one or several runs: values, tables, figures, a PDF and a page.

    python -m paper.build runs/my-study
    python -m paper.build runs/one-model runs/another --out runs/both
    python -m paper.build runs/my-study --check

Does nothing if nothing has changed. Without TeX everything but the PDF is made. `--check` makes
nothing: it says which part is stale, missing or edited by hand, and ends with code 1 if any is.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from data_prep.command_line import from_command_line
from data_prep.errors import UserError, one_line_errors
from paper.evidence.comparison import find_comparison
from paper.evidence.pooling import find_pooling
from paper.evidence.record import RESULTS
from paper.manifest import Asked, differences, read_manifest, source_date_epoch

_COMMAND = "python -m paper.build"


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """Build the report of one or several runs, or check whether it is up to date."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Folders of finished runs."""
    out: Path = Path("runs/report")
    """Folder of the report: paper.pdf, report.html, values.json, tables, figures, TeX sources."""
    validation: Path = Path("runs/validation/validation.json")
    """What python -m analysis.validate found, for the appendix; left out if it is not there."""
    comparison: Path | None = None
    """Folder of python -m analysis.compare for these runs; default: the folder compare-* beside
    them that compares just these."""
    pooling: Path | None = None
    """Folder of python -m analysis.pool for these runs; default: the folder pool-* beside them
    that pools just these."""
    format: Literal["pdf", "pgf"] = "pdf"
    """Of the figures: vector PDF, or native PGF (needs TeX's pgf package)."""
    check: bool = False
    """Only say what is stale, missing or edited by hand; code 1 if anything is."""
    complete: bool = False
    """With --check: a study that the runs do not hold counts as missing."""


def main(config: Build) -> int:
    """Builds or checks; gives the exit code."""
    asked = _asked(config)
    found = differences(asked, config.out)
    if config.check:
        return _check(config, [str(each) for each in found])
    if not found:
        print(f"nothing has changed: {config.out} is up to date")
        return 0
    from paper.assemble import build  # takes a second to import

    for line in build(asked, config.out):
        print(line)
    return 0


def _check(config: Build, found: list[str]) -> int:
    manifest = read_manifest(config.out)
    if config.complete and manifest is not None:
        found += manifest["missing"]
    for line in found:
        print(line)
    if not found:
        print(f"{config.out} is up to date")
    return 1 if found else 0


def _asked(config: Build) -> Asked:
    if not config.runs:
        raise UserError(f"name at least one run folder: {_COMMAND} runs/my-study")
    resolved = [run.resolve() for run in config.runs]
    for place, run in enumerate(config.runs):
        if not (run / RESULTS).is_file():
            raise UserError(
                f"{run} is no finished run, it has no {RESULTS}: run python -m analysis.emergence "
                f"--run {run} first, or name another folder"
            )
        if resolved[place] in resolved[:place]:
            raise UserError(f"the run {run} is named twice: name each once")
    for run in resolved:
        if config.out.resolve().is_relative_to(run):
            where = "is a run" if config.out.resolve() == run else f"lies in the run {run.name}"
            raise UserError(f"{config.out} {where}: choose another folder with --out")
    return Asked(
        runs=config.runs,
        comparison=find_comparison(config.runs, config.comparison),
        pooling=find_pooling(config.runs, config.pooling),
        validation=config.validation,
        form=config.format,
        source_date_epoch=source_date_epoch(),
    )


if __name__ == "__main__":
    with one_line_errors():
        raise SystemExit(main(from_command_line(Build, command=_COMMAND, arguments=sys.argv[1:])))
