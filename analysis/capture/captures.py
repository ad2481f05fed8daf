"""Captures an attribute's residuals into the run, by the engine that the options name."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from PIL import Image

from analysis.capture.output_map import keep_output_map
from analysis.capture.passes import BLANK
from analysis.run.image_survey import image_survey
from analysis.run.opened import OpenRun
from data_prep.controls import blank_image
from data_prep.scene_data import SceneData
from data_prep.terminal.progress import Progress

if TYPE_CHECKING:  # transformers takes seconds to import, and a captured run does not need it
    from probes.positions import Position
    from probes.residuals.capture import Engine
    from probes.residuals.shards import CaptureJob
    from probes.residuals.store import ResidualStore
    from probes.vlm import VLM

# Passes on which a batch size is tried.
_TRIAL_PASSES = 256


def captured(
    opened: OpenRun,
    items: pd.DataFrame,
    passes: list[tuple[str, str, str]],
    position: "Position",
    place: Path,
) -> "ResidualStore":
    """The residual store in the folder `place`; those of `passes` that it lacks are captured
    now. UserError, before anything is captured, for what cannot fit on the disk or into memory."""
    from analysis.forecast.before_capture import tell_before
    from probes.residuals.capture import capture_to_store, store_spec
    from probes.residuals.passes import row_ids_of
    from probes.residuals.store import ResidualStore

    run, vlm = opened.run, opened.load_model()
    run.study.require_layers(vlm.n_layers)
    keep_output_map(opened, vlm)
    job = capture_job(opened, vlm, passes, position, place, pictures_of(opened))
    spec = store_spec(
        vlm, passes, study_hash=run.study_hash, position=position, batch_size=job.batch_size
    )
    store = ResidualStore.open_or_create(place, spec, row_ids_of(passes, position))
    missing = [store.passes_of(shard) for shard in store.missing_shards()]
    attribute = items["attribute"].iloc[0]
    if missing:
        tell_before(opened, vlm, job, spec, missing, attribute=attribute)
    done = len(passes) - sum(map(len, missing))
    what = f"capture {attribute}, {place.name}"
    with Progress(total=len(passes), what=what, unit="item", done=done) as progress:
        capture_to_store(
            vlm,
            passes,
            job.open_image,
            store,
            position=position,
            progress=progress.update,
            size_of=job.size_of,
            engine=_engine(opened),
        )
    return store


def capture_job(
    opened: OpenRun,
    vlm: "VLM",
    passes: list[tuple[str, str, str]],
    position: "Position",
    place: Path,
    pictures: "Pictures",
) -> "CaptureJob":
    """What is to be read of these passes, in batches of the size that was asked for, or with which
    the store in the folder `place` was begun."""
    from probes.residuals.batch_size import automatic_batch_size, batch_size_of
    from probes.residuals.shards import CaptureJob

    job = CaptureJob(
        passes=passes,
        open_image=pictures.open,
        batch_size=1,
        position=position,
        size_of=pictures.size,
    )
    # Tried as always: the order of the passes that are tried has a part in what is found.
    tried = replace(job, size_of=None)
    trial = range(min(_TRIAL_PASSES, len(passes)))
    size = batch_size_of(
        opened.batch_size,
        place,
        lambda: automatic_batch_size(vlm, tried, trial),
    )
    return replace(job, batch_size=size)


def passes_at_once(opened: OpenRun, vlm: "VLM") -> int:
    """Passes that are run together where nothing is stored: as asked, or by the size of the model
    alone, so that the same bytes come out on every machine."""
    from probes.residuals.batch_size import batch_size_by_rule

    if opened.batch_size != "auto":
        return opened.batch_size
    return batch_size_by_rule(sum(each.numel() for each in vlm.model.parameters()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """The images of a study by their keys, the blank image among them. Can be sent to other
    processes."""

    data: SceneData
    blank: Image.Image

    def open(self, key: str) -> Image.Image:
        return self.blank if key == BLANK else self.data.open_image(key)

    def size(self, key: str) -> tuple[int, int]:
        return self.blank.size if key == BLANK else self.data.image_size(key)


def pictures_of(opened: OpenRun) -> Pictures:
    """The images of the run's study, and its blank image."""
    seen = image_survey(opened.run, opened.data)
    # Without what is asked of the model and of the run, which stay in this process.
    data = replace(opened.data, size_fault=None, why_not_asked=None)
    return Pictures(data=data, blank=blank_image(seen.blank_size, seen.mean_color))


def _engine(opened: OpenRun) -> "Engine":
    from probes import load_vlm
    from probes.residuals.capture import local_engine
    from probes.residuals.ray_engine import RayEngine

    if opened.engine == "local":
        return local_engine
    arguments = opened.model_arguments
    load = partial(load_vlm, opened.run.study.model, **arguments)
    return RayEngine(load=load, device=arguments["device"])
