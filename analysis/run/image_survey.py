"""One look at all images of a study before any model work: which are broken, and the mean color."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from PIL import Image
from tqdm import tqdm

from analysis.run.folder import Run
from data_prep.controls import mean_color
from data_prep.errors import UserError
from data_prep.scene_data import SceneData
from data_prep.scenes import AnyScene

_KEPT = "images"
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSurvey:
    """What a study needs to know of its images as a whole."""

    broken: Mapping[str, str]
    """What is wrong with each broken image, by the id of its scene."""
    mean_color: tuple[int, int, int]
    """Mean color over all pixels of all readable images, as 8-bit code values (red, green, blue):
    the color of the blank image."""
    blank_size: tuple[int, int]
    """Width and height in pixels of the first readable image, and so of the blank image."""

    def keep(self, items: pd.DataFrame) -> None:
        """Write the survey into a table of the run, so that it is made only once."""
        items.attrs[_KEPT] = {
            "broken": dict(self.broken),
            "mean_color": list(self.mean_color),
            "blank_size": list(self.blank_size),
        }


def chosen_scenes(data: SceneData, limit: int | None) -> Sequence[AnyScene]:
    """The scenes of a study: the first `limit` in the order of their ids."""
    ordered = sorted(data.scenes, key=lambda scene: scene.scene_id)
    if limit is not None and limit > len(ordered):
        raise UserError(
            f"{data.name} has {len(ordered)} scenes, got --scenes {limit}: ask for fewer"
        )
    return ordered[:limit]


def image_survey(run: Run, data: SceneData) -> ImageSurvey:
    """The survey that the run has kept, or one made now. UserError for broken images, unless the
    study skips them."""
    table = run.read_table("items")
    kept = {} if table is None else table.attrs.get(_KEPT, {})
    if kept:
        return ImageSurvey(
            broken=kept["broken"],
            mean_color=tuple(kept["mean_color"]),
            blank_size=tuple(kept["blank_size"]),
        )
    scenes = chosen_scenes(data, run.study.scenes)
    broken: dict[str, str] = {}
    color = mean_color(_readable(data, scenes, broken, skip=run.study.skip_broken))
    first = next(scene for scene in scenes if scene.scene_id not in broken)
    return ImageSurvey(
        broken=broken, mean_color=color, blank_size=data.open_image(first.image).size
    )


def _readable(
    data: SceneData,
    scenes: Sequence[AnyScene],
    broken: dict[str, str],
    *,
    skip: bool,
) -> Iterator[Image.Image]:
    """The images that can be read, one after the other. What is wrong with the others is put into
    `broken`; unless `skip` is set, UserError for them after the last image."""
    for scene in tqdm(scenes, desc="check images", unit="image", disable=None):
        try:
            image = data.open_image(scene.image)
        except UserError as error:
            broken[scene.scene_id] = str(error)
        else:
            yield image
    if broken and (not skip or len(broken) == len(scenes)):
        raise _refused(scenes, broken)


def _refused(scenes: Sequence[AnyScene], broken: Mapping[str, str]) -> UserError:
    first = next(iter(broken.values()))
    if len(broken) == 1:
        return UserError(first)
    images = [repr(scene.image) for scene in scenes if scene.scene_id in broken]
    named = ", ".join(images[:_NAMED])
    more = f" and {len(images) - _NAMED} more" if len(images) > _NAMED else ""
    return UserError(
        f"{len(images)} of {len(scenes)} images cannot be read, {named}{more}: {first}"
    )
