"""Data whose images are only known by their size, for tests of pairs."""

from collections.abc import Mapping, Sequence

from PIL import Image

from data_prep.asking import OBJECT_SCENES
from data_prep.pairs.pair import Side
from data_prep.scene_data import SceneData
from data_prep.scenes import Scene
from tests.data_prep.some_scenes import scene


def data_of(scenes: Sequence[Scene], *, wider: Sequence[str] = ()) -> SceneData:
    """The scenes as data. Images are 8 x 8 pixels, but 16 x 8 for the scenes named in `wider`."""
    sizes: Mapping[str, tuple[int, int]] = {
        each.image: (16, 8) if each.scene_id in wider else (8, 8) for each in scenes
    }
    return SceneData(
        scenes=tuple(scenes),
        asking=OBJECT_SCENES,
        open_image=lambda key: Image.new("RGB", sizes[key]),
        image_size=lambda key: sizes[key],
        name="made up",
        fingerprint="0",
    )


def side(scene_id: str, answer: str, *phrases: str) -> Side:
    """One image of a pair, with a scene of the given objects."""
    made = scene(*phrases, scene_id=scene_id)
    return Side(scene_id=scene_id, image=made.image, answer=answer, scene=made)
