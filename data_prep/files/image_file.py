"""The one place where an image file from elsewhere is opened: its formats, its limits, and the
error for one that cannot be read.

What an image takes in memory is decided by the numbers in its header and not by the size of its
file: a PNG of 22 kB can ask for gigabytes. The limits are therefore compared with the header before
anything is decoded. They are chosen so that no image, in any format and mode, takes more than 1 GB
while it is decoded and made RGB.
"""

import io
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from data_prep.errors import UserError
from data_prep.files.silence import silent_stderr
from data_prep.files.tree import Stream

FORMATS = (
    "AVIF", "BMP", "GIF", "ICO", "JPEG", "JPEG2000", "PNG", "PPM", "TGA", "TIFF", "WEBP",
)  # fmt: skip
"""Image formats that are read. Others are not tried, because Pillow hands some of them to external
programs."""
MAX_PIXELS = 2**26
"""Largest width times height. At the worst (a progressive JPEG in CMYK, a TIFF of 16 bits in one
strip) a pixel takes 12 bytes while it is decoded."""
MAX_PIXELS_OF_COPIES = 2**25
"""The same for the formats of `_COPIES`, whose decoders hold several copies of the whole image: 14
(AVIF), 17 (WebP) and 25 (JPEG 2000) bytes per pixel."""
MAX_SIDE = 65_535
"""Largest width and largest height in pixels, which is also that of a JPEG."""
MAX_FILE_BYTES = 2**28
"""Largest size in bytes of an image's file; some decoders read all of it into memory."""
_COPIES = ("AVIF", "JPEG2000", "WEBP")
_ICON = b"\0\0\1\0"
_PNG = b"\x89PNG\r\n\x1a\n"
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
# Of these the text says what is wrong with a file; that of others says what broke in the decoder.
_TELLING = (OSError, SyntaxError, ValueError, EOFError, zlib.error, struct.error)


@contextmanager
def opened_image(open_file: Callable[[], Stream], name: str) -> Iterator[Image.Image]:
    """Context manager around the use of an image's file: the image, whose header has been read and
    is within the limits.

    UserError for a file beyond them, and for whatever a decoder raises inside: on damaged bytes
    that can be any exception. Decoders' warnings are about metadata, and are not shown.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with open_file() as file:
                _require_small_file(file)
                with Image.open(file, formats=FORMATS) as image:
                    _require_small(image)
                    with silent_stderr() if image.format == "TIFF" else nullcontext():
                        yield image
        except UserError:
            raise
        except Exception as error:
            raise unreadable(name, error) from error


class UnreadableImageError(UserError):
    """An image of a data set cannot be read."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"image {name!r} cannot be read ({reason}): replace it, or leave it out with "
            "--skip-broken"
        )
        self.reason = reason
        """What is wrong, for whoever has another remedy than that of a data set's image."""


def unreadable(name: str, error: BaseException | str) -> UnreadableImageError:
    """The error for an image, with what an exception, or a text, says about the reason."""
    return UnreadableImageError(name, error if isinstance(error, str) else _reason(error))


def _require_small_file(file: Stream) -> None:
    """Raise ValueError for a file of too many bytes, or an icon whose images are too large: Pillow
    decodes an icon on opening it, whatever the icon's header says of its size."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if size > MAX_FILE_BYTES:
        raise ValueError(f"its file has {size:,} bytes, at most {MAX_FILE_BYTES:,} are read")
    if file.read(4) == _ICON:
        for width, height in _icon_sizes(file):
            _require_size(width, height, MAX_PIXELS)
    file.seek(0)


def _require_small(image: Image.Image) -> None:
    """Raise ValueError for an image of too many pixels, or one that is stored in tiles of too many,
    which are decoded as a whole."""
    _require_size(*image.size, MAX_PIXELS_OF_COPIES if image.format in _COPIES else MAX_PIXELS)
    if isinstance(image, TiffImageFile):
        width, height = (int(image.tag_v2.get(tag, 0)) for tag in (_TILE_WIDTH, _TILE_HEIGHT))
        _require_size(width, height, MAX_PIXELS)


def _require_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels or max(width, height) > MAX_SIDE:
        raise ValueError(
            f"it has {width:,} x {height:,} pixels, at most {max_pixels:,} in all and "
            f"{MAX_SIDE:,} a side are read"
        )


def _icon_sizes(file: Stream) -> Iterator[tuple[int, int]]:
    """Width and height of every image in an icon, from the headers of the images themselves."""
    (n_images,) = struct.unpack("<H", file.read(2))
    entries = [struct.unpack("<12xI", file.read(16)) for _ in range(n_images)]
    for (start,) in entries:
        file.seek(start)
        header = file.read(24)
        if header.startswith(_PNG):
            yield struct.unpack(">16xII", header)
        else:
            # A bitmap; its height counts a mask of the same size too.
            width, height = struct.unpack("<4xii12x", header)
            yield abs(width), abs(height) // 2


def _reason(error: BaseException) -> str:
    """What is wrong, in words for users."""
    if isinstance(error, UnidentifiedImageError):
        return f"it is none of {', '.join(FORMATS)}, or its beginning is damaged"
    if isinstance(error, MemoryError):
        return "it takes more memory than there is"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, (*_TELLING, Image.DecompressionBombError)) and str(error):
        return str(error)
    return "its content is damaged"
