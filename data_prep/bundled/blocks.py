"""Stores a picture as the blocks in which it differs from another picture.

JPEG without subsampling codes every block of 8 x 8 pixels by itself. So the blocks that differ,
coded one below the other and put over the decoded first picture, give exactly the pixels of a JPEG
of the whole.
"""

import io

import numpy as np
from jaxtyping import Bool, UInt8
from numpy import ndarray
from PIL import Image

from data_prep.bundled.jpeg import jpeg_bytes
from data_prep.errors import UserError
from data_prep.pairs.reach import difference

SIDE = 8
"""Side of a block of JPEG in pixels."""


def changed_blocks(
    base: UInt8[ndarray, "height width 3"],
    changed: UInt8[ndarray, "height width 3"],
    *,
    threshold: int,
) -> Bool[ndarray, "row column"]:
    """For each block whether a colour channel of a pixel differs by more than `threshold` grey
    levels. UserError if the picture is not made of whole blocks."""
    height, width, _ = base.shape
    if height % SIDE or width % SIDE:
        raise UserError(
            f"a picture is stored in blocks of {SIDE} x {SIDE} pixels, got {width} x {height}: "
            f"render with a --size that {SIDE} divides"
        )
    differs = difference(base, changed) > threshold
    return np.any(differs.reshape(height // SIDE, SIDE, width // SIDE, SIDE), axis=(1, 3))


def blocks_jpeg(
    picture: UInt8[ndarray, "height width 3"], chosen: Bool[ndarray, "row column"]
) -> bytes:
    """The chosen blocks of the picture, row by row, in one JPEG that is a block wide."""
    column = _in_blocks(picture)[chosen].reshape(-1, SIDE, 3)
    return jpeg_bytes(Image.fromarray(column))


def paste_blocks(
    base: UInt8[ndarray, "height width 3"], chosen: Bool[ndarray, "row column"], encoded: bytes
) -> UInt8[ndarray, "height width 3"]:
    """A copy of `base` with the chosen blocks replaced by those of `blocks_jpeg`."""
    pasted = base.copy()
    with Image.open(io.BytesIO(encoded)) as column:
        _in_blocks(pasted)[chosen] = np.asarray(column).reshape(-1, SIDE, SIDE, 3)
    return pasted


def _in_blocks(
    picture: UInt8[ndarray, "height width 3"],
) -> UInt8[ndarray, "row column side side 3"]:
    """A view of the picture, not a copy, as an array of its blocks."""
    height, width, _ = picture.shape
    blocks = picture.reshape(height // SIDE, SIDE, width // SIDE, SIDE, 3)
    return blocks.swapaxes(1, 2)
