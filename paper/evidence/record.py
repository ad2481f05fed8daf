"""Reads one run for the paper: its results, plan and identity, which must agree with each other."""

import hashlib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from analysis.effects.found import Finding
from analysis.results import Results
from analysis.run.record import IDENTITY, STUDY, whole_record
from analysis.typed import read_back
from data_prep.errors import UserError
from data_prep.files.bounded import read_file
from data_prep.files.sealed import opened_json, plain_json, read_sealed

RESULTS = "results.json"
VALIDATION = "validation.json"
Found = TypeVar("Found")


class OtherShape(UserError):
    """Raised for results whose JSON structure is not the one that this version reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A folder with a JSON file of results: a run, a comparison, a pooling or a validation."""

    key: str
    """Short name of the record in keys and labels: "a", "b" and so on, or "run" for a single
    run."""
    folder: Path
    results: Any
    """The content of the JSON file."""

    def sha256(self, file: str) -> str:
        """SHA-256 of a file, whose name is relative to the folder."""
        return sha256_of(self.folder / file)

    def read(self, kind: type[Found], content: Any) -> Found:
        """Convert a part of the results to the type `kind`. OtherShape if it does not have that
        structure."""
        try:
            return read_back(kind, content, self._where)
        except UserError as error:
            raise OtherShape(str(error)) from error

    @property
    def _where(self) -> str:
        """The place of the results, for messages to the user."""
        return str(self.folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord(Record):
    """The results of a run and the declared study that produced them."""

    results: Results
    plan: Mapping[str, Any]
    """The declared study, as it stands in identity.json."""
    pooled: bool = False
    """Whether the report also has a pooling of its runs."""

    @property
    def model(self) -> str:
        """The model's name for readers. Of a folder only the last part is used, so that no local
        path gets into the paper."""
        name = self.results.model
        return "the bundled model" if name == "bundled" else name.rstrip("/").split("/")[-1]

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names of the attributes in the order in which they were measured."""
        return tuple(self.results.attributes)

    @property
    def last_layer(self) -> int:
        """Number of the last layer (L), taken from the first curve of the run."""
        found = next(iter(self.results.attributes.values()))
        return next(iter(found.readouts.values())).last_layer

    def findings(self, readout: str) -> dict[str, Finding]:
        """The findings of one readout, by attribute."""
        return self.results.by_attribute(readout)

    def study(self, name: str) -> Any:
        """The raw JSON of the study `name`; None if the run does not hold it."""
        return self.results.studies.get(name)

    def found(self, name: str, kind: type[Found]) -> Found | None:
        """The results of the study `name` as an object of type `kind`; None if the run does not
        hold it.

        OtherShape if another version wrote results of another structure.
        """
        content = self.study(name)
        return None if content is None else self.read(kind, content)

    def found_by_name(self, name: str, kind: type[Found]) -> dict[str, Found]:
        """Like `found`, for a study that holds one result per attribute: results by attribute.
        Empty if the run does not hold the study."""
        content = self.study(name) or {}
        return {each: self.read(kind, one) for each, one in content.items()}

    @property
    def _where(self) -> str:
        return str(self.folder / RESULTS)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content. UserError if the file cannot be read."""
    try:
        return hashlib.sha256(read_file(path)).hexdigest()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error


def read_record(folder: Path, key: str) -> RunRecord:
    """Read the run in `folder`. UserError if there is no run, or if its files are damaged or
    contradict each other."""
    if not folder.is_dir():
        raise UserError(
            f"no run folder {folder}: run python -m analysis.emergence --run {folder} first, or "
            "name the folder of a finished run"
        )
    identity = whole_record(folder)  # first: another version may have written no checksums
    content = _json(folder / RESULTS, opened_json)
    results = read_back(Results, content, str(folder / RESULTS))
    try:
        plan = identity["plan"]
        for name in ("study_hash", "model_revision", "data_fingerprint"):
            if (held := getattr(results, name)) != identity[name]:
                raise UserError(
                    f"{folder / RESULTS} does not belong to this run: {name} is "
                    f"{held[:16]}, {IDENTITY} says {identity[name][:16]}: delete it and "
                    "run the study again"
                )
        for name, study in results.studies.items():
            made_by = study.get("study_hash", identity["study_hash"])
            if made_by != identity["study_hash"]:
                raise UserError(
                    f"study {name} in {folder / RESULTS} was made by another study "
                    f"({made_by[:16]}): run it again"
                )
        results.versions["onset"]
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{folder / RESULTS} or {IDENTITY} is damaged ({error!r}): delete it and run again"
        ) from error
    if results.n_findings == 0:
        raise UserError(
            f"{folder} holds no finding yet: run python -m analysis.emergence --run {folder}"
        )
    _require_declared(folder / STUDY, plan)
    return RunRecord(key=key, folder=folder, results=results, plan=plan)


def read_validation(file: Path) -> Record | None:
    """Read the file that `python -m analysis.validate` wrote. None if it does not exist; UserError
    if it is damaged."""
    if not file.exists():
        return None
    content = _json(file, plain_json)
    if not isinstance(content.get("findings"), list):
        raise UserError(f"{file} is damaged (no findings): run python -m analysis.validate again")
    return Record(key="validation", folder=file.parent, results=content)


def _json(path: Path, opened: Callable[[bytes], dict[str, Any]]) -> dict[str, Any]:
    try:
        return opened(read_file(path))
    except FileNotFoundError:
        raise UserError(
            f"{path.parent} has no {path.name}: run python -m analysis.emergence --run "
            f"{path.parent} first, or name the folder of a finished run"
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path} is damaged ({error}): copy it again from its source, or delete it and run "
            "again"
        ) from error


def _require_declared(file: Path, plan: Mapping[str, Any]) -> None:
    """Raise UserError unless the study file is whole and still holds the plan that was hashed when
    the run was made."""
    try:
        declared = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"cannot read {file} ({error}): delete it, the next command on the run makes it anew "
            f"from {IDENTITY}"
        ) from error
    for name, value in declared.items():
        if name not in plan or value != plan[name]:
            raise UserError(
                f"{file} was edited after the study was run: {name} is {value!r}, {IDENTITY} says "
                f"{plan.get(name)!r}: restore it, or run the new plan in another folder"
            )
    try:
        read_sealed(file)
    except (OSError, ValueError) as error:
        raise UserError(
            f"{file} was edited after the study was run, or is damaged ({error}): delete it, the "
            f"next command on the run makes it anew from {IDENTITY}"
        ) from error
