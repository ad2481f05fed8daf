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

if TYPE_CHECKING:  # transformers takes seconds to import, and a captured run does not need it
    from probes.positions import Position
    from probes.residuals.capture import Engine
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
    now."""
    from tqdm import tqdm

    from probes.residuals.capture import capture_to_store, store_spec
    from probes.residuals.passes import row_ids_of
    from probes.residuals.store import ResidualStore

    run, vlm = opened.run, opened.load_model()
    run.study.require_layers(vlm.n_layers)
    keep_output_map(opened, vlm)
    pictures = _pictures(opened)
    batch_size = _batch_size(opened, vlm, passes, pictures, position, place)
    spec = store_spec(
        vlm, passes, study_hash=run.study_hash, position=position, batch_size=batch_size
    )
    store = ResidualStore.open_or_create(place, spec, row_ids_of(passes, position))
    what = f"capture {items['attribute'].iloc[0]}, {place.name}"
    with tqdm(total=len(passes), desc=what, unit="item", disable=None) as bar:
        capture_to_store(
            vlm,
            passes,
            pictures.open,
            store,
            position=position,
            progress=bar.update,
            size_of=pictures.size,
            engine=_engine(opened),
        )
    return store


def passes_at_once(opened: OpenRun, vlm: "VLM") -> int:
    """Passes that are run together where nothing is stored: as asked, or by the size of the model
    alone, so that the same bytes come out on every machine."""
    from probes.residuals.batch_size import batch_size_by_rule

    if opened.batch_size != "auto":
        return opened.batch_size
    return batch_size_by_rule(sum(each.numel() for each in vlm.model.parameters()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pictures:
    """The images of a study by their keys, the blank image among them. Can be sent to other
    processes."""

    data: SceneData
    blank: Image.Image

    def open(self, key: str) -> Image.Image:
        return self.blank if key == BLANK else self.data.open_image(key)

    def size(self, key: str) -> tuple[int, int]:
        return self.blank.size if key == BLANK else self.data.image_size(key)


def _pictures(opened: OpenRun) -> _Pictures:
    seen = image_survey(opened.run, opened.data)
    # Without what is asked of the model, which stays in this process.
    data = replace(opened.data, size_fault=None)
    return _Pictures(data=data, blank=blank_image(seen.blank_size, seen.mean_color))


def _batch_size(
    opened: OpenRun,
    vlm: "VLM",
    passes: list[tuple[str, str, str]],
    pictures: _Pictures,
    position: "Position",
    place: Path,
) -> int:
    from probes.residuals.batch_size import automatic_batch_size, batch_size_of
    from probes.residuals.shards import CaptureJob

    job = CaptureJob(passes=passes, open_image=pictures.open, batch_size=1, position=position)
    trial = range(min(_TRIAL_PASSES, len(passes)))
    return batch_size_of(opened.batch_size, place, lambda: automatic_batch_size(vlm, job, trial))


def _engine(opened: OpenRun) -> "Engine":
    from probes import load_vlm
    from probes.residuals.capture import local_engine
    from probes.residuals.ray_engine import RayEngine

    if opened.engine == "local":
        return local_engine
    arguments = opened.model_arguments
    load = partial(load_vlm, opened.run.study.model, **arguments)
    return RayEngine(load=load, device=arguments["device"])
