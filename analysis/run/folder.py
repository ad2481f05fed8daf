"""The folder of a run, which holds the files of one study, and the rule that it belongs to that
study only."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.run.format import FORMAT
from analysis.run.identity import declared_text, read_identity
from analysis.run.record import IDENTITY, STUDY, is_run
from analysis.run.study import NAMES, Study
from analysis.run.tables import read_part, read_parts, table_folder, write_parts
from data_prep.errors import UserError
from data_prep.files.bounded import read_file
from data_prep.files.durable import write_durably
from data_prep.files.lock import LOCK, FolderLock, lock_of
from data_prep.files.sealed import sealed_json
from data_prep.files.unfinished import is_unfinished, remove_unfinished

_RESULTS = "results.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A folder that has been claimed for a study."""

    folder: Path
    study: Study
    study_hash: str
    """Hash of the plan, the model's revision and the data: all files in the folder were made from
    these."""
    lock: FolderLock | None = field(default=None, compare=False, repr=False)
    """Keeps other commands from writing into the folder at the same time; None for a run that is
    only read."""

    def hold(self) -> None:
        """Makes this process the one that writes into the run. What is read and then written
        changed must be read after this. UserError if another command is at work in the run."""
        if self.lock is not None:
            self.lock.hold()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Context manager around reading a file of the run and writing it changed: of processes
        that share the run, one at a time. UserError as of `hold`."""
        with nullcontext() if self.lock is None else self.lock.turn():
            yield

    def require_free(self) -> None:
        """UserError if another command is at work in the run: said before work that could not be
        kept. Needs no right to write."""
        if self.lock is not None:
            self.lock.require_free()

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
        """The whole table `name`.parquet, of all findings; None if there is none yet."""
        return read_parts(table_folder(self.folder, name))

    def read_rows(
        self,
        name: str,
        key: Mapping[str, str],
        *,
        columns: Sequence[str] | None = None,
        where: Mapping[str, object] | None = None,
    ) -> pd.DataFrame | None:
        """The rows of a table with these values of the key under which they were written; None if
        there are none. `columns` and `where` are those of `analysis.run.tables.read_part`."""
        return read_part(table_folder(self.folder, name), key, columns=columns, where=where)

    def replace_rows(self, name: str, rows: pd.DataFrame, key: list[str]) -> None:
        """Put `rows` into the table, in place of those with the same values of `key`.

        Other rows are neither read nor written, so several processes of a run may do so at once.
        The key of a table is always the same. Notes that the rows carry in `.attrs` (by kind of
        note, then by name) stay with them, and are put together when the table is read.
        """
        self.hold()
        write_parts(table_folder(self.folder, name), rows, key)


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
    UserError if the folder was made by another study; nothing in it is changed then. Also if
    another command is beginning the run, or is at work in it and has no results yet.
    """
    made_from = {"model_revision": model_revision, "data_fingerprint": data_fingerprint}
    study_hash = study.identity(**made_from)
    folder = _usual(study, study_hash) if folder is None else folder
    identity = _identity(study, made_from)
    try:
        lock = lock_of(folder)
        if not is_run(folder):
            _begin(lock, study, {**identity, **(declared or {})})
        _require_same(folder, identity)
        if not (folder / _RESULTS).exists():
            lock.require_free()
        lock.remove_left()
        remove_unfinished(folder)
    except OSError as error:
        raise UserError(
            f"cannot use the run folder {folder}: {error.strerror}: choose another with --run"
        ) from error
    return Run(folder=folder, study=study, study_hash=study_hash, lock=lock)


def expected_run(
    folder: Path | None, study: Study, *, model_revision: str, data_fingerprint: str
) -> Run:
    """The run that `claim` gives, without beginning it: nothing is written, now or through it.

    UserError if the folder was made by another study.
    """
    made_from = {"model_revision": model_revision, "data_fingerprint": data_fingerprint}
    study_hash = study.identity(**made_from)
    folder = _usual(study, study_hash) if folder is None else folder
    if is_run(folder):
        _require_same(folder, _identity(study, made_from))
    return Run(folder=folder, study=study, study_hash=study_hash)


def _identity(study: Study, made_from: Mapping[str, str]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "study_hash": study.identity(**made_from),
        **made_from,
        "plan": asdict(study),
    }


def _usual(study: Study, study_hash: str) -> Path:
    """The folder of a run for which none is named."""
    return Path("runs") / f"{_word(study.model)}-{_word(study.data)}-{study_hash[:8]}"


def recorded_identity(folder: Path | None) -> dict[str, Any] | None:
    """The record of what a run folder was made from; None if the folder is no run yet.

    UserError if another version wrote it, if it is damaged or was edited, or if the study file
    beside it was.
    """
    return None if folder is None or not is_run(folder) else read_identity(folder)


def recorded_study(folder: Path) -> Path | None:
    """The study file of a run; None if the folder is no run yet.

    UserError as of `recorded_identity`: the study file of another version may hold what this one
    does not know.
    """
    return None if recorded_identity(folder) is None else folder / STUDY


def _begin(lock: FolderLock, study: Study, identity: dict) -> None:
    folder, content = lock.folder, declared_text(study)
    lock.require_free()  # whoever is beginning the run has left files, but no run yet
    _require_empty(folder, content)
    folder.mkdir(parents=True, exist_ok=True)
    lock.hold()
    if is_run(folder):
        return  # another command has begun it meanwhile
    _require_empty(folder, content)
    write_durably(folder / STUDY, content)
    # Last: with it the folder is a run.
    write_durably(folder / IDENTITY, sealed_json(identity))


def _require_same(folder: Path, identity: dict) -> None:
    found = read_identity(folder)
    if found["study_hash"] == identity["study_hash"]:
        return
    plans = found["plan"], json.loads(json.dumps(identity["plan"]))
    # Names do not tell models and data apart, so their change is only mentioned after all others.
    changed = [name for name in plans[1] if plans[0].get(name) != plans[1][name]]
    changed.sort(key=lambda name: name in NAMES)
    if changed:
        name = changed[0]
        what = f"{name} {plans[0].get(name)!r}, now {plans[1][name]!r}"
    else:
        other = "model" if found["model_revision"] != identity["model_revision"] else "data"
        what = f"the same plan, but the {other} had another content"
    raise UserError(
        f"{folder} was made by another study ({what}): choose another folder with --run, "
        "or leave --run out"
    )


def _require_empty(folder: Path, plan: bytes) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: choose a folder with --run")
    for path in folder.iterdir() if folder.is_dir() else ():
        # One that was killed before it was declared has left its plan and its lock, if anything.
        if path.name == LOCK or is_unfinished(path):
            continue
        if path.name != STUDY or read_file(path) != plan:
            raise UserError(
                f"{folder} holds files but no run: choose an empty or new folder with --run"
            )


def _word(name: str) -> str:
    """The last part of a model's or data set's name, in characters that a folder name may have."""
    parts = [part for part in re.split(r"[/:\\]", name) if part not in ("", ".", "..")]
    return re.sub(r"[^\w.-]+", "_", parts[-1] if parts else "run").strip("._-") or "run"
