"""Do models, data sets, prompts or readouts differ in when they know what they see?

    python -m analysis.compare runs/one-model runs/another
    python -m analysis.compare runs/card runs/bare --attr color shape --readout logit_lens

Compares finished runs by what their folders hold, without models and data: emergence at relative
depth (layer / L), the effect at equal relative depth, right answers and confidence. Scenes that
runs share are compared as pairs, others as independent samples. "Earlier" is said beyond one layer
of the shallower model only, "the same" by equivalence only. Writes a folder of its own:
compare.json, items.parquet, curves.parquet and a figure.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import pandas as pd
import tyro

from analysis.compare.estimates import compared_arms, comparisons, curves_of
from analysis.compare.figure import draw_depths, draw_differences, save_compare_figure
from analysis.compare.folder import FILE_NAME, open_folder, write_comparison
from analysis.compare.found import Compared, DeclaredPlan
from analysis.compare.pairs import pairs_of
from analysis.compare.plan import ComparePlan, attributes_to_compare
from analysis.compare.report import compare_report, compare_rows
from analysis.compare.text import sentences
from analysis.finished.arms import MEASURES, Arm, read_arm
from analysis.finished.differences import about_runs, differing
from analysis.finished.runs import FinishedRun, read_finished
from analysis.notebook.result import Say, StudyResult, picture
from analysis.notebook.study import study_function
from analysis.readouts.registry import LOGIT_LENS, ReadoutName
from analysis.run.results import versions
from data_prep.command_line import from_command_line
from data_prep.errors import UserError, one_line_errors

COMMAND = "python -m analysis.compare"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """Do models, data sets, prompts or readouts differ in when they know what they see?"""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Folders of finished runs, at least two; the first of each pair is subtracted from the
    second."""
    attr: tuple[str, ...] = ()
    """Attributes to compare; default: all that every run has."""
    readout: tuple[ReadoutName, ...] = (LOGIT_LENS.name,)
    """Readouts by which runs are compared; of several, each run's readouts are compared too."""
    out: Path | None = None
    """Folder of the comparison; default: one named after what is compared, under runs/."""
    plan: Annotated[ComparePlan, tyro.conf.arg(name="")] = field(default_factory=ComparePlan)

    @property
    def readouts(self) -> tuple[str, ...]:
        """The readouts asked for, each once."""
        if not self.readout:
            raise UserError("--readout needs at least one of logit_lens, tuned_lens, linear_probe")
        return tuple(dict.fromkeys(self.readout))


def main(options: Compare, say: Say = print) -> StudyResult[Compared]:
    """Compares the runs, or reads what was found before, and says it."""
    runs = read_finished(options.runs)
    readouts = options.readouts
    names = attributes_to_compare(runs, options.attr, readouts)
    identity = options.plan.identity(runs, names, readouts)
    folder, found = open_folder(options.out, identity)
    if found is None:
        arms = {
            name: [read_arm(run, name, readout) for readout in readouts for run in runs]
            for name in names
        }
        found = _compared(runs, arms, options.plan, identity)
        tables = {"items": _items(arms), "curves": _curves(arms)}
        write_comparison(folder, found, tables)
    figure = save_compare_figure(found, folder)[0]
    say(compare_report(found))
    say(f"\nresults: {folder / FILE_NAME}   figure: {figure}")
    return StudyResult(
        found=found,
        folder=folder,
        rows=compare_rows(found),
        sentences=tuple(sentences(found)),
        pictures={
            "depths": picture(draw_depths, found),
            "differences": picture(draw_differences, found),
        },
    )


run = study_function(Compare, main, command=COMMAND)


def _compared(
    runs: Sequence[FinishedRun],
    arms: Mapping[str, Sequence[Arm]],
    plan: ComparePlan,
    identity: str,
) -> Compared:
    return Compared(
        comparison_hash=identity,
        plan=DeclaredPlan(**asdict(plan)),
        versions=versions(),
        runs=about_runs(runs),
        differ=differing(runs),
        arms=compared_arms(arms, plan),
        comparisons=comparisons(arms, plan),
    )


def _items(by_attribute: Mapping[str, Sequence[Arm]]) -> pd.DataFrame:
    """The table that is always kept: a row per item, with what is answered at the last layer."""
    parts = [
        arm.items.assign(run=arm.run.key, attribute=arm.attribute, readout=arm.readout)
        for arms in by_attribute.values()
        for arm in arms
    ]
    columns = ["run", "attribute", "readout", "item_id", "scene_id", *MEASURES]
    return pd.concat(parts, ignore_index=True).loc[:, columns]


def _curves(by_attribute: Mapping[str, Sequence[Arm]]) -> pd.DataFrame:
    """The table of effects at equal relative depth: per comparison, arm and scene."""
    parts = []
    pairs = [pair for arms in by_attribute.values() for pair in pairs_of(arms)]
    for place, pair in enumerate(pairs):
        depths, *effects = curves_of(pair)
        for arm, rows, effect in zip((pair.first, pair.second), pair.rows, effects, strict=True):
            scenes = pd.Index([arm.scenes[row] for row in rows], name="scene_id")
            wide = pd.DataFrame(effect, index=scenes, columns=depths)
            long = wide.melt(ignore_index=False, var_name="depth", value_name="effect")
            parts.append(
                long.reset_index().assign(
                    comparison=place, run=arm.run.key, attribute=arm.attribute,
                    readout=arm.readout, depth=long["depth"].to_numpy(dtype=float),
                )
            )  # fmt: skip
    columns = ["comparison", "run", "attribute", "readout", "scene_id", "depth", "effect"]
    return pd.concat(parts, ignore_index=True).loc[:, columns]


if __name__ == "__main__":
    with one_line_errors():
        main(from_command_line(Compare, command=COMMAND, arguments=sys.argv[1:]))
