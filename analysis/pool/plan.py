"""The declared plan of a pooling, and which runs and attributes may be pooled."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from string import ascii_lowercase
from typing import Annotated, Any

import numpy as np

from analysis.compare.plan import attributes_to_compare
from analysis.finished.runs import FinishedRun, read_finished
from analysis.streams import Stream, stream_rng
from data_prep.errors import UserError
from data_prep.files.sealed import read_sealed_json
from data_prep.option_rules import MOST_RESAMPLES, MOST_SEED, Between, Within, require_rules

FORMAT = 1
"""Version of the format of pool.json; raised whenever the same runs and plan give other results."""
LEAST_MODELS = 3
"""Least number of models. With two, the interval has one degree of freedom and says nothing, and
none can be left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPlan:
    """Everything that is decided before looking at a pooled number."""

    level: Annotated[float, Between(0.5, 1, remedy="0.95 is usual")] = 0.95
    """Of intervals; tests are at 1 - level."""
    n_resamples: Annotated[
        int, Within(200, MOST_RESAMPLES, remedy="2000 are usual for a standard error")
    ] = 2_000
    """Bootstrap resamples of scenes, for the standard error of each model's layer."""
    seed: Annotated[int, Within(0, MOST_SEED)] = 0
    """Every random draw of the pooling follows from it."""

    def __post_init__(self) -> None:
        require_rules(self, typed=False)

    def rng(self, stream: Stream, *key: int) -> np.random.Generator:
        """The generator of the random draws of `stream` about what `key` says; it does not depend
        on what else is estimated."""
        return stream_rng(self.seed, stream, *key)

    def identity(self, runs: Sequence[FinishedRun], attributes: Sequence[str], readout: str) -> str:
        """Hash of the plan and of what is pooled: the same hash gives the same results."""
        content = {
            "format": FORMAT,
            "plan": asdict(self),
            "runs": [run.run.study_hash for run in runs],
            "attributes": list(attributes),
            "readout": readout,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def runs_to_pool(folders: Sequence[Path]) -> tuple[FinishedRun, ...]:
    """The runs, each of another model.

    UserError for fewer than three, for a folder that is no finished run of this version, and if two
    runs have the same model: more scenes cannot stand for another model.
    """
    if not LEAST_MODELS <= len(folders) <= len(ascii_lowercase):
        raise UserError(
            f"pooling needs {LEAST_MODELS} to {len(ascii_lowercase)} runs of different models, got "
            f"{len(folders)}: python -m analysis.pool RUN RUN RUN (two runs: python -m "
            "analysis.compare RUN RUN)"
        )
    runs = read_finished(folders)
    held: dict[str, FinishedRun] = {}
    for run in runs:
        other = held.setdefault(run.model_revision, run)
        if other is not run:
            raise UserError(
                f"{run.run.folder} is of the same model as {other.run.folder} "
                f"({run.model_revision[:19]}): the same model twice is not two models, name one"
            )
    return runs


def attributes_to_pool(
    runs: Sequence[FinishedRun], asked: Sequence[str], readout: str
) -> tuple[str, ...]:
    """The attributes asked for, or all that every run has; their order is the chain.

    UserError for an attribute that a run lacks, or that is not the same in all runs: with other
    answers, or with other words for the same answers.
    """
    names = attributes_to_compare(runs, asked, (readout,))
    for name in names:
        first, words = runs[0], _words(runs[0], name)
        for run in runs[1:]:
            other = _words(run, name)
            if words is not None and other is not None and other != words:
                answer = next(each for each in words if words[each] != other.get(each))
                raise UserError(
                    f"{name} is defined differently in {run.run.folder} than in "
                    f"{first.run.folder} (words for {answer}): models are pooled over one "
                    "definition, name other attributes with --attr"
                )
    return names


def left_out(
    runs: Sequence[FinishedRun], names: Sequence[str], readout: str
) -> dict[str, tuple[str, ...]]:
    """Attributes that only some runs have under the readout, with the runs that do."""
    measured = dict.fromkeys(name for run in runs for name in run.results.attributes)
    holders = {
        name: tuple(run.key for run in runs if run.finding(name, readout) is not None)
        for name in measured
        if name not in names
    }
    return {name: keys for name, keys in holders.items() if 0 < len(keys) < len(runs)}


def _words(run: FinishedRun, name: str) -> Mapping[str, Any] | None:
    """The words of each answer that occurs in the run's scenes; None where the run does not say."""
    path = run.run.folder / "data.json"
    if not path.exists():
        return None
    try:
        words = read_sealed_json(path)["attributes"][name]["words"]
        kept = {answer for found in run.findings(name).values() for answer in found.answers}
        return {answer: sorted(words[answer]) for answer in kept}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is damaged ({error!r}): measure it anew in a new folder"
        ) from error
