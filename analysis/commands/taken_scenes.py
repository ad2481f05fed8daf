"""Which scenes a study takes, and what these can be asked for: settled before a model is loaded."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from analysis.run.folder import Run
from analysis.run.items import expected_items
from analysis.run.record import is_run
from analysis.run.study import Study
from data_prep.errors import UserError
from data_prep.scene_data import SceneData


def begun_with(plan: Study, data: SceneData, recorded: Mapping[str, Any] | None) -> Study:
    """The plan as the run declares it: with the number of scenes that is usual for large data,
    where it names none, which a message says.

    A run that was begun without a number (`recorded` is what it was made from) has all scenes.
    """
    if recorded is not None and recorded["plan"]["scenes"] is None:
        return plan
    begun = plan.begun_with(len(data.scenes), usual=data.usual_scenes)
    if begun != plan:
        print(
            f"note: the first {begun.scenes:,} of {len(data.scenes):,} scenes are taken, which is "
            "usual for these data: --scenes all takes all",
            file=sys.stderr,
        )
    return begun


def with_what_is_askable(data: SceneData, study: Study, folder: Path | None) -> SceneData:
    """The data, in which "usual" and "all" stand for what the scenes of the study can be asked for,
    told by their labels alone, or by the items of the run in `folder`. Its notes say if these are
    the usual first ones."""
    if not data.scenes:
        return data  # they are elsewhere: only the run's items can say, and they are no matter here
    taken, there = study.n_scenes, len(data.scenes)
    if taken is not None and taken == data.usual_scenes and taken < there:
        data = replace(data, notes=(*data.notes, f"the first {taken:,} of {there:,} scenes"))
    # Without a name, a run's folder is known when the model is: until then it holds nothing.
    known = folder if folder is not None and is_run(folder) else Path(os.devnull)
    run = Run(folder=known, study=study, study_hash="")
    return replace(data, why_not_asked=cache(partial(_why_not_asked, run, data)))


def require_askable(data: SceneData, names: Sequence[str], *, wanted: Sequence[str]) -> None:
    """UserError for the first of the attributes `names` that the scenes cannot be asked for. If
    there is none, a line for each says which of those that are wanted are left out, and why."""
    if data.why_not_asked is None:
        return
    for name in names:
        if (reason := data.why_not_asked(name)) is not None:
            raise UserError(reason)
    for name in wanted:
        if name not in names:
            print(f"note: {name} is left out: {data.why_not_asked(name)}", file=sys.stderr)


def _why_not_asked(run: Run, data: SceneData, name: str) -> str | None:
    try:
        expected_items(run, data, name)
    except UserError as error:
        return str(error)
    return None
