"""The record of what a run was made from, read without what its plan means.

It stands in a file of its own, with few imports: a command that only looks at a run needs no more.
"""

from pathlib import Path
from typing import Any

from analysis.run.format import require_format
from data_prep.errors import UserError
from data_prep.files.bounded import no_file_in, read_file
from data_prep.files.sealed import never_sealed, opened_json, plain_json

IDENTITY, STUDY = "identity.json", "study.toml"
MADE_FROM = ("model_revision", "data_fingerprint")
"""The fields of the record that say what the model and the data hold."""


def is_run(folder: Path) -> bool:
    """Whether a folder is that of a run that has begun."""
    try:
        return (folder / IDENTITY).exists()
    except OSError:  # a name that is too long, or a folder that must not be looked into
        return False


def whole_record(folder: Path) -> dict[str, Any]:
    """The record of a run as `read_identity` gives it, without a look at the plan's values.

    UserError if another version wrote it, or if it is damaged or was edited.
    """
    path = folder / IDENTITY
    if (foreign := no_file_in(folder)) is not None:
        raise UserError(
            f"a run holds files and folders only, got {foreign}, which is neither: remove it"
        )
    try:
        content = read_file(path)
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
        raise damaged(path, error.strerror or str(error)) from error
    except KeyError as error:
        raise damaged(path, f"it lacks {error}") from error
    except (ValueError, TypeError) as error:
        if isinstance(error, UserError):
            raise
        raise damaged(path, str(error)) from error
    require_format(folder, record)
    return record


def damaged(path: Path, why: str) -> UserError:
    """The error for a file of the record that does not hold what was written into it."""
    return UserError(
        f"{path} is damaged or was edited ({why}): restore it from a copy, or measure anew in "
        "another folder with --run"
    )


def _require_this_version(folder: Path, content: bytes) -> None:
    """UserError for the record of a version that wrote no seals, where the reason is not damage."""
    if never_sealed(content):
        found = plain_json(content)
        if "plan" in found:
            require_format(folder, found)
