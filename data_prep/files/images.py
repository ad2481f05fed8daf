"""Images of any common kind as RGB, and what is said of one that cannot be read."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageOps

from data_prep.errors import UserError
from data_prep.files.tree import Stream

FORMATS = (
    "AVIF", "BMP", "GIF", "ICO", "JPEG", "JPEG2000", "PNG", "PPM", "TGA", "TIFF", "WEBP",
)  # fmt: skip
"""Those of photographs. No others are tried: Pillow hands some to programs of the system."""
ENDINGS = frozenset((
    ".avif", ".bmp", ".gif", ".ico", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm",
    ".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp",
))  # fmt: skip
"""Lower-case endings of the files of a folder that are taken for images."""
_ORIENTATION = 0x0112
_TURNED = (5, 6, 7, 8)
# What Pillow raises for a damaged file; some decoders have only SyntaxError for it.
_FAULTS = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)


def rendered_rgb(open_file: Callable[[], Stream], name: str) -> Image.Image:
    """A rendered image as RGB: alpha is dropped, for CLEVR's is 255 everywhere."""
    try:
        with open_file() as file, Image.open(file) as image:
            return image.convert("RGB")
    except _FAULTS as error:
        raise unreadable(name, error) from error


def photograph_rgb(open_file: Callable[[], Stream], name: str) -> Image.Image:
    """A photograph or drawing as RGB, upright, as a viewer on a white page shows it.

    The orientation noted in EXIF is applied; of an animation the first frame is taken; 16 bits
    become 8 by their upper half; what is transparent shows white.
    """
    try:
        with open_file() as file, Image.open(file, formats=FORMATS) as image:
            return _flat(ImageOps.exif_transpose(image))
    except _FAULTS as error:
        raise unreadable(name, error) from error


def photograph_size(open_file: Callable[[], Stream], name: str) -> tuple[int, int]:
    """Width and height in pixels of a photograph when upright, from the file's header."""
    try:
        with open_file() as file, Image.open(file, formats=FORMATS) as image:
            width, height = image.size
            # Pillow has turned the size of a TIFF already.
            turned = image.format != "TIFF" and image.getexif().get(_ORIENTATION) in _TURNED
            return (height, width) if turned else (width, height)
    except _FAULTS as error:
        raise unreadable(name, error) from error


def rendered_size(open_file: Callable[[], Stream], name: str) -> tuple[int, int]:
    """Width and height in pixels, from the file's header."""
    try:
        with open_file() as file, Image.open(file) as image:
            return image.size
    except _FAULTS as error:
        raise unreadable(name, error) from error


def unreadable(name: str, error: BaseException) -> UserError:
    return UserError(
        f"image {name!r} cannot be read ({error}): replace it, or leave it out with --skip-broken"
    )


def _flat(image: Image.Image) -> Image.Image:
    """Eight bits, three channels, nothing transparent."""
    if image.has_transparency_data:
        shown = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), shown).convert("RGB")
    if image.mode.startswith("I") or image.mode == "F":
        # Pillow's own conversion clips at 255 instead of scaling.
        return Image.fromarray(_eight_bits(np.asarray(image))).convert("RGB")
    return image.convert("RGB")


def _eight_bits(values: np.ndarray) -> np.ndarray:
    """Grey levels: 16-bit integers by their upper byte; floats of 0 to 1 scaled; others clipped."""
    if values.dtype.kind == "f":
        scaled = np.nan_to_num(values) * (255 if np.nanmax(values, initial=0) <= 1 else 1)
    else:
        scaled = values // 256 if values.max(initial=0) > 255 or values.itemsize == 2 else values
    return np.clip(scaled, 0, 255).astype(np.uint8)
