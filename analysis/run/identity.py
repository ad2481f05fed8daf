"""What a run was made from, as its folder records it, and whether the record is whole.

identity.json holds the plan, what the model and the data hold, and the hash of all three;
study.toml holds the plan as a study file. Neither is believed alone: the hash must be that of the
plan, and study.toml the plan's text.
"""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from analysis.run.record import IDENTITY, MADE_FROM, STUDY, damaged, whole_record
from analysis.run.study import Study
from data_prep.errors import UserError
from data_prep.files.bounded import read_file
from data_prep.files.durable import write_durably
from data_prep.files.sealed import sealed_comment


def read_identity(folder: Path) -> dict[str, Any]:
    """The record of what a run was made from.

    UserError if another version wrote it, if it is damaged or was edited, or if study.toml is not
    its plan.
    """
    record = whole_record(folder)
    study = study_of(record["plan"])
    made_from = {name: record[name] for name in MADE_FROM}
    if study is None or study.identity(**made_from) != record["study_hash"]:
        raise damaged(folder / IDENTITY, "its plan is not that of its hash")
    _require_declared(folder / STUDY, study)
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


def _require_declared(file: Path, study: Study) -> None:
    """UserError unless the study file is that of the plan. One that is missing is made anew."""
    content = declared_text(study)
    try:
        found = read_file(file)
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
