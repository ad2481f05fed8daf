"""What may be said of models, and not of one of them? At least three finished runs together.

    python -m analysis.pool runs/llava runs/qwen runs/smolvlm
    python -m analysis.pool runs/llava runs/qwen runs/smolvlm --attr color shape --out runs/three

Pools the emergence of each attribute, as share of the depth, and the differences of attributes
within a model by random effects: the models are the units, however many scenes each has seen. An
attribute that did not emerge with a model is said, and not silently dropped. Attributes in the
order given by --attr are tested as a chain. Writes a folder of its own: pool.json and forests.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from analysis.finished.arms import Arm, read_arm
from analysis.finished.differences import about_runs, differing
from analysis.finished.runs import FinishedRun
from analysis.notebook.result import Say, StudyResult
from analysis.notebook.study import study_function
from analysis.pool.estimates import pooled_attribute
from analysis.pool.figure import save_pool_figures
from analysis.pool.folder import open_pool_folder, write_pooling
from analysis.pool.found import DeclaredPlan, Pooling
from analysis.pool.order import pooled_differences, pooled_order
from analysis.pool.plan import PoolPlan, attributes_to_pool, left_out, runs_to_pool
from analysis.pool.report import pool_report
from analysis.readouts.registry import LOGIT_LENS, ReadoutName
from analysis.run.results import versions
from data_prep.command_line import from_command_line
from data_prep.errors import one_line_errors

COMMAND = "python -m analysis.pool"


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolModels:
    """What may be said of models, and not of one of them?"""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Folders of finished runs, at least three, each of another model."""
    attr: tuple[str, ...] = ()
    """Attributes to pool, in the order that is tested as a chain; default: all that every run
    has."""
    readout: ReadoutName = LOGIT_LENS.name
    """By which readout."""
    out: Path | None = None
    """Folder of the pooling; default: one named after what is pooled, under runs/."""
    plan: Annotated[PoolPlan, tyro.conf.arg(name="")] = field(default_factory=PoolPlan)


def main(options: PoolModels, say: Say = print) -> StudyResult[Pooling]:
    """Pools the runs, prints what was found and writes it."""
    runs = runs_to_pool(options.runs)
    names = attributes_to_pool(runs, options.attr, options.readout)
    identity = options.plan.identity(runs, names, options.readout)
    arms = {name: [read_arm(run, name, options.readout) for run in runs] for name in names}
    folder = open_pool_folder(options.out, identity)
    found = pooling(runs, arms, options, identity)
    file = write_pooling(folder, found)
    figures = save_pool_figures(found, folder)
    say(pool_report(found))
    shown = " ".join(str(each) for each in figures if each.suffix == ".pdf")
    say(f"\nresults: {file}   figures: {shown}")
    return StudyResult(found=found, folder=folder)


run = study_function(PoolModels, main, command=COMMAND)


def pooling(
    runs: Sequence[FinishedRun],
    arms: Mapping[str, Sequence[Arm]],
    options: PoolModels,
    identity: str,
) -> Pooling:
    """The results of the pooling, with the facts about the runs that they were made from."""
    differences = pooled_differences(arms, options.plan)
    return Pooling(
        pool_hash=identity,
        plan=DeclaredPlan(**asdict(options.plan)),
        readout=options.readout,
        versions=versions(),
        runs=about_runs(runs),
        differ=differing(runs),
        left_out=left_out(runs, tuple(arms), options.readout),
        shared_scenes=_shared(runs),
        attributes=tuple(pooled_attribute(each, options.plan) for each in arms.values()),
        differences=differences,
        order=pooled_order(arms, differences),
    )


def _shared(runs: Sequence[FinishedRun]) -> tuple[tuple[str, ...], ...]:
    """Groups of runs that have seen the same data."""
    groups: dict[str, list[str]] = {}
    for run in runs:
        groups.setdefault(run.data_fingerprint, []).append(run.key)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


if __name__ == "__main__":
    with one_line_errors():
        main(from_command_line(PoolModels, command=COMMAND, arguments=sys.argv[1:]))
