"""The comparison of the runs of a report: found beside them, or named; nothing is compared here."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data_prep.errors import UserError
from paper.evidence.record import IDENTITY, Record

COMPARISON = "compare.json"
KEY = "comparison"


def find_comparison(runs: Sequence[Path], named: Path | None) -> Path | None:
    """The folder of the comparison of just these runs; None if there is none.

    Looked for among the folders compare-* beside the runs, by the runs' study hashes. UserError
    if the one that is named is not of these runs, or if several are.
    """
    hashes = sorted(_study_hash(run) for run in runs)
    if named is not None:
        if _compared(named) != hashes:
            raise UserError(
                f"{named} is no comparison of just these runs: make it by {_command(runs)}"
            )
        return named
    if len(runs) < 2:
        return None
    parents = dict.fromkeys(run.resolve().parent for run in runs)
    found = [
        folder
        for parent in parents
        for folder in sorted(parent.glob("compare-*"))
        if _compared(folder) == hashes
    ]
    if len(found) > 1:
        raise UserError(
            f"these runs are compared in {' and in '.join(str(each) for each in found)}: name one "
            "with --comparison"
        )
    return found[0] if found else None


def read_comparison(folder: Path) -> Record:
    """What `python -m analysis.compare` wrote."""
    content = _content(folder)
    if content is None:
        raise UserError(f"{folder / COMPARISON} is damaged: delete its folder and compare again")
    return Record(key=KEY, folder=folder, results=content)


def _command(runs: Sequence[Path]) -> str:
    return f"python -m analysis.compare {' '.join(map(str, runs))}"


def _study_hash(run: Path) -> str:
    """As the run says it; what is wrong with a run is said where it is read."""
    try:
        return str(json.loads((run / IDENTITY).read_text(encoding="utf-8"))["study_hash"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _compared(folder: Path) -> list[str] | None:
    """Study hashes of the runs that a folder compares; None if it is no comparison."""
    content = _content(folder)
    return None if content is None else sorted(str(run["study_hash"]) for run in content["runs"])


def _content(folder: Path) -> dict[str, Any] | None:
    try:
        content = json.loads((folder / COMPARISON).read_text(encoding="utf-8"))
        for run in content["runs"]:
            run["study_hash"]
        for name in ("plan", "differ", "arms", "comparisons"):
            content[name]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return content
