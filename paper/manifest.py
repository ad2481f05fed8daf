"""Records what a report was made from, and finds what has changed since.

Nothing here imports matplotlib, pandas or TeX: checking that a report is up to date must not take
longer than reading its files.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from analysis.run.record import IDENTITY, STUDY
from data_prep.errors import UserError
from data_prep.files.bounded import read_file
from data_prep.files.sealed import read_sealed_json, sealed_json
from paper.evidence.comparison import COMPARISON
from paper.evidence.pooling import POOLING
from paper.evidence.record import RESULTS
from paper.output.latex import tex_version

FILE_NAME = "manifest.json"
_VERSIONS = ("onset", "matplotlib", "numpy", "pandas", "pillow")
_ROOT = Path(__file__).parents[1]
# What a report depends on besides the runs: its text and code, and the drawing functions and
# sentences that it shares with the commands.
_SOURCES = ("paper/**/*.py", "paper/**/*.tex", "paper/**/*.css", "paper/*.bib",
            "analysis/drawing/*.py", "analysis/wording.py", "analysis/*/*drawing.py",
            "analysis/*/*figure*.py", "analysis/*/*wording.py", "analysis/*/*report.py",
            "analysis/remedies/results.json",
            "probes/bundled/model/README.md")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The choices that determine a report, apart from the content of its input files."""

    runs: tuple[Path, ...]
    comparison: Path | None
    """Folder of the comparison of the runs; None if there is none."""
    pooling: Path | None
    """Folder of the pooling of the runs; None if there is none."""
    validation: Path
    form: Literal["pdf", "pgf"]
    source_date_epoch: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One reason why a report is not what would be made now."""

    what: str
    """The kind of difference: "stale", "edited by hand" or "missing"."""
    parts: tuple[str, ...]
    """The files of the report that are affected."""
    why: str

    def __str__(self) -> str:
        parts = _shortened(self.parts)
        return f"{self.what}: {parts}" + (f" ({self.why})" if self.why else "")


def fingerprint(asked: Asked) -> dict[str, str]:
    """For everything that a report is made from, by name: a hash of the file, or the setting or
    version itself."""
    found = {f"version of {name}": version(name) for name in _VERSIONS}
    found["TeX"] = tex_version() or "none"
    found["format"] = asked.form
    found["SOURCE_DATE_EPOCH"] = asked.source_date_epoch or "none"
    for place, run in enumerate(asked.runs):
        for name in _run_files(run):
            found[f"run {place}: {name}"] = _hash(run / name)
    if asked.comparison is not None:
        found["comparison"] = _hash(asked.comparison / COMPARISON)
    if asked.pooling is not None:
        found["pooling"] = _hash(asked.pooling / POOLING)
    found["validation"] = _hash(asked.validation)
    for pattern in _SOURCES:
        for path in sorted(_ROOT.glob(pattern)):
            found[str(path.relative_to(_ROOT))] = _hash(path)
    return found


def record(
    inputs: Mapping[str, str],
    outputs: Mapping[str, bytes],
    made_from: Mapping[str, Sequence[str]],
    missing: Sequence[str],
) -> bytes:
    """The content of manifest.json: the inputs, the hashes of the outputs, and the inputs of each
    output.

    `made_from` gives the inputs as the beginnings of their names. It also lists outputs that could
    not be made here (such as a PDF without TeX), so that the check can tell when they can be.
    `missing` holds the lines on sections without data.
    """
    content = {
        "inputs": dict(inputs),
        "outputs": {name: hashlib.sha256(outputs[name]).hexdigest() for name in sorted(outputs)},
        "made_from": {name: list(sources) for name, sources in sorted(made_from.items())},
        "missing": list(missing),
    }
    return sealed_json(content)


def read_manifest(out: Path) -> dict[str, Any] | None:
    """The manifest in `out`. None if it is missing or unreadable; then the report is made anew."""
    try:
        content = read_sealed_json(out / FILE_NAME)
        for name in ("inputs", "outputs", "made_from"):
            content[name].items()
        content["missing"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return content


def differences(asked: Asked, out: Path) -> list[Difference]:
    """Every reason why the report in `out` is not the one that would be made now."""
    manifest = read_manifest(out)
    if manifest is None:
        return [Difference(what="missing", parts=("the whole report",), why=f"no report in {out}")]
    found = list(_damaged(manifest, out))
    now, then = fingerprint(asked), manifest["inputs"]
    names = [*then, *(name for name in now if name not in then)]
    for name in names:
        if now.get(name) != then.get(name):
            parts = tuple(
                part
                for part, sources in manifest["made_from"].items()
                if any(name.startswith(source) for source in sources)
            )
            found.append(Difference(what="stale", parts=parts, why=_changed(name, then, now)))
    return found


def _damaged(manifest: Mapping[str, Any], out: Path) -> Iterable[Difference]:
    edited, gone = [], []
    for name, was in manifest["outputs"].items():
        if not (out / name).is_file():
            gone.append(name)
        elif _hash(out / name) != was:
            edited.append(name)
    if edited:
        yield Difference(what="edited by hand", parts=tuple(edited), why="")
    if gone:
        yield Difference(what="missing", parts=tuple(gone), why="")


def _changed(name: str, then: Mapping[str, str], now: Mapping[str, str]) -> str:
    if name not in then:
        return f"{name} is new"
    if name not in now:
        return f"{name} is gone"
    shown = [value if len(value) < 40 else "" for value in (then[name], now[name])]
    return f"{name} was {shown[0]}, now {shown[1]}" if all(shown) else f"{name} changed"


def _shortened(parts: Sequence[str], most: int = 6) -> str:
    if len(parts) <= most:
        return ", ".join(parts) or "nothing"
    return f"{', '.join(parts[:most])} and {len(parts) - most} more"


def _run_files(run: Path) -> list[str]:
    """The files of a run that the paper reads: three JSON or TOML files, and the images of its
    examples."""
    images = sorted(path.relative_to(run).as_posix() for path in run.glob("examples/*.png"))
    return [RESULTS, IDENTITY, STUDY, *images]


def _hash(path: Path) -> str:
    try:
        return hashlib.sha256(read_file(path)).hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return "none"
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error


def source_date_epoch() -> str | None:
    """The environment variable SOURCE_DATE_EPOCH; None if it is not set. UserError if it is not a
    whole number of seconds."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is not None and not given.isdecimal():
        raise UserError(
            f"SOURCE_DATE_EPOCH must be seconds since 1970 as a whole number, got {given!r}: "
            "correct or unset it"
        )
    return given
