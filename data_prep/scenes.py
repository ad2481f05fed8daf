"""What is known about an image: the objects of a CLEVR-style scene, or the labels of a
photograph."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels of the image, y downwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneObject:
    """One object of a scene. Its properties have CLEVR's names (`rubber`, not `matte`)."""

    shape: str
    color: str
    material: str
    size: str
    position_px: tuple[float, float]
    """Centre of the object in the image in pixels of the image as rendered: x to the right, y
    down."""
    coords: tuple[float, float, float]
    """Centre of the object in the room as x, y and z in CLEVR's (Blender's) units; z points up."""
    rotation_deg: float
    """Rotation about the vertical axis in degrees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One image and its objects. A scene is the sampling unit (the cluster) of every statistic."""

    scene_id: str
    """Identifier that is unique in its source and the same in every run. Splits and seeds depend on
    it."""
    image: str
    """File name relative to the image folder, or the key of the image in the bundled set."""
    split: str
    objects: tuple[SceneObject, ...]

    @property
    def n_objects(self) -> int:
        """Number of objects. Images are only swapped among scenes with the same number of
        objects."""
        return len(self.objects)


@dataclass(frozen=True, slots=True, kw_only=True)
class Photograph:
    """One image with known labels. The positions of its objects are not known."""

    scene_id: str
    """Identifier that is unique in its source and the same in every run. Splits and seeds depend on
    it."""
    image: str
    """Name under which `SceneData.open_image` finds the image."""
    split: str
    labels: Mapping[str, str] = field(hash=False)
    """The right answer for each attribute. An attribute that is missing here is not asked."""
    unlabelled: Mapping[str, str] = field(default_factory=dict, hash=False)
    """For attributes without a label, the reason. Attributes for which the data simply gives no
    label are not listed."""
    categories: tuple[str, ...] = ()
    """Categories known to be in the photograph, each once, in alphabetical order."""
    n_objects: int = 0
    """Number of annotated objects; 0 if the data annotates none."""
    boxes: Mapping[str, tuple[Box, ...]] = field(default_factory=dict, hash=False)
    """Boxes around the single objects of a category, by category, as far as the data gives them."""


AnyScene: TypeAlias = Scene | Photograph
"""A scene of any kind: one image, the cluster of every statistic."""
