"""Draws CLEVR-style layouts: which objects stand where, seen from which camera, under which light.

The constants are those of the CLEVR generator (Johnson et al. 2017, CVPR, arXiv:1612.06890 and its
`properties.json`): colours, two sizes, rubber and metal, distances and jitters. Two differ, so that
small objects stay legible at 128 pixels: the ground in use is 4.4 units wide instead of 6, and the
camera looks closer. Every layout has a generator of its own, keyed by seed and index, so that a
layout does not depend on which others were drawn before it.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float
from numpy import ndarray

COLORS_SRGB = {
    "gray": (87, 87, 87),
    "red": (173, 35, 35),
    "blue": (42, 75, 215),
    "green": (29, 105, 20),
    "brown": (129, 74, 25),
    "purple": (129, 38, 192),
    "cyan": (41, 208, 208),
    "yellow": (255, 238, 51),
}
SHAPES = ("cube", "sphere", "cylinder")
MATERIALS = ("rubber", "metal")
RADII = {"large": 0.7, "small": 0.35}
KINDS = tuple(
    (shape, color, material, size)
    for shape in SHAPES
    for color in COLORS_SRGB
    for material in MATERIALS
    for size in RADII
)
MAX_OBJECTS = 6

HALF_WIDTH = 2.2
"""Objects stand at x and y between -HALF_WIDTH and HALF_WIDTH (in scene units)."""
MIN_GAP = 0.25
"""Smallest free distance on the ground between two objects (in scene units)."""
AXIS_MARGIN = 0.4
"""Smallest distance between two objects along an axis that decides relations such as "left of" or
"behind" (in scene units)."""
FRAME_MARGIN = 0.03
"""Smallest distance of an object's outline from the border of the image (as a share of the image's
side)."""

CAMERA = (7.4, -6.5, 5.3)
TARGET = (0.0, 0.0, 0.25)
FIELD_OF_VIEW_DEG = 30.0
LAMPS = ((5.5, -1.5, 6.5), (-4.0, -6.0, 5.0), (-2.0, 5.0, 7.0))
CAMERA_JITTER = 0.5
LAMP_JITTER = 1.0

_KIND_STREAM, _COUNT_STREAM, _PLACE_STREAM = range(3)
_PLACEMENT_TRIES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One object with its properties and its place on the ground."""

    shape: str
    color: str
    material: str
    size: str
    x: float
    y: float
    rotation_deg: float

    @property
    def radius(self) -> float:
        """Half the object's height, in scene units. A cube is as wide across as a ball of its
        size."""
        radius = RADII[self.size]
        return radius / np.sqrt(2) if self.shape == "cube" else radius


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Everything that determines a picture, apart from the renderer's sampling noise."""

    objects: tuple[Placed, ...]
    camera: tuple[float, float, float]
    lamps: tuple[tuple[float, float, float], ...]


def sample_layout(seed: int, index: int, *, attempt: int = 0) -> Layout:
    """Layout number `index` of the collection `seed`.

    Six layouts from a multiple of six on have 1, 2, ..., 6 objects in some order; the first objects
    of 96 layouts from a multiple of 96 on are of all 96 kinds (shape x colour x material x size),
    and their second, third, ... objects of different kinds, for not every layout has one. `attempt`
    redraws positions and views only, so that refusing a picture for lack of visibility leaves the
    balance as it is.
    """
    n_objects = 1 + _dealt(MAX_OBJECTS, (seed, _COUNT_STREAM), index)
    kinds = [
        KINDS[_dealt(len(KINDS), (seed, _KIND_STREAM, slot), index)] for slot in range(n_objects)
    ]
    rng = _generator(seed, _PLACE_STREAM, index, attempt)
    while True:
        camera = np.array(CAMERA) + rng.uniform(-CAMERA_JITTER, CAMERA_JITTER, 3)
        objects = _place(kinds, camera, rng)
        if objects is not None:
            lamps = np.array(LAMPS) + rng.uniform(-LAMP_JITTER, LAMP_JITTER, (len(LAMPS), 3))
            return Layout(
                objects=objects,
                camera=tuple(camera.tolist()),
                lamps=tuple(tuple(lamp) for lamp in lamps.tolist()),
            )


def stand_free(layout: Layout) -> bool:
    """Whether every object is in frame and far enough from the others, as in every sampled
    layout."""
    camera = np.array(layout.camera)
    return all(_in_frame(each, camera) for each in layout.objects) and all(
        _apart(one, other) for one, other in combinations(layout.objects, 2)
    )


def project(
    points: Float[ndarray, "point 3"], camera: tuple[float, float, float]
) -> Float[ndarray, "point 3"]:
    """Image positions of points: x and y as shares of a square image from its top left, and the
    depth in scene units.

    Uses a pinhole camera at `camera` that looks at TARGET; the z axis points up.
    """
    origin = np.asarray(camera)
    forward = np.array(TARGET) - origin
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    along = (points - origin) @ np.stack([right, down, forward], axis=1)
    half_width = np.tan(np.deg2rad(FIELD_OF_VIEW_DEG) / 2)
    return np.column_stack([0.5 + 0.5 * along[:, :2] / (half_width * along[:, 2:]), along[:, 2]])


def _place(
    kinds: list[tuple[str, str, str, str]], camera: Float[ndarray, "3"], rng: np.random.Generator
) -> tuple[Placed, ...] | None:
    """The objects with random positions on the ground, or None if there is no room left for one of
    them."""
    placed: list[Placed] = []
    for shape, color, material, size in kinds:
        for _ in range(_PLACEMENT_TRIES):
            x, y, turn = rng.uniform((-HALF_WIDTH, -HALF_WIDTH, 0), (HALF_WIDTH, HALF_WIDTH, 360))
            candidate = Placed(
                shape=shape, color=color, material=material, size=size,
                x=float(x), y=float(y), rotation_deg=float(turn),
            )  # fmt: skip
            if _in_frame(candidate, camera) and all(_apart(candidate, other) for other in placed):
                placed.append(candidate)
                break
        else:
            return None
    return tuple(placed)


def _apart(one: Placed, other: Placed) -> bool:
    dx, dy = abs(one.x - other.x), abs(one.y - other.y)
    gap = np.hypot(dx, dy) - RADII[one.size] - RADII[other.size]
    return bool(gap >= MIN_GAP and max(dx, dy) >= AXIS_MARGIN)


def _in_frame(candidate: Placed, camera: Float[ndarray, "3"]) -> bool:
    radius = RADII[candidate.size]
    corners = np.array([[sx, sy, sz] for sx in (-1, 1) for sy in (-1, 1) for sz in (0, 2)]) * radius
    seen = project(corners + (candidate.x, candidate.y, 0.0), tuple(camera.tolist()))[:, :2]
    return bool((seen > FRAME_MARGIN).all() and (seen < 1 - FRAME_MARGIN).all())


def _dealt(n_cards: int, stream: tuple[int, ...], index: int) -> int:
    """Card number `index` of a sequence of packs with `n_cards` cards each, where each pack is
    shuffled separately.

    `stream` keys the shuffling, so the same arguments always give the same card.
    """
    pack, position = divmod(index, n_cards)
    return int(_generator(*stream, pack).permutation(n_cards)[position])


def _generator(seed: int, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
