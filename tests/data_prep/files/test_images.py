"""Images of every kind as a viewer shows them."""

import io
import struct
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from PIL import Image

from data_prep.errors import UserError
from data_prep.files import images
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


def test_of_sixteen_bits_one_value_may_be_transparent():
    pixels = np.full((3, 4), 77 * 256, np.uint16)
    pixels[0, 0] = 5
    file = file_of(Image.fromarray(pixels), "PNG", transparency=5)
    read = photograph_rgb(file, "a")
    assert read.getpixel((0, 0)) == (255, 255, 255)
    assert read.getpixel((1, 0)) == (77, 77, 77)


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


def misread_exif(orientation: int, wrong: bytes) -> bytes:
    """EXIF with an orientation and, before it, an entry that is wrong."""
    entries = wrong + struct.pack("<HHII", 0x0112, 3, 1, orientation)
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(4)


@pytest.mark.parametrize(
    "wrong",
    [
        struct.pack("<HHII", 0x0100, 2, 4, 0x41414141),  # a text where a number is meant
        struct.pack("<HHII", 0x010F, 4, 1, 7),  # a number where a text is meant
        struct.pack("<HHII", 0x011A, 5, 1, 8),  # a fraction, of whatever is there
        struct.pack("<HHII", 0x011A, 2, 2**31, 2**31),  # lies beyond the end
        struct.pack("<HHII", 0x8769, 4, 1, 8),  # its own directory as that of another
        struct.pack("<HHII", 0x0110, 99, 1, 1),  # an unknown type
        struct.pack("<HHII", 0x0111, 12, 1, 1),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_image_is_turned_by_its_orientation_whatever_else_its_exif_holds(kind, wrong):
    file = file_of(Image.new("RGB", (32, 16)), kind, exif=misread_exif(6, wrong))
    assert photograph_rgb(file, "a").size == photograph_size(file, "a") == (16, 32)


@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"x" * 30,
                                  misread_exif(0, b""), misread_exif(99, b"")])  # fmt: skip
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_that_cannot_be_read_is_none(kind, exif):
    file = file_of(Image.new("RGB", (32, 16)), kind, exif=exif)
    assert photograph_rgb(file, "a").size == photograph_size(file, "a") == (32, 16)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "F", "I", "I;16", "P"])
def test_bands_of_rows_do_not_show(mode, monkeypatch):
    values = np.random.default_rng(0).integers(0, 256, (23, 7, 4), dtype=np.uint8)
    if mode in ("RGBA", "LA"):
        image = Image.fromarray(values).convert(mode)
    elif mode == "P":
        image = Image.fromarray(values[..., 0]).convert("P")
        image.info["transparency"] = 7
    else:
        kind = {"F": np.float32, "I": np.int32, "I;16": np.uint16}[mode]
        factor = 1 / 255 if mode == "F" else 200
        image = Image.fromarray((values[..., 0].astype(float) * factor).astype(kind))
    file = file_of(image, "PNG" if mode in ("RGBA", "LA", "P") else "TIFF")
    whole = photograph_rgb(file, "a")
    monkeypatch.setattr(images, "_BAND_PIXELS", 20)
    assert photograph_rgb(file, "a").tobytes() == whole.tobytes()
    assert len(set(whole.tobytes())) > 20


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
