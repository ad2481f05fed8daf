"""What is to be captured: the forward passes of an attribute, by condition, and which are there."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
from PIL import Image

from analysis.capture.captures import Pictures, capture_job, pictures_of
from analysis.capture.object_places import shown_items
from analysis.capture.passes import forward_passes
from analysis.capture.residuals import expected_position
from analysis.run.image_survey import chosen_scenes, is_surveyed
from analysis.run.items import expected_items
from analysis.run.opened import OpenRun

if TYPE_CHECKING:
    from analysis.capture.residuals import PositionName
    from probes.residuals.shards import CaptureJob
    from probes.residuals.spec import StoreSpec

_GREY = (127, 127, 127)
CONDITIONS = ("real", "blank", "swapped")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Work:
    """The capture of one attribute at one position."""

    attribute: str
    position: "PositionName"
    items: pd.DataFrame
    passes: Sequence[tuple[str, str, str]]
    job: "CaptureJob"
    spec: "StoreSpec"
    missing: tuple[range, ...]
    """The passes of each shard that is not there."""
    n_answers: int

    @property
    def by_condition(self) -> dict[str, int]:
        """The number of forward passes of each condition."""
        kinds = Counter(
            pass_id.partition(":")[0].rstrip("0123456789") for pass_id, *_ in self.passes
        )
        named = {"real": "real", "blank": "blank", "swap": "swapped"}
        return {condition: kinds[kind] for kind, condition in named.items()}

    @property
    def n_left(self) -> int:
        """The number of forward passes that are still to be run."""
        return sum(map(len, self.missing))


def work_of(opened: OpenRun, attribute: str, position: "PositionName") -> Work:
    """What the capture of an attribute's residuals at a position takes. Nothing is written.

    UserError as of the capture itself, as far as labels, tokens and the store say.
    """
    from probes.residuals.capture import store_spec
    from probes.residuals.passes import row_ids_of
    from probes.residuals.store import ResidualStore

    run, vlm = opened.run, opened.load_model()
    run.study.require_layers(vlm.n_layers)
    items = expected_items(run, opened.data, attribute)
    if position == "object":
        items = shown_items(opened, items)
    passes = forward_passes(run, items, blank_per_item=position == "object")
    at = expected_position(opened, items, position, passes)
    place = run.residuals(attribute, position)
    job = capture_job(opened, vlm, passes, at, place, expected_pictures(opened))
    spec = store_spec(
        vlm, passes, study_hash=run.study_hash, position=at, batch_size=job.batch_size
    )
    if (place / "manifest.json").exists():
        store = ResidualStore.open(place)
        store.require(spec)
    else:
        store = ResidualStore(place, spec, tuple(row_ids_of(passes, at)), {})
    return Work(
        attribute=attribute,
        position=position,
        items=items,
        passes=passes,
        job=job,
        spec=spec,
        missing=tuple(store.passes_of(shard) for shard in store.missing_shards()),
        n_answers=len(opened.data.answer_set(items).answers),
    )


def expected_pictures(opened: OpenRun) -> Pictures:
    """The images of the run's study. As long as the run has not looked at all of them, a grey one
    of the first one's size stands for the blank image, which costs as much."""
    if is_surveyed(opened.run):
        return pictures_of(opened)
    first = chosen_scenes(opened.data, opened.run.study.n_scenes)[0]
    size = opened.data.image_size(first.image)
    return Pictures(data=opened.data, blank=Image.new("RGB", size, _GREY))
