"""Turns layouts into pictures with Mitsuba 3: ground, three lamps, rubber and metal, as in CLEVR.

Mitsuba compiles a kernel for the *structure* of a scene. So one scene with six of every shape is
built once, the shapes in use are moved onto the ground and the others far below it, and every
picture after the first costs no compilation. Mitsuba is optional (extra `render`).
"""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int8, UInt8
from numpy import ndarray

from data_prep.errors import UserError
from data_prep.sampler import (
    COLORS_SRGB,
    FIELD_OF_VIEW_DEG,
    LAMPS,
    MAX_OBJECTS,
    TARGET,
    Layout,
    Placed,
)

_LAMP_RADIANCE = (9.0, 3.0, 4.0)
_LAMP_RADIUS = (1.6, 2.0, 1.6)
_SKY_RADIANCE = 0.45
_GROUND_REFLECTANCE = 0.42
_ROUGHNESS = {"rubber": 0.7, "metal": 0.32}
_PARKED_DEPTH = -80.0
# The sides of a cube that a camera above the ground can see or that can throw light: all but the
# bottom. Each turns the unit square from facing up to facing outward.
_CUBE_SIDES = (((1, 0, 0), 0), ((1, 0, 0), 90), ((1, 0, 0), -90), ((0, 1, 0), 90), ((0, 1, 0), -90))
_PARTS = ("sphere", "cylinder", "disk", *(f"side{k}" for k in range(len(_CUBE_SIDES))))
_OLDEST_LLVM = 17
_LLVM_FOLDERS = (
    Path("/usr/lib/x86_64-linux-gnu"),
    Path("/usr/lib/aarch64-linux-gnu"),
    Path("/usr/lib64"),
    Path("/usr/lib"),
    Path(sys.prefix, "lib"),
)


class Renderer:
    """Renders layouts as square images of `size` x `size` pixels with `samples` light paths per
    pixel.

    The same layout, size, samples and seed give the same pixels on processors of the same family.
    """

    def __init__(self, *, size: int = 128, samples: int = 64) -> None:
        self._mitsuba = _mitsuba()
        self._samples = samples
        self._size = size
        # Merging equal parts would tie the parked shapes together; loading in parallel would
        # number the shapes, and so the lamps, differently from run to run.
        template = _template(self._mitsuba, size)
        self._scene = self._mitsuba.load_dict(template, optimize=False, parallel=False)
        self._parameters = self._mitsuba.traverse(self._scene)
        self._owner_of_shape = _owner_of_shape(self._mitsuba, self._scene)

    def render(self, layout: Layout, *, seed: int) -> UInt8[ndarray, "size size 3"]:
        """The picture of `layout` in sRGB, from 0 to 255. `seed` affects the sampling noise
        only."""
        mitsuba = self._mitsuba
        self._place(layout)
        radiance = mitsuba.render(self._scene, seed=seed, spp=self._samples)
        bitmap = mitsuba.Bitmap(radiance).convert(
            mitsuba.Bitmap.PixelFormat.RGB, mitsuba.Struct.Type.UInt8, srgb_gamma=True
        )
        return np.array(bitmap)

    def owners(self, layout: Layout) -> Int8[ndarray, "size size"]:
        """For each pixel the index of the object that is visible at its middle; -1 for the
        ground."""
        mitsuba = self._mitsuba
        self._place(layout)
        middle = (np.arange(self._size) + 0.5) / self._size
        x, y = (mitsuba.Float(axis.ravel()) for axis in np.meshgrid(middle, middle))
        centre = mitsuba.Point2f(0.5)
        ray, _ = self._scene.sensors()[0].sample_ray(0.0, 0.5, mitsuba.Point2f(x, y), centre)
        met = _numbers(mitsuba, self._scene.ray_intersect_preliminary(ray).shape)
        return self._owner_of_shape[met].reshape(self._size, self._size)

    def _place(self, layout: Layout) -> None:
        for name, value in _placement(self._mitsuba, layout):
            self._parameters[name] = value
        self._parameters.update()


@cache
def _mitsuba() -> Any:
    if find_spec("mitsuba") is None:
        raise UserError(
            "rendering needs Mitsuba, which is not installed: run pip install -e '.[render]' in "
            "the folder of pyproject.toml"
        )
    _choose_llvm()
    import mitsuba

    try:
        mitsuba.set_variant("llvm_ad_rgb")
    except (ImportError, AttributeError, RuntimeError) as error:
        raise UserError(
            "rendering needs the LLVM library, and it could not be loaded "
            f"({os.environ.get('DRJIT_LIBLLVM_PATH', 'none was found')}): install libllvm19 "
            "(Debian, Ubuntu) or llvm (Homebrew), or name its file in DRJIT_LIBLLVM_PATH"
        ) from error
    mitsuba.set_log_level(mitsuba.LogLevel.Error)
    return mitsuba


def _choose_llvm() -> None:
    """Tell Dr.Jit which LLVM library to use. By itself it may choose an old one, which crashes on
    recent processors.

    Does nothing except on Linux: on other systems Dr.Jit looks in one place only. UserError if no
    library is found, or if DRJIT_LIBLLVM_PATH names a missing file.
    """
    named = os.environ.get("DRJIT_LIBLLVM_PATH", "")
    if "/" in named and not Path(named).is_file():
        raise UserError(
            f"DRJIT_LIBLLVM_PATH must name the LLVM library, got {named!r}, which is no file: "
            "correct or unset it"
        )
    if sys.platform != "linux" or named:
        return
    library = _newest_llvm(_LLVM_FOLDERS)
    if library is None:
        raise UserError(
            f"rendering needs LLVM {_OLDEST_LLVM} or newer, and none was found: install libllvm19 "
            "(Debian, Ubuntu) or llvm-libs (Fedora), or name its file in DRJIT_LIBLLVM_PATH"
        )
    os.environ["DRJIT_LIBLLVM_PATH"] = str(library)


def _newest_llvm(folders: Iterable[Path]) -> Path | None:
    """The LLVM library with the highest version that is at least _OLDEST_LLVM; None if there is
    none. If several have this version, the one in the first folder is taken."""
    named = re.compile(r"libLLVM(?:-(?P<before>\d+)(?:\.\d+)*)?\.so(?:\.(?P<after>\d+).*)?")
    found: dict[int, Path] = {}
    for path in (each for folder in folders for each in sorted(folder.glob("libLLVM*.so*"))):
        match = named.fullmatch(path.name)
        version = int((match["before"] or match["after"] or 0) if match else 0)
        if version >= _OLDEST_LLVM and path.is_file():  # not a link that leads nowhere
            found.setdefault(version, path)
    return found[max(found)] if found else None


def _template(mitsuba: Any, size: int) -> dict[str, Any]:
    """The scene that is compiled once: ground, sky, lamps, and MAX_OBJECTS of every shape, all out
    of sight. The camera is set later."""
    transform = mitsuba.ScalarTransform4f
    scene: dict[str, Any] = {
        "type": "scene",
        "integrator": {"type": "path", "max_depth": 4, "hide_emitters": True},
        "sensor": {
            "type": "perspective",
            "fov": FIELD_OF_VIEW_DEG,
            "film": {
                "type": "hdrfilm", "width": size, "height": size, "pixel_format": "rgb",
                "rfilter": {"type": "box"},
            },
            "sampler": {"type": "multijitter"},
        },
        "ground": {
            "type": "rectangle",
            "to_world": transform().scale(60.0),
            "bsdf": {"type": "diffuse", "reflectance": _rgb(_GROUND_REFLECTANCE)},
        },
        "sky": {"type": "constant", "radiance": _rgb(_SKY_RADIANCE)},
    }  # fmt: skip
    for k, radiance in enumerate(_LAMP_RADIANCE):
        scene[f"lamp{k}"] = {
            "type": "sphere",
            "to_world": transform().translate(list(LAMPS[k])).scale(_LAMP_RADIUS[k]),
            "emitter": {"type": "area", "radiance": _rgb(radiance)},
        }
    kinds = {"side": "rectangle"}
    for k in range(MAX_OBJECTS):
        surface = {
            "type": "principled", "base_color": _rgb(0.5), "metallic": 0.0, "roughness": 0.5,
            "specular": 0.3,
        }  # fmt: skip
        for part in _PARTS:
            scene[f"object{k}_{part}"] = {
                "type": kinds.get(part.rstrip("0123456789"), part),
                "to_world": transform().translate([0.0, 0.0, _PARKED_DEPTH]),
                "bsdf": surface,
            }
    return scene


def _rgb(value: float | list[float]) -> dict[str, Any]:
    return {"type": "rgb", "value": value}


def _owner_of_shape(mitsuba: Any, scene: Any) -> Int8[ndarray, " number"]:
    """The index of the object that each shape of the template belongs to, as an array indexed by
    Dr.Jit's number of the shape. It is -1 for shapes of no object."""
    shapes = scene.shapes()
    numbers = [int(_numbers(mitsuba, mitsuba.ShapePtr(shape))[0]) for shape in shapes]
    owner = np.full(max(numbers) + 1, -1, dtype=np.int8)  # number 0: the ray met nothing
    for number, name in zip(numbers, (shape.id() for shape in shapes), strict=True):
        if name.startswith("object"):
            owner[number] = int(name[len("object") : name.index("_")])
    return owner


def _numbers(mitsuba: Any, shapes: Any) -> ndarray:
    import drjit

    return np.array(drjit.reinterpret_array(mitsuba.UInt32, shapes))


def _placement(mitsuba: Any, layout: Layout) -> Iterator[tuple[str, Any]]:
    """Names and values of all scene parameters that differ from picture to picture."""
    transform, world = mitsuba.ScalarTransform4f, mitsuba.Transform4f
    view = transform().look_at(origin=list(layout.camera), target=list(TARGET), up=[0, 0, 1])
    yield "sensor.to_world", world(view)
    for k, lamp in enumerate(layout.lamps):
        moved = transform().translate(list(lamp)).scale(_LAMP_RADIUS[k])
        yield f"lamp{k}.to_world", world(moved)
    for k in range(MAX_OBJECTS):
        matrices = dict.fromkeys(_PARTS, transform().translate([0.0, 0.0, _PARKED_DEPTH]))
        if k < len(layout.objects):
            placed = layout.objects[k]
            matrices |= _standing(transform, placed)
            for part in _PARTS:
                surface = f"object{k}_{part}.bsdf"
                yield f"{surface}.base_color.value", mitsuba.Color3f(_linear(placed.color))
                metal = placed.material == "metal"
                yield f"{surface}.metallic.value", mitsuba.Float(float(metal))
                rough = _ROUGHNESS[placed.material]
                yield f"{surface}.roughness.value", mitsuba.Float(rough)
        for part, matrix in matrices.items():
            yield f"object{k}_{part}.to_world", world(matrix)


def _standing(transform: Any, placed: Placed) -> dict[str, Any]:
    """The transforms that put the parts of one object in place, by name of the part. Parts that the
    object does not need are left out."""
    radius = float(placed.radius)
    foot = transform().translate([placed.x, placed.y, 0.0])
    if placed.shape == "sphere":
        return {"sphere": foot.translate([0.0, 0.0, radius]).scale(radius)}
    turned = foot.rotate([0, 0, 1], placed.rotation_deg)
    if placed.shape == "cylinder":
        return {
            "cylinder": turned.scale([radius, radius, 2 * radius]),
            "disk": turned.translate([0.0, 0.0, 2 * radius]).scale(radius),
        }
    centre = turned.translate([0.0, 0.0, radius]).scale(radius)
    return {
        f"side{k}": centre.rotate(list(axis), angle).translate([0.0, 0.0, 1.0])
        for k, (axis, angle) in enumerate(_CUBE_SIDES)
    }


@cache
def _linear(color: str) -> list[float]:
    """An sRGB colour as red, green and blue in linear light."""
    share = np.array(COLORS_SRGB[color]) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4).tolist()
