"""Image files from elsewhere: what is too large or damaged ends in one line, whatever the decoder
raises."""

import io
import struct
import sys
import warnings
import zlib
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from data_prep.errors import UserError
from data_prep.files import image_file
from data_prep.files.image_file import FORMATS, opened_image
from data_prep.files.images import photograph_rgb, photograph_size, rendered_rgb, rendered_size
from data_prep.files.tree import Stream

READERS = (photograph_rgb, rendered_rgb, photograph_size, rendered_size)


def png(width: int, height: int) -> bytes:
    """A PNG whose header names a size; its pixels are not there."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b""))


def icon(content: bytes) -> bytes:
    """An icon that holds an image, and says that it has 16 x 16 pixels."""
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 16, 16, 0, 0, 1, 32, len(content), 22) + content


def tiled(tile: int) -> bytes:
    """A TIFF of 16 x 16 pixels in one tile of another size, whose bytes are not there."""
    tags = {256: 16, 257: 16, 258: 8, 259: 8, 262: 1, 277: 1, 322: tile, 323: tile, 324: 8, 325: 9}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


def refused(content: bytes) -> str:
    """The message of every reader; always one line that names the file."""
    messages = set()
    for read in READERS:
        with pytest.raises(UserError, match=r"^image 'a' cannot be read \(.*--skip-broken$") as e:
            read(lambda: io.BytesIO(content), "a")
        messages.add(str(e.value))
    (message,) = messages
    return message


@pytest.mark.parametrize(
    "size", [(13_300, 13_300), (1, 100_000_000), (100_000_000, 1), (65_536, 1), (9_000, 9_460)]
)
def test_what_is_too_large_is_refused_from_its_header(size):
    assert f"it has {size[0]:,} x {size[1]:,} pixels, at most" in refused(png(*size))
    assert f"it has {size[0]:,} x {size[1]:,} pixels, at most" in refused(icon(png(*size)))


def test_what_is_far_too_large_too():
    assert "4611686014132420609 pixels" in refused(png(2**31 - 1, 2**31 - 1))
    assert "it has 60,000 x 60,000 pixels, at most" in refused(tiled(60_000))


def test_the_largest_size_is_within_the_limits():
    for size in ((8192, 8192), (65_535, 1), (1, 65_535)):
        assert photograph_size(lambda size=size: io.BytesIO(png(*size)), "a") == size


def test_formats_whose_decoders_hold_copies_may_be_half_as_large(monkeypatch):
    monkeypatch.setattr(image_file, "MAX_PIXELS", 100)
    monkeypatch.setattr(image_file, "MAX_PIXELS_OF_COPIES", 50)
    for kind in FORMATS:
        stream = io.BytesIO()
        Image.new("RGB", (10, 8)).save(stream, format=kind)
        read = partial(photograph_rgb, partial(io.BytesIO, stream.getvalue()), "a")
        if kind in ("AVIF", "JPEG2000", "WEBP"):
            with pytest.raises(UserError, match="it has 10 x 8 pixels, at most 50 in all"):
                read()
        else:
            assert read().size == (10, 8)


def test_a_file_of_too_many_bytes(monkeypatch):
    monkeypatch.setattr(image_file, "MAX_FILE_BYTES", 50)
    assert "its file has 51 bytes, at most 50 are read" in refused(bytes(51))


def test_no_format_is_tried_that_runs_programs():
    stream = io.BytesIO()
    Image.new("RGB", (4, 3)).save(stream, format="EPS")
    assert "it is none of AVIF, BMP" in refused(stream.getvalue())


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (struct.error("unpack requires 4 bytes"), r"\(unpack requires 4 bytes\)"),
        (zlib.error("Error -3"), r"\(Error -3\)"),
        (TypeError("'NoneType' object is not iterable"), r"\(its content is damaged\)"),
        (AttributeError("x"), r"\(its content is damaged\)"),
        (ZeroDivisionError("division by zero"), r"\(its content is damaged\)"),
        (OverflowError("x"), r"\(its content is damaged\)"),
        (RecursionError("x"), r"\(its content is damaged\)"),
        (OSError(), r"\(its content is damaged\)"),
        (MemoryError(), r"\(it takes more memory than there is\)"),
    ],
)
def test_whatever_a_decoder_raises_is_one_line(monkeypatch, raised, told):
    def broken(self: PngImagePlugin.PngImageFile) -> None:
        raise raised

    stream = io.BytesIO()
    Image.new("RGB", (4, 3)).save(stream, format="PNG")
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load_prepare", broken)
    for read in (photograph_rgb, rendered_rgb):
        with pytest.raises(UserError, match=told):
            read(partial(io.BytesIO, stream.getvalue()), "a")


def test_an_interruption_is_none_of_that():
    def stopped() -> Stream:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        photograph_rgb(stopped, "a")


def test_warnings_of_decoders_are_not_shown():
    stream = io.BytesIO()
    Image.new("RGB", (4, 3)).save(stream, format="PNG")
    with opened_image(lambda: stream, "a"):
        warnings.warn("about metadata", UserWarning, stacklevel=1)
    with pytest.warns(UserWarning, match="after"):
        warnings.warn("after", UserWarning, stacklevel=1)


def test_libtiff_writes_nothing_beside_the_error(capfd):
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (16, 16), dtype=np.uint8)
    Image.fromarray(noise).save(stream, format="TIFF", compression="tiff_adobe_deflate")
    content = stream.getvalue()
    for read in (photograph_rgb, rendered_rgb):
        with pytest.raises(UserError, match="image 'a' cannot be read"):
            read(lambda: io.BytesIO(content[:8] + b"\xff" * 20 + content[28:]), "a")
        assert read(lambda: io.BytesIO(content), "a").size == (16, 16)
    print("heard", file=sys.stderr)
    assert capfd.readouterr().err == "heard\n"


def small_files() -> list[bytes]:
    """A small image of every format, with EXIF where it can have some."""
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    files = []
    for kind in FORMATS:
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, format=kind, exif=exif)
        files.append(stream.getvalue())
    return files


@settings(max_examples=150)
@given(
    file=st.sampled_from(small_files()),
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=4),
    cut=st.integers(0, 3000),
)
def test_a_damaged_file_is_read_or_told(file, changes, cut):
    content = bytearray(file)
    for place, value in changes:
        content[place % len(content)] = value
    open_file: Callable[[], Stream] = partial(io.BytesIO, bytes(content[: cut + 1]))
    for read in READERS:
        try:
            found = read(open_file, "a")
        except UserError as error:
            text = str(error)
        else:
            text = "image 'a'" if found else ""
        assert text.startswith("image 'a'")
