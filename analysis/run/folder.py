"""The folder of a run, which holds the files of one study, and the rule that it belongs to that
study only."""

import io
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.run.format import FORMAT, require_format
from analysis.run.study import NAMES, Study
from data_prep.errors import UserError
from data_prep.files.durable import remove_unfinished, write_durably

_STUDY, _IDENTITY = "study.toml", "identity.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A folder that has been claimed for a study."""

    folder: Path
    study: Study
    study_hash: str
    """Hash of the plan, the model's revision and the data: all files in the folder were made from
    these."""

    def residuals(self, attribute: str, position: str) -> Path:
        """Folder of the residual store of one attribute, read at one position."""
        return self.folder / "residuals" / attribute / position

    @property
    def output_map(self) -> Path:
        """Folder of the model's final norm and head, and of the tokens of the answers."""
        return self.folder / "output_map"

    def readouts(self, readout: str) -> Path:
        """The folder of what a readout fitted to the residuals and read from them."""
        return self.folder / "readouts" / readout

    def read_table(self, name: str) -> pd.DataFrame | None:
        """The table `name`.parquet; None if there is none yet."""
        path = self.folder / f"{name}.parquet"
        if not path.exists():
            return None
        try:
            table = pd.read_parquet(path)
            table["attribute"]  # in every table of a run
            return table
        except (OSError, ValueError, KeyError) as error:
            raise UserError(
                f"{path} is damaged ({error}): delete it and run again, it is made anew"
            ) from error

    def replace_rows(self, name: str, rows: pd.DataFrame, key: list[str]) -> None:
        """Put `rows` into the table, in place of those with the same values of `key`.

        The notes that the two tables carry in `.attrs` (by kind of note, then by name) are merged
        in the same way: new ones replace old ones of the same name.
        """
        old = self.read_table(name)
        if old is not None:
            about = old.attrs | {
                kind: {**old.attrs.get(kind, {}), **told} for kind, told in rows.attrs.items()
            }
            replaced = old.set_index(key).index.isin(rows.set_index(key).index)
            rows = pd.concat([old.loc[~replaced], rows], ignore_index=True)
            rows.attrs = about
        stream = io.BytesIO()
        rows.to_parquet(stream, index=False)
        write_durably(self.folder / f"{name}.parquet", stream.getvalue())


def claim(
    folder: Path | None,
    study: Study,
    *,
    model_revision: str,
    data_fingerprint: str,
    declared: Mapping[str, Any] | None = None,
) -> Run:
    """The run of this study in `folder`, new or begun before.

    Without a folder, one under runs/ is named after model, data and the study's hash. `declared` is
    what a study file fixes beside the plan; it is recorded when the run is begun, and never later.
    UserError if the folder was made by another study; nothing in it is changed then.
    """
    made_from = {"model_revision": model_revision, "data_fingerprint": data_fingerprint}
    study_hash = study.identity(**made_from)
    if folder is None:
        folder = Path("runs") / f"{_word(study.model)}-{_word(study.data)}-{study_hash[:8]}"
    identity = {
        "format": FORMAT,
        "study_hash": study_hash,
        **made_from,
        "plan": asdict(study),
    }
    try:
        if (folder / _IDENTITY).exists():
            _require_same(folder / _IDENTITY, identity)
            remove_unfinished(folder)
        else:
            _begin(folder, study, {**identity, **(declared or {})})
    except OSError as error:
        raise UserError(
            f"cannot use the run folder {folder}: {error.strerror}: choose another with --run"
        ) from error
    return Run(folder=folder, study=study, study_hash=study_hash)


def recorded_identity(folder: Path | None) -> dict[str, Any] | None:
    """The record of what a run folder was made from; None if the folder is no run yet."""
    if folder is None or not _is_run(folder):
        return None
    path = folder / _IDENTITY
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        names = found["plan"]["model"], found["plan"]["data"], found["model_revision"]
        if not all(isinstance(each, str) for each in names):
            raise ValueError("names are texts")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged: choose another folder with --run") from error
    return found


def recorded_study(folder: Path) -> Path | None:
    """The study file of a run; None if the folder is no run yet.

    UserError if another version wrote the run, since its study file may hold what this version does
    not know.
    """
    identity = recorded_identity(folder)
    if identity is None:
        return None
    require_format(folder, identity)
    return folder / _STUDY


def _is_run(folder: Path) -> bool:
    try:
        return (folder / _IDENTITY).exists()
    except OSError:  # a name that is too long; `claim` says so
        return False


def _begin(folder: Path, study: Study, identity: dict) -> None:
    content = study.to_toml().encode()
    _require_empty(folder, content)
    folder.mkdir(parents=True, exist_ok=True)
    write_durably(folder / _STUDY, content)
    # Last: with it the folder is a run.
    write_durably(folder / _IDENTITY, json.dumps(identity, indent=1).encode())


def _require_same(record: Path, identity: dict) -> None:
    try:
        found = json.loads(record.read_text(encoding="utf-8"))
        found_hash, found_model = found["study_hash"], found["model_revision"]
        plans = found["plan"], json.loads(json.dumps(identity["plan"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{record} is damaged: choose another folder with --run") from error
    if found_hash == identity["study_hash"]:
        return
    require_format(record.parent, found)
    # Names do not tell models and data apart, so their change is only mentioned after all others.
    changed = [name for name in plans[1] if plans[0].get(name) != plans[1][name]]
    changed.sort(key=lambda name: name in NAMES)
    if changed:
        name = changed[0]
        what = f"{name} {plans[0].get(name)!r}, now {plans[1][name]!r}"
    else:
        other = "model" if found_model != identity["model_revision"] else "data"
        what = f"the same plan, but the {other} had another content"
    raise UserError(
        f"{record.parent} was made by another study ({what}): choose another folder with --run, "
        "or leave --run out"
    )


def _require_empty(folder: Path, plan: bytes) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: choose a folder with --run")
    for path in folder.iterdir() if folder.is_dir() else ():
        # One that was killed before it was declared has left its plan and nothing else.
        if path.name != _STUDY or path.read_bytes() != plan:
            raise UserError(
                f"{folder} holds files but no run: choose an empty or new folder with --run"
            )


def _word(name: str) -> str:
    """The last part of a model's or data set's name, in characters that a folder name may have."""
    parts = [part for part in re.split(r"[/:\\]", name) if part not in ("", ".", "..")]
    return re.sub(r"[^\w.-]+", "_", parts[-1] if parts else "run").strip("._-") or "run"
