"""Reads images of any common format as RGB, as they would look on a white page."""

from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from data_prep.files.image_file import FORMATS, opened_image, unreadable
from data_prep.files.tree import Stream

__all__ = [
    "ENDINGS", "FORMATS", "photograph_rgb", "photograph_size", "rendered_rgb", "rendered_size",
    "unreadable",
]  # fmt: skip

ENDINGS = frozenset((
    ".avif", ".bmp", ".gif", ".ico", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm",
    ".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp",
))  # fmt: skip
"""File name endings, in lower case, of the files in a folder that count as images."""
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes an image upright, by its orientation in EXIF 2.3."""
_TURNED = (5, 6, 7, 8)
_BAND_PIXELS = 2**20


def rendered_rgb(open_file: Callable[[], Stream], name: str) -> Image.Image:
    """A rendered image as RGB. The alpha channel is dropped, because it is 255 everywhere in CLEVR.
    UserError if the image cannot be read."""
    with opened_image(open_file, name) as image:
        return image.convert("RGB")


def photograph_rgb(open_file: Callable[[], Stream], name: str) -> Image.Image:
    """A photograph or drawing as RGB, upright, as it would look on a white page.

    The orientation in EXIF is applied, an animation gives its first frame, 16-bit values are
    reduced to their upper 8 bits, and transparent parts become white. EXIF that cannot be read is
    taken for none: the pixels are whole without it. UserError if the image cannot be read.
    """
    with opened_image(open_file, name) as image:
        # Loading first: Pillow turns a TIFF itself, and then has no orientation for it.
        image.load()
        orientation = _orientation(image)
        flat = _flat(image)
    del image  # one copy less in memory while it is turned
    return flat.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else flat


def photograph_size(open_file: Callable[[], Stream], name: str) -> tuple[int, int]:
    """Width and height in pixels of a photograph when upright, read from the header of its file.
    UserError if that cannot be read."""
    with opened_image(open_file, name) as image:
        width, height = image.size
        # Pillow has turned the size of a TIFF already.
        turned = image.format != "TIFF" and _orientation(image) in _TURNED
        return (height, width) if turned else (width, height)


def rendered_size(open_file: Callable[[], Stream], name: str) -> tuple[int, int]:
    """Width and height in pixels of a rendered image, read from the header of its file. UserError
    if that cannot be read."""
    with opened_image(open_file, name) as image:
        return image.size


def _orientation(image: Image.Image) -> int:
    """The orientation in the image's EXIF; 1, which is upright, if it has none that can be read.

    Only this tag is asked for. Pillow's `exif_transpose` also writes all others anew, which fails
    for a tag of a wrong type.
    """
    try:
        found = image.getexif().get(_ORIENTATION)
        return int(found) if found in _UPRIGHT else 1
    # Damaged EXIF makes its reader raise anything (struct.error, TypeError, ZeroDivisionError ...).
    # The pixels do not depend on it, so it counts as none; whoever decodes them says what is wrong.
    except Exception:
        return 1


def _flat(image: Image.Image) -> Image.Image:
    """The image with three channels of eight bits each, and with white in place of transparency."""
    if image.mode.startswith("I") or image.mode == "F":
        # Pillow's own conversion clips at 255 instead of scaling.
        grey, clear = _scaling(image), image.info.get("transparency")
        return _in_bands(image, lambda band: _of_numbers(np.asarray(band), grey, clear))
    if image.has_transparency_data:
        return _in_bands(image, _on_white)
    return image.convert("RGB")


def _in_bands(image: Image.Image, convert: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """The image converted to RGB in bands of rows, so that what a conversion needs besides is small
    beside the image."""
    result = Image.new("RGB", image.size)
    for top, band in _bands(image):
        result.paste(convert(band), (0, top))
    return result


def _bands(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Bands of rows from the top down, each with its first row."""
    width, height = image.size
    n_rows = max(1, _BAND_PIXELS // max(width, 1))
    for top in range(0, height, n_rows):
        yield top, image.crop((0, top, width, min(top + n_rows, height)))


def _on_white(band: Image.Image) -> Image.Image:
    white = Image.new("RGBA", band.size, "white")
    return Image.alpha_composite(white, band.convert("RGBA")).convert("RGB")


def _scaling(image: Image.Image) -> Callable[[np.ndarray], np.ndarray]:
    """What makes grey levels from 0 to 255 of an image's numbers. 16-bit integers, and others
    beyond 255, keep their upper byte; floats between 0 and 1 are scaled."""
    bands = (np.asarray(band) for _, band in _bands(image))
    if image.mode == "F":
        largest = max((float(np.nanmax(band, initial=0)) for band in bands), default=0)
        factor = 255 if largest <= 1 else 1
        return lambda values: np.nan_to_num(values) * factor
    is_wide = image.mode.startswith("I;16") or any(band.max(initial=0) > 255 for band in bands)
    divisor = 256 if is_wide else 1
    return lambda values: values // divisor


def _of_numbers(
    values: np.ndarray, grey: Callable[[np.ndarray], np.ndarray], clear: object
) -> Image.Image:
    """The grey levels of an image's numbers as RGB, and white for the number that is transparent,
    if one is."""
    levels = np.clip(grey(values), 0, 255).astype(np.uint8)
    if isinstance(clear, int):
        levels[values == clear] = 255
    return Image.fromarray(levels).convert("RGB")
