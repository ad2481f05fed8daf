"""What a report was made from, and whether that, or the report, has changed since.

Nothing here imports matplotlib, pandas or TeX: to find that nothing is to be done must not take
longer than to read the files.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from data_prep.errors import UserError
from paper.evidence.comparison import COMPARISON
from paper.evidence.pooling import POOLING
from paper.evidence.record import IDENTITY, RESULTS, STUDY
from paper.output.latex import tex_version

FILE_NAME = "manifest.json"
_VERSIONS = ("onset", "matplotlib", "numpy", "pandas", "pillow")
_ROOT = Path(__file__).parents[1]
# What a report depends on besides the runs: its text and code, and the drawing functions and
# sentences that it shares with the commands.
_SOURCES = ("paper/**/*.py", "paper/**/*.tex", "paper/**/*.css", "paper/*.bib",
            "analysis/reporting/*.py", "probes/bundled/model/README.md")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What decides a report besides the content of its inputs."""

    runs: tuple[Path, ...]
    comparison: Path | None
    """Folder of the comparison of the runs, if there is one."""
    pooling: Path | None
    """Folder of the pooling of the runs, if there is one."""
    validation: Path
    form: Literal["pdf", "pgf"]
    source_date_epoch: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One reason why a report is not what would be made now."""

    what: str
    """stale, edited by hand, or missing."""
    parts: tuple[str, ...]
    """Files of the report."""
    why: str

    def __str__(self) -> str:
        parts = _shortened(self.parts)
        return f"{self.what}: {parts}" + (f" ({self.why})" if self.why else "")


def fingerprint(asked: Asked) -> dict[str, str]:
    """Of everything a report is made from: name to hash, or to what it is."""
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
    """manifest.json: inputs, outputs, and which inputs (by beginning of name) each is made from.

    `made_from` also names what could not be made here, so that the check can say that it could.
    """
    content = {
        "inputs": dict(inputs),
        "outputs": {name: hashlib.sha256(outputs[name]).hexdigest() for name in sorted(outputs)},
        "made_from": {name: list(sources) for name, sources in sorted(made_from.items())},
        "missing": list(missing),
    }
    return (json.dumps(content, indent=1) + "\n").encode()


def read_manifest(out: Path) -> dict[str, Any] | None:
    """The manifest in `out`; None if there is none, or none that can be read: then all is made."""
    try:
        content = json.loads((out / FILE_NAME).read_text(encoding="utf-8"))
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
    """What the paper reads of a run: three files, and the images of its examples."""
    images = sorted(path.relative_to(run).as_posix() for path in run.glob("examples/*.png"))
    return [RESULTS, IDENTITY, STUDY, *images]


def _hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return "none"
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error


def source_date_epoch() -> str | None:
    """From the environment; UserError if it is no time."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is not None and not given.isdecimal():
        raise UserError(
            f"SOURCE_DATE_EPOCH must be seconds since 1970 as a whole number, got {given!r}: "
            "correct or unset it"
        )
    return given
