"""How runs differ, in words: the fields in which their plans, models and data are not the same."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from analysis.finished.found import AboutRun, Differing
from analysis.finished.runs import FinishedRun
from analysis.run.study import NAMES

_BUNDLED = {"model": "bundled model", "data": "bundled scenes"}
_WORDS: Mapping[str, Callable[[Any], str]] = {
    "prompt_style": lambda value: f"prompt {value}",
    "quantize": lambda value: "not quantized" if value is None else f"{value} bit",
    "dtype": str,
    "scenes": lambda value: "all scenes" if value is None else f"{value} scenes",
    "questions": lambda value: f"{value} questions",
    "negatives": lambda value: f"{value} negatives",
}
_SHORT = 12


def differing(runs: Sequence[FinishedRun]) -> tuple[Differing, ...]:
    """Every field in which the runs differ, with its value in each run, in words.

    Models and data are compared by their content: two folders that hold the same model do not
    differ, and two contents under one name do.
    """
    found = []
    for field, revision in (("model", "model_revision"), ("data", "data_fingerprint")):
        held = [str(getattr(run, revision)) for run in runs]
        if len(set(held)) > 1:
            names = [short_name(field, getattr(run.study, field)) for run in runs]
            one_to_one = (
                len(set(names)) == len(set(held)) == len(set(zip(names, held, strict=True)))
            )
            words = names if one_to_one else _told_apart(names, held)
            found.append(Differing(field=field, values=tuple(words)))
    plans = [asdict(run.study) for run in runs]
    # A revision is a name of what the model holds: it only tells apart what nothing else does.
    named = (*NAMES, "revision") if found else NAMES
    for field in (name for name in plans[0] if name not in named):
        values = [plan[field] for plan in plans]
        if any(value != values[0] for value in values):
            said = tuple(_said(field, value) for value in values)
            found.append(Differing(field=field, values=said))
    return tuple(found)


def labels(runs: Sequence[FinishedRun]) -> list[str]:
    """A name for each run: its values of the fields in which the runs differ. No two names are the
    same."""
    fields = differing(runs)
    return [", ".join(field.values[place] for field in fields) for place in range(len(runs))]


def about_runs(runs: Sequence[FinishedRun]) -> tuple[AboutRun, ...]:
    """What a study over several runs records about each of them."""
    return tuple(
        AboutRun(
            key=run.key,
            label=label,
            folder=run.run.folder.resolve().name,
            model=short_name("model", run.study.model),
            model_revision=run.model_revision,
            data=short_name("data", run.study.data),
            data_fingerprint=run.data_fingerprint,
            study_hash=run.run.study_hash,
            seed=run.study.seed,
            versions=run.results.versions,
        )
        for run, label in zip(runs, labels(runs), strict=True)
    )


def short_name(field: str, value: str) -> str:
    """A model's or data set's name for people to read; of a folder without its path, which may be
    private."""
    if value == "bundled":
        return _BUNDLED[field]
    return value.rstrip("/").split("/")[-1] or value


def _told_apart(names: Sequence[str], held: Sequence[str]) -> list[str]:
    shown = [each.rpartition(":")[2][:_SHORT] for each in held]
    return [f"{name} ({content})" for name, content in zip(names, shown, strict=True)]


def _said(field: str, value: Any) -> str:
    if field in _WORDS:
        return _WORDS[field](value)
    if isinstance(value, dict):
        value = " ".join(f"{name}={text}" for name, text in value.items()) or "none"
    if isinstance(value, (tuple, list)):
        value = " to ".join(map(str, value)) if field == "plateau" else " ".join(map(str, value))
    return f"{field.replace('_', ' ')} {'default' if value is None else value}"
