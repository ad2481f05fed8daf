"""What is known about an image: its objects in CLEVR's terms, or the labels of a photograph."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneObject:
    """One object of a scene, under CLEVR's names (`rubber`, not `matte`)."""

    shape: str
    color: str
    material: str
    size: str
    position_px: tuple[float, float]
    """Centre in the image, x rightwards and y downwards, in pixels of the image as rendered."""
    coords: tuple[float, float, float]
    """Centre in the room, x, y, z, in CLEVR's (Blender's) units; z is up."""
    rotation_deg: float
    """Turn about the vertical axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One image and its objects: the sampling unit of every statistic (the cluster)."""

    scene_id: str
    """Unique in its source, stable between runs: splits and seeds are keyed by it."""
    image: str
    """File name relative to the image folder, or the key in the bundled set."""
    split: str
    objects: tuple[SceneObject, ...]

    @property
    def n_objects(self) -> int:
        """How much there is to see: images are swapped among scenes with as many objects."""
        return len(self.objects)


@dataclass(frozen=True, slots=True, kw_only=True)
class Photograph:
    """One image of which labels are known, and not where its objects lie."""

    scene_id: str
    """Unique in its source, stable between runs: splits and seeds are keyed by it."""
    image: str
    """What `SceneData.open_image` knows it by."""
    split: str
    labels: Mapping[str, str] = field(hash=False)
    """The right answer by attribute; an attribute without one is not asked."""
    unlabelled: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Why attributes have no label, where it is not that the data gives none."""
    categories: tuple[str, ...] = ()
    """What is known to be in it, each once, in alphabetical order."""
    n_objects: int = 0
    """Annotated objects; 0 where the data annotates none."""


AnyScene: TypeAlias = Scene | Photograph
"""What a study calls a scene: one image, the cluster of every statistic."""
