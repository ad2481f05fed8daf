"""Finds studies over all runs of a report (comparison, pooling), either named or beside the runs.
They are never made here."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from analysis.run.record import IDENTITY
from data_prep.errors import UserError
from data_prep.files.bounded import read_file
from data_prep.files.sealed import never_sealed, opened_json, plain_json
from paper.evidence.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """The part of a run's identity that distinguishes it from other runs."""

    study_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Of:
    """The runs that a study is about. This part of the file is the same in every version."""

    runs: tuple[_Run, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """A kind of study over several runs, which writes its own folder."""

    key: str
    """Name of the kind of study in messages, in keys of values and labels, and in the option that
    names its folder."""
    file: str
    folders: str
    """File name pattern of the folders of such studies."""
    parts: tuple[str, ...]
    """Keys that the study's JSON file must have besides "runs". A file without them belongs to
    another kind of study."""
    command: str
    again: str
    """Words of a message that say what to do again if the folder is damaged."""
    done: str
    """The participle for a message, such as "compared": these runs are ... in FOLDER."""
    least: int
    """The smallest number of runs such a study needs. With fewer runs no folder is looked for."""


def find_joint(study: Joint, runs: Sequence[Path], named: Path | None) -> Path | None:
    """The folder of the study of exactly these runs; None if there is none.

    If `named` is None, folders beside the runs are searched for the hashes of these runs' studies.
    UserError if the named folder is not of these runs, if several folders are, or if one of them is
    damaged: it may be the one.
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
    """Read the results in the study's folder. UserError if they are damaged."""
    content = _content(study, folder)
    if content is None:
        raise UserError(
            f"{folder / study.file} is damaged: delete its folder and {study.again} again"
        )
    return Record(key=study.key, folder=folder, results=content)


def _study_hash(run: Path) -> str:
    """The study hash of a run; empty if it cannot be read. Errors in the run are reported where the
    run itself is read."""
    try:
        content = plain_json(read_file(run / IDENTITY))
        return TypeAdapter(_Run).validate_python(content).study_hash
    except (OSError, ValueError):
        return ""


def _studied(study: Joint, folder: Path) -> list[str] | None:
    """Sorted study hashes of the runs in the study's folder. None if the folder holds no study of
    this kind. UserError if it is damaged."""
    content = _content(study, folder)
    return None if content is None else sorted(run.study_hash for run in _runs(content))


def _content(study: Joint, folder: Path) -> dict[str, Any] | None:
    file = folder / study.file
    try:
        content = read_file(file)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}: make it readable") from error
    try:
        if never_sealed(content):  # of runs of an earlier format
            return None
        found = opened_json(content)
        _runs(found)
    except ValueError as error:
        reason = "it names no runs" if isinstance(error, ValidationError) else error
        raise UserError(
            f"{file} is damaged ({reason}): delete its folder and {study.again} again"
        ) from error
    return found if all(name in found for name in study.parts) else None


def _runs(content: Any) -> tuple[_Run, ...]:
    """The runs that a study's JSON content names. ValueError if it names none."""
    return TypeAdapter(_Of).validate_python(content).runs
