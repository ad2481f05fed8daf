"""What was found of all runs of a report at once: found beside them, or named; never made here."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from data_prep.errors import UserError
from paper.evidence.record import IDENTITY, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One of the runs, as far as it tells them apart."""

    study_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Of:
    """What a study is of, in a file of any version."""

    runs: tuple[_Run, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """A study over several runs that writes a folder of its own."""

    key: str
    """What it is called by people, by values and labels, and by the option that names its
    folder."""
    file: str
    folders: str
    """The pattern of its folders' names."""
    parts: tuple[str, ...]
    """What its file holds besides the runs: one without is another's."""
    command: str
    again: str
    """What to do once more where its folder is damaged."""
    done: str
    """What it has done to the runs."""
    least: int
    """How many runs it needs: of fewer nothing is looked for."""


def find_joint(study: Joint, runs: Sequence[Path], named: Path | None) -> Path | None:
    """The folder of the study of just these runs; None if there is none.

    Looked for beside the runs, by the runs' study hashes. UserError if the one that is named is
    not of these runs, or if several are.
    """
    hashes = sorted(_study_hash(run) for run in runs)
    if named is not None:
        if _studied(study, named) != hashes:
            raise UserError(
                f"{named} is no {study.key} of just these runs: make it by {study.command} "
                f"{' '.join(map(str, runs))}"
            )
        return named
    if len(runs) < study.least:
        return None
    parents = dict.fromkeys(run.resolve().parent for run in runs)
    found = [
        folder
        for parent in parents
        for folder in sorted(parent.glob(study.folders))
        if _studied(study, folder) == hashes
    ]
    if len(found) > 1:
        raise UserError(
            f"these runs are {study.done} in {' and in '.join(str(each) for each in found)}: name "
            f"one with --{study.key}"
        )
    return found[0] if found else None


def read_joint(study: Joint, folder: Path) -> Record:
    """What the study's command wrote."""
    content = _content(study, folder)
    if content is None:
        raise UserError(
            f"{folder / study.file} is damaged: delete its folder and {study.again} again"
        )
    return Record(key=study.key, folder=folder, results=content)


def _study_hash(run: Path) -> str:
    """As the run says it; what is wrong with a run is said where it is read."""
    try:
        content = json.loads((run / IDENTITY).read_text(encoding="utf-8"))
        return TypeAdapter(_Run).validate_python(content).study_hash
    except (OSError, ValueError):
        return ""


def _studied(study: Joint, folder: Path) -> list[str] | None:
    """Study hashes of the runs that a folder is of; None if it is of another study, or damaged."""
    content = _content(study, folder)
    return None if content is None else sorted(run.study_hash for run in _runs(content))


def _content(study: Joint, folder: Path) -> dict[str, Any] | None:
    try:
        content = json.loads((folder / study.file).read_text(encoding="utf-8"))
        _runs(content)
    except (OSError, ValueError):
        return None
    return content if all(name in content for name in study.parts) else None


def _runs(content: Any) -> tuple[_Run, ...]:
    """The runs that a file is of, whatever else it holds. ValueError where it says none."""
    return TypeAdapter(_Of).validate_python(content).runs
