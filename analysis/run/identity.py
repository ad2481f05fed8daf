"""What a run was made from, as its folder records it, and whether the record is whole.

identity.json holds the plan, what the model and the data hold, and the hash of all three;
study.toml holds the plan as a study file. Neither is believed alone: the hash must be that of the
plan, and study.toml the plan's text.
"""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from analysis.run.format import require_format
from analysis.run.study import Study
from data_prep.errors import UserError
from data_prep.files.durable import write_durably
from data_prep.files.sealed import never_sealed, opened_json, plain_json, sealed_comment

IDENTITY, STUDY = "identity.json", "study.toml"
MADE_FROM = ("model_revision", "data_fingerprint")
"""The fields of the record that say what the model and the data hold."""


def is_run(folder: Path) -> bool:
    """Whether a folder is that of a run that has begun."""
    try:
        return (folder / IDENTITY).exists()
    except OSError:  # a name that is too long, or a folder that must not be looked into
        return False


def read_identity(folder: Path) -> dict[str, Any]:
    """The record of what a run was made from.

    UserError if another version wrote it, if it is damaged or was edited, or if study.toml is not
    its plan.
    """
    record = whole_record(folder)
    study = study_of(record["plan"])
    made_from = {name: record[name] for name in MADE_FROM}
    if study is None or study.identity(**made_from) != record["study_hash"]:
        raise _damaged(folder / IDENTITY, "its plan is not that of its hash")
    _require_declared(folder / STUDY, study)
    return record


def whole_record(folder: Path) -> dict[str, Any]:
    """The record of a run as `read_identity` gives it, without a look at the plan's values.

    UserError if another version wrote it, or if it is damaged or was edited.
    """
    path = folder / IDENTITY
    try:
        content = path.read_bytes()
        _require_this_version(folder, content)
        record = opened_json(content)
        names = *(record[name] for name in (*MADE_FROM, "study_hash")), record["plan"]["model"]
        if not all(isinstance(each, str) for each in (*names, record["plan"]["data"])):
            raise ValueError("a name in it is no text")
    except FileNotFoundError:
        raise UserError(
            f"{folder} is no run, it has no {IDENTITY}: name the folder of a finished run, as "
            "python -m analysis.emergence --run makes it"
        ) from None
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from error
    except KeyError as error:
        raise _damaged(path, f"it lacks {error}") from error
    except (ValueError, TypeError) as error:
        if isinstance(error, UserError):
            raise
        raise _damaged(path, str(error)) from error
    require_format(folder, record)
    return record


def study_of(plan: Mapping[str, Any]) -> Study | None:
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


def declared_text(study: Study) -> bytes:
    """The content of study.toml."""
    return sealed_comment(study.to_toml())


def _require_this_version(folder: Path, content: bytes) -> None:
    """UserError for the record of a version that wrote no seals, where the reason is not damage."""
    if never_sealed(content):
        found = plain_json(content)
        if "plan" in found:
            require_format(folder, found)


def _require_declared(file: Path, study: Study) -> None:
    """UserError unless the study file is that of the plan. One that is missing is made anew."""
    content = declared_text(study)
    try:
        found = file.read_bytes()
    except FileNotFoundError:
        write_durably(file, content)
        return
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}: make it readable") from error
    if found != content:
        raise UserError(
            f"{file} was edited after the run was begun, or is damaged: delete it and run again, "
            f"it is made anew from {IDENTITY}; or run the new plan in another folder"
        )


def _damaged(path: Path, why: str) -> UserError:
    return UserError(
        f"{path} is damaged or was edited ({why}): restore it from a copy, or measure anew in "
        "another folder with --run"
    )
