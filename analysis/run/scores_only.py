"""Opens a run that holds scores only: they were captured elsewhere, and there is no model and no
image to go back to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.readouts.given import require_testable
from analysis.run.folder import claim, recorded_identity
from analysis.run.kept_data import keep_data
from analysis.run.opened import OpenRun
from analysis.run.study import Study
from data_prep.errors import UserError
from data_prep.given_scores.data import KIND, SCORES_ONLY, are_scores
from data_prep.scene_data import SceneData

if TYPE_CHECKING:
    from probes.vlm import VLM

_UNNAMED, _UNSAID = (Study.__dataclass_fields__[name].default for name in ("model", "data"))


def with_scores(study: Study, table: Path) -> Study:
    """The plan with a table of scores as its data. UserError if it names other data."""
    if study.data != _UNSAID and not are_scores(study.data):
        raise UserError(
            f"--scores stands in the place of data, got data {study.data!r} as well: give one of "
            "them, or another --run"
        )
    return replace(study, data=f"{KIND}:{table}")


def open_scores(
    folder: Path | None,
    study: Study,
    data: SceneData,
    *,
    names: Sequence[str] = (),
    declare: Callable[[str], Mapping[str, Any]] = lambda study_hash: {},
) -> OpenRun:
    """The run of these scores, new or begun before.

    The items stand for the data and the scores for the model, so that the same items scored by two
    models are the same data. `names` are the attributes that will be measured: what their scores do
    not allow is said before a folder is made for them. `declare` gives what a new run's identity
    records beside them, from the hash of the study. UserError without a name for the model, and as
    of `claim`.
    """
    if study.model == _UNNAMED:
        raise UserError(
            f"scores need the name of the model that they are of, got {study.model!r}, which is "
            "the model of this package: give the name that a report shall have with --model"
        )
    if data.scores is not None:
        for name in names:
            require_testable(data.scores, name, study)
    made_from = {
        "model_revision": _revision(folder, data),
        "data_fingerprint": data.fingerprint,
    }
    declared = declare(study.identity(**made_from))
    run = claim(folder, study, **made_from, declared=declared)
    keep_data(run, data)
    return OpenRun(
        run=run,
        data=data,
        load_model=_no_model,
        about={"model": study.model, "data": data.name, **made_from},
    )


def _revision(folder: Path | None, data: SceneData) -> str:
    """The hash of the scores: of the table, or, where that is not at hand, as the run records
    it."""
    if data.scores is not None:
        return data.scores.model_revision
    recorded = recorded_identity(folder)
    if recorded is None:
        raise ValueError("kept data comes from a run that is recorded")
    return str(recorded["model_revision"])


def _no_model() -> "VLM":
    raise UserError(SCORES_ONLY)
