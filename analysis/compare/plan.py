"""The declared plan of a comparison, and which attributes of the runs it may compare."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

import numpy as np

from analysis.finished.runs import FinishedRun
from analysis.run.study import require_resamples
from analysis.streams import Stream, stream_rng
from data_prep.errors import UserError
from data_prep.option_rules import MOST_RESAMPLES, MOST_SEED, Between, Within, require_rules

FORMAT = 3
"""Version of the format of compare.json; raised whenever the same runs and plan give other
results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparePlan:
    """Everything that is decided before looking at a difference."""

    margin: Annotated[
        float, Between(0, 1, remedy="it is a share of the model's depth, 0.1 is usual")
    ] = 0.1
    """Least difference of relative depth that matters: within it two runs are called the same."""
    level: Annotated[float, Between(0.5, 1, remedy="0.95 is usual")] = 0.95
    """Of intervals; tests, that for being the same included, are at 1 - level."""
    n_resamples: Annotated[int, Within(1, MOST_RESAMPLES)] = 10_000
    """Bootstrap resamples and sign flips."""
    seed: Annotated[int, Within(0, MOST_SEED)] = 0
    """Every random draw of the comparison follows from it."""

    def __post_init__(self) -> None:
        require_rules(self, typed=False)
        require_resamples(self.n_resamples, self.level)

    def rng(self, stream: Stream, *key: int) -> np.random.Generator:
        """The generator of the random draws of `stream` about what `key` says; it does not depend
        on what else is estimated."""
        return stream_rng(self.seed, stream, *key)

    def identity(
        self, runs: Sequence[FinishedRun], attributes: Sequence[str], readouts: Sequence[str]
    ) -> str:
        """Hash of the plan and of what is compared: the same hash gives the same results."""
        content = {
            "format": FORMAT,
            "plan": asdict(self),
            "runs": [run.run.study_hash for run in runs],
            "attributes": list(attributes),
            "readouts": list(readouts),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def attributes_to_compare(
    runs: Sequence[FinishedRun], asked: Sequence[str], readouts: Sequence[str]
) -> tuple[str, ...]:
    """The attributes asked for, or all that every run has under every readout.

    UserError for an attribute that a run lacks (the message names the command that measures it),
    and for one whose answers differ between runs: bits and shares of entropy about one set of
    answers cannot be compared with those about another.
    """
    names = tuple(dict.fromkeys(asked)) or _common(runs, readouts)
    for name in names:
        for run in runs:
            for readout in readouts:
                if run.finding(name, readout) is None:
                    raise UserError(
                        f"{run.run.folder} has no {name} under {readout}: run "
                        f"{run.command(name, readout)}"
                    )
        _require_same_answers(runs, name, readouts[0])
    return names


def _common(runs: Sequence[FinishedRun], readouts: Sequence[str]) -> tuple[str, ...]:
    first = runs[0].results.attributes
    names = tuple(
        name
        for name in first
        if all(run.finding(name, readout) is not None for run in runs for readout in readouts)
    )
    if names:
        return names
    held = {run.run.folder: sorted(run.results.attributes) for run in runs}
    shown = "; ".join(f"{folder}: {', '.join(each) or 'none'}" for folder, each in held.items())
    name = next(iter(first), "NAME")
    lacking = next(
        (run, readout)
        for readout in readouts
        for run in (*runs[1:], runs[0])
        if run.finding(name, readout) is None
    )
    raise UserError(
        f"the runs have no attribute in common under {' and '.join(readouts)} ({shown}): run "
        f"{lacking[0].command(name, lacking[1])}"
    )


def _require_same_answers(runs: Sequence[FinishedRun], name: str, readout: str) -> None:
    found = [run.finding(name, readout) for run in runs]
    sets = [set() if one is None else set(one.answers) for one in found]
    for run, answers in zip(runs, sets, strict=True):
        if answers != sets[0]:
            other = sorted(answers ^ sets[0])
            raise UserError(
                f"{name} has other answers in {run.run.folder} than in {runs[0].run.folder} "
                f"({', '.join(other[:3])}{', ...' if len(other) > 3 else ''} in one only): bits "
                "over different answer sets are not comparable; name other attributes with --attr"
            )
