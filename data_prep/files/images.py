"""Reads images of any common format as RGB, and words the error for an image that cannot be
read."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageOps

from data_prep.errors import UserError
from data_prep.files.tree import Stream

FORMATS = (
    "AVIF", "BMP", "GIF", "ICO", "JPEG", "JPEG2000", "PNG", "PPM", "TGA", "TIFF", "WEBP",
)  # fmt: skip
"""Image formats that are accepted for photographs. Other formats are not tried, because Pillow
hands some of them to external programs."""
ENDINGS = frozenset((
    ".avif", ".bmp", ".gif", ".ico", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm",
    ".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp",
))  # fmt: skip
"""File name endings, in lower case, of the files in a folder that count as images."""
_ORIENTATION = 0x0112
_TURNED = (5, 6, 7, 8)
# What Pillow raises for a damaged file; some decoders have only SyntaxError for it.
_FAULTS = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)


def rendered_rgb(open_file: Callable[[], Stream], name: str) -> Image.Image:
    """A rendered image as RGB. The alpha channel is dropped, because it is 255 everywhere in CLEVR.
    UserError if the image cannot be read."""
    try:
        with open_file() as file, Image.open(file) as image:
            return image.convert("RGB")
    except _FAULTS as error:
        raise unreadable(name, error) from error


def photograph_rgb(open_file: Callable[[], Stream], name: str) -> Image.Image:
    """A photograph or drawing as RGB, upright, as it would look on a white page.

    The orientation in EXIF is applied, an animation gives its first frame, 16-bit values are
    reduced to their upper 8 bits, and transparent parts become white. UserError if the image cannot
    be read.
    """
    try:
        with open_file() as file, Image.open(file, formats=FORMATS) as image:
            return _flat(ImageOps.exif_transpose(image))
    except _FAULTS as error:
        raise unreadable(name, error) from error


def photograph_size(open_file: Callable[[], Stream], name: str) -> tuple[int, int]:
    """Width and height in pixels of a photograph when upright, read from the header of its file.
    UserError if that cannot be read."""
    try:
        with open_file() as file, Image.open(file, formats=FORMATS) as image:
            width, height = image.size
            # Pillow has turned the size of a TIFF already.
            turned = image.format != "TIFF" and image.getexif().get(_ORIENTATION) in _TURNED
            return (height, width) if turned else (width, height)
    except _FAULTS as error:
        raise unreadable(name, error) from error


def rendered_size(open_file: Callable[[], Stream], name: str) -> tuple[int, int]:
    """Width and height in pixels of a rendered image, read from the header of its file. UserError
    if that cannot be read."""
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
    """The image with three channels of eight bits each, and with white in place of transparency."""
    if image.has_transparency_data:
        shown = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), shown).convert("RGB")
    if image.mode.startswith("I") or image.mode == "F":
        # Pillow's own conversion clips at 255 instead of scaling.
        return Image.fromarray(_eight_bits(np.asarray(image))).convert("RGB")
    return image.convert("RGB")


def _eight_bits(values: np.ndarray) -> np.ndarray:
    """Grey levels from 0 to 255. 16-bit integers keep their upper byte, floats between 0 and 1 are
    scaled, and other values are clipped."""
    if values.dtype.kind == "f":
        scaled = np.nan_to_num(values) * (255 if np.nanmax(values, initial=0) <= 1 else 1)
    else:
        scaled = values // 256 if values.max(initial=0) > 255 or values.itemsize == 2 else values
    return np.clip(scaled, 0, 255).astype(np.uint8)
