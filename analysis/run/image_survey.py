"""One look at all images of a study before any model work: which cannot be used, and the mean
color."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

from PIL import Image
from pydantic import TypeAdapter, ValidationError

from analysis.run.folder import Run
from data_prep.controls import mean_color
from data_prep.errors import UserError
from data_prep.files.durable import write_durably
from data_prep.files.sealed import read_sealed_json, sealed_json
from data_prep.scene_data import SceneData
from data_prep.scenes import AnyScene
from data_prep.terminal.progress import Progress

_FILE = "images.json"
_NAMED = 3
_Size = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSurvey:
    """What a study needs to know of its images as a whole."""

    unreadable: Mapping[str, str]
    """What is wrong with each image that cannot be read, by the id of its scene."""
    refused: Mapping[str, str]
    """What is wrong with each image whose size the model does not take, by the id of its scene."""
    mean_color: tuple[int, int, int]
    """Mean color over all pixels of all images that can be used, as 8-bit code values (red, green,
    blue): the color of the blank image."""
    blank_size: tuple[int, int]
    """Width and height in pixels of the first image that can be used, and so of the blank image."""

    @property
    def broken(self) -> Mapping[str, str]:
        """What is wrong with each image that cannot be used, by the id of its scene."""
        return {**self.unreadable, **self.refused}


def chosen_scenes(data: SceneData, limit: int | None) -> Sequence[AnyScene]:
    """The scenes of a study: the first `limit` in the order of their ids."""
    ordered = sorted(data.scenes, key=lambda scene: scene.scene_id)
    if limit is not None and limit > len(ordered) > 0:
        raise UserError(
            f"{data.name} has {len(ordered)} scenes, got --scenes {limit}: ask for fewer"
        )
    return ordered[:limit]


def is_surveyed(run: Run) -> bool:
    """Whether the run has kept its survey, so that neither images nor model are asked again."""
    return (run.folder / _FILE).exists()


def image_survey(run: Run, data: SceneData) -> ImageSurvey:
    """The survey that the run has kept, or one made now and kept.

    Every image is read, and then `data.size_fault` is asked about every size that occurs. UserError
    for images that cannot be used, unless the study skips them.
    """
    if is_surveyed(run):
        return _kept(run)
    scenes = chosen_scenes(data, run.study.n_scenes)
    refuse = partial(_refuse, scenes, skip=run.study.skip_broken)
    unreadable: dict[str, str] = {}
    sizes: dict[str, _Size] = {}
    color = mean_color(_readable(data, scenes, unreadable, sizes, refuse))
    refused = _of_refused_size(scenes, sizes, data.size_fault)
    refuse({**unreadable, **refused})
    if refused:
        usable = [scene for scene in scenes if scene.scene_id not in {**unreadable, **refused}]
        color = mean_color(data.open_image(scene.image) for scene in usable)
    survey = ImageSurvey(
        unreadable=unreadable,
        refused=refused,
        mean_color=color,
        blank_size=next(size for scene_id, size in sizes.items() if scene_id not in refused),
    )
    run.hold()
    write_durably(run.folder / _FILE, sealed_json(asdict(survey)))
    return survey


def _kept(run: Run) -> ImageSurvey:
    path = run.folder / _FILE
    try:
        return TypeAdapter(ImageSurvey).validate_python(read_sealed_json(path))
    except (OSError, ValueError, ValidationError) as error:
        raise UserError(
            f"{path} is damaged ({error}): delete it and run again, it is made anew"
        ) from error


def _readable(
    data: SceneData,
    scenes: Sequence[AnyScene],
    unreadable: dict[str, str],
    sizes: dict[str, _Size],
    refuse: Callable[[Mapping[str, str]], None],
) -> Iterator[Image.Image]:
    """The images that can be read, one after the other, whose sizes are put into `sizes`. What is
    wrong with the others is put into `unreadable`; `refuse` is told of them after the last one."""
    for scene in Progress(scenes, what="check images", unit="image"):
        try:
            image = data.open_image(scene.image)
        except UserError as error:
            unreadable[scene.scene_id] = str(error)
        else:
            sizes[scene.scene_id] = image.size
            yield image
    refuse(unreadable)


def _of_refused_size(
    scenes: Sequence[AnyScene],
    sizes: Mapping[str, _Size],
    size_fault: Callable[[_Size], str | None] | None,
) -> dict[str, str]:
    """What is wrong with the images whose size the model does not take, by the id of the scene."""
    if size_fault is None:
        return {}
    distinct = list(dict.fromkeys(sizes.values()))
    shown = Progress(distinct, what="check sizes", unit="size")
    faults = {size: fault for size in shown if (fault := size_fault(size)) is not None}
    found = {}
    for scene in scenes:
        size = sizes.get(scene.scene_id)
        if size is not None and size in faults:
            found[scene.scene_id] = (
                f"image {scene.image!r} cannot be used: the model does not take {size[0]} x "
                f"{size[1]} pixels ({faults[size]}): crop or scale it, or leave it out with "
                "--skip-broken"
            )
    return found


def _refuse(scenes: Sequence[AnyScene], broken: Mapping[str, str], *, skip: bool) -> None:
    """Raise UserError for images that cannot be used, unless they are to be skipped and others are
    left."""
    if not broken or (skip and len(broken) < len(scenes)):
        return
    first = next(iter(broken.values()))
    if len(broken) == 1:
        raise UserError(first)
    images = [repr(scene.image) for scene in scenes if scene.scene_id in broken]
    named = ", ".join(images[:_NAMED])
    more = f" and {len(images) - _NAMED} more" if len(images) > _NAMED else ""
    raise UserError(f"{len(images)} of {len(scenes)} images cannot be used, {named}{more}: {first}")
