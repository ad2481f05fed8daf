"""What is known about an image: its objects, in CLEVR's terms."""

from dataclasses import dataclass


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
