"""One run as the paper reads it: results, plan and identity, checked against each other."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from analysis.effects.found import Finding
from analysis.results import Results
from analysis.run.format import require_format
from analysis.typed import read_back
from data_prep.errors import UserError

RESULTS, IDENTITY, STUDY = "results.json", "identity.json", "study.toml"
VALIDATION = "validation.json"
Found = TypeVar("Found")


class OtherShape(UserError):
    """What a study found has another shape than this version reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A folder whose JSON file holds numbers."""

    key: str
    """Short name in keys and labels: a, b, ..."""
    folder: Path
    results: Any
    """What the file holds."""

    def sha256(self, file: str) -> str:
        """Of a file, named relative to the folder."""
        return sha256_of(self.folder / file)

    def read(self, kind: type[Found], content: Any) -> Found:
        """A part of the results as its type; OtherShape where it is none."""
        try:
            return read_back(kind, content, self._where)
        except UserError as error:
            raise OtherShape(str(error)) from error

    @property
    def _where(self) -> str:
        """What is read, to a user."""
        return str(self.folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord(Record):
    """What a run found, and what it was made from."""

    results: Results
    plan: Mapping[str, Any]
    """The declared study, from identity.json."""
    pooled: bool = False
    """Whether the report also shows what holds of its runs' models together."""

    @property
    def model(self) -> str:
        """The model's name for people; a folder's path is nobody's business."""
        name = self.results.model
        return "the bundled model" if name == "bundled" else name.rstrip("/").split("/")[-1]

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names, in the order in which they were measured."""
        return tuple(self.results.attributes)

    @property
    def last_layer(self) -> int:
        """L, of the first curve there is."""
        found = next(iter(self.results.attributes.values()))
        return next(iter(found.readouts.values())).last_layer

    def findings(self, readout: str) -> dict[str, Finding]:
        """What a readout found, by attribute."""
        return self.results.by_attribute(readout)

    def study(self, name: str) -> Any:
        """One of the studies; None if the run does not hold it."""
        return self.results.studies.get(name)

    def found(self, name: str, kind: type[Found]) -> Found | None:
        """What a study found, as the type of its results; None if the run does not hold it.

        OtherShape where another version wrote it.
        """
        content = self.study(name)
        return None if content is None else self.read(kind, content)

    def found_by_name(self, name: str, kind: type[Found]) -> dict[str, Found]:
        """The same of a study that holds a result for each attribute; empty without it."""
        content = self.study(name) or {}
        return {each: self.read(kind, one) for each, one in content.items()}

    @property
    def _where(self) -> str:
        return str(self.folder / RESULTS)


def sha256_of(path: Path) -> str:
    """Of a file's content; UserError if it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error


def read_record(folder: Path, key: str) -> RunRecord:
    """The run in `folder`. UserError if it is none, is damaged, or contradicts itself."""
    if not folder.is_dir():
        raise UserError(
            f"no run folder {folder}: run python -m analysis.emergence --run {folder} first, or "
            "name the folder of a finished run"
        )
    content, identity = _json(folder / RESULTS), _json(folder / IDENTITY)
    require_format(folder, identity)
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
    """What `python -m analysis.validate` wrote; None if it has not been run."""
    if not file.exists():
        return None
    content = _json(file)
    if not isinstance(content.get("findings"), list):
        raise UserError(f"{file} is damaged (no findings): run python -m analysis.validate again")
    return Record(key="validation", folder=file.parent, results=content)


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("not an object")
        return content
    except FileNotFoundError:
        raise UserError(
            f"{path.parent} has no {path.name}: run python -m analysis.emergence --run "
            f"{path.parent} first, or name the folder of a finished run"
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}): delete it and run again") from error


def _require_declared(file: Path, plan: Mapping[str, Any]) -> None:
    """The declared plan is the one that was hashed; a study file edited afterwards is refused."""
    try:
        declared = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {file} ({error}): restore it from {IDENTITY}") from error
    for name, value in declared.items():
        if name not in plan or value != plan[name]:
            raise UserError(
                f"{file} was edited after the study was run: {name} is {value!r}, {IDENTITY} says "
                f"{plan.get(name)!r}: restore it, or run the new plan in another folder"
            )
