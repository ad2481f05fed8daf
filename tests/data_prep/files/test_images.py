"""Images of every kind as a viewer shows them."""

import io
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from PIL import Image

from data_prep.errors import UserError
from data_prep.files.images import (
    ENDINGS,
    FORMATS,
    photograph_rgb,
    photograph_size,
    rendered_rgb,
)
from data_prep.files.tree import Stream


def file_of(image: Image.Image, kind: str = "PNG", **options: Any) -> Callable[[], Stream]:
    stream = io.BytesIO()
    image.save(stream, format=kind, **options)
    return partial(io.BytesIO, stream.getvalue())


def shown(image: Image.Image, kind: str = "PNG", **options: Any) -> tuple[int, ...]:
    """The top left pixel of what is read."""
    read = photograph_rgb(file_of(image, kind, **options), "a")
    assert read.mode == "RGB"
    pixel = read.getpixel((0, 0))
    assert isinstance(pixel, tuple)
    return pixel


@pytest.mark.parametrize(
    ("mode", "color", "wanted"),
    [
        ("1", 1, (255, 255, 255)),
        ("L", 77, (77, 77, 77)),
        ("RGB", (1, 2, 3), (1, 2, 3)),
        ("LA", (77, 255), (77, 77, 77)),
        ("LA", (77, 0), (255, 255, 255)),
        ("RGBA", (200, 100, 0, 255), (200, 100, 0)),
        ("RGBA", (200, 100, 0, 0), (255, 255, 255)),
        ("RGBA", (0, 0, 0, 51), (204, 204, 204)),
        ("I;16", 256 * 77 + 12, (77, 77, 77)),
    ],
)
def test_every_mode_of_a_png(mode, color, wanted):
    assert shown(Image.new(mode, (4, 3), color)) == wanted


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (np.full((3, 4), 0.5, np.float32), 127),
        (np.full((3, 4), 77, np.float32), 77),
        (np.full((3, 4), np.nan, np.float32), 0),
        (np.full((3, 4), 77 * 256, np.int32), 77),
        (np.full((3, 4), 77, np.int32), 77),
        (np.full((3, 4), -5, np.int32), 0),
        (np.full((3, 4), 77 * 256, np.uint16), 77),
    ],
)
def test_numbers_of_a_tiff(values, wanted):
    assert shown(Image.fromarray(values), "TIFF") == (wanted,) * 3


def test_a_palette_with_and_without_transparency():
    image = Image.new("P", (4, 3), 1)
    image.putpalette([9, 9, 9, 10, 20, 30])
    assert shown(image) == (10, 20, 30)
    assert shown(image, transparency=1) == (255, 255, 255)
    assert shown(Image.new("RGB", (4, 3), (5, 6, 7)), transparency=(5, 6, 7)) == (255, 255, 255)


def test_cmyk():
    red, green, blue = shown(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG")
    assert red > 240
    assert max(green, blue) < 20


def test_of_an_animation_the_first_frame():
    first, second = (Image.new("RGB", (4, 3), color) for color in ("red", "blue"))
    for kind in ("GIF", "WEBP", "PNG"):
        options = {"lossless": True} if kind == "WEBP" else {}
        found = shown(first, kind, save_all=True, append_images=[second], **options)
        assert found == (255, 0, 0), kind


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_orientation_is_applied_to_pixels_and_to_size(kind, orientation):
    image = Image.new("RGB", (32, 16), "black")
    image.paste((255, 255, 255), (0, 0, 16, 8))  # white at the top left
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = file_of(image, kind, exif=exif)
    read = photograph_rgb(file, "a")
    # EXIF 2.3: where row 0 and column 0 of what is stored are seen.
    right, bottom = [(0, 0), (1, 0), (1, 1), (0, 1)][(orientation - 1) % 4]
    assert photograph_size(file, "a") == read.size
    assert read.size == ((16, 32) if orientation > 4 else (32, 16))
    pixels = np.asarray(read.convert("L"), dtype=int)
    half_height, half_width = pixels.shape[0] // 2, pixels.shape[1] // 2
    quarters = {
        (x, y): pixels[
            y * half_height : (y + 1) * half_height, x * half_width : (x + 1) * half_width
        ].mean()
        for x in (0, 1)
        for y in (0, 1)
    }
    assert max(quarters, key=lambda place: quarters[place]) == (right, bottom)


def test_every_format_can_be_read():
    Image.init()
    known = Image.registered_extensions()
    assert {known[ending] for ending in ENDINGS} <= {*FORMATS, "MPO"}
    for kind in FORMATS:
        size = (16, 16)
        assert photograph_size(file_of(Image.new("RGB", size, "red"), kind), "a") == size, kind


def test_others_are_not_tried():
    with pytest.raises(UserError, match="image 'a' cannot be read"):
        photograph_rgb(file_of(Image.new("RGB", (4, 3)), "EPS"), "a")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"])
def test_a_truncated_file_is_named(kind):
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    content = file_of(Image.fromarray(noise), kind)().read()
    for read in (photograph_rgb, rendered_rgb):
        with pytest.raises(UserError, match=r"image 'a' cannot be read .*--skip-broken"):
            read(lambda: io.BytesIO(content[: len(content) // 2]), "a")
    with pytest.raises(UserError, match="image 'a' cannot be read"):
        photograph_size(lambda: io.BytesIO(b""), "a")


def test_an_image_that_would_fill_the_memory(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(UserError, match=r"cannot be read .*decompression bomb"):
        photograph_rgb(file_of(Image.new("L", (40, 40))), "a")
