"""A picture stored as the blocks that differ: exact to the last bit."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from data_prep.bundled.blocks import SIDE, blocks_jpeg, changed_blocks, paste_blocks
from data_prep.bundled.jpeg import jpeg_round_trip
from data_prep.errors import UserError


def pictures(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two pictures of 48 x 32 pixels that differ in a rectangle and a little everywhere."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(48), np.arange(32))
    base = np.stack([x * 4, y * 6, x + y], axis=2).astype(np.uint8)
    base = base + rng.integers(0, 4, base.shape, dtype=np.uint8)
    changed = base + rng.integers(0, 2, base.shape, dtype=np.uint8)
    left, top = rng.integers(0, (40, 24)).tolist()
    changed[top : top + 9, left : left + 7] = rng.integers(0, 256, 3, dtype=np.uint8)
    return base, changed


@given(st.integers(0, 999))
def test_pasting_gives_the_pixels_of_a_jpeg_of_the_whole(seed):
    base, changed = pictures(seed)
    blocks = changed_blocks(base, changed, threshold=1)
    pasted = paste_blocks(
        jpeg_round_trip(Image.fromarray(base)), blocks, blocks_jpeg(changed, blocks)
    )
    inside = np.kron(blocks, np.ones((SIDE, SIDE), bool))
    whole = np.where(inside[..., None], changed, base)
    assert (pasted == jpeg_round_trip(Image.fromarray(whole))).all()


def test_with_subsampling_it_would_not_be_exact():
    """A control: why the set is coded without."""
    base, changed = pictures(0)

    def coarse(picture: np.ndarray) -> np.ndarray:
        stream = io.BytesIO()
        Image.fromarray(picture).save(stream, format="JPEG", quality=95, subsampling=2)
        return np.asarray(Image.open(stream))

    blocks = changed_blocks(base, changed, threshold=1)
    inside = np.kron(blocks, np.ones((SIDE, SIDE), bool))
    whole = np.where(inside[..., None], changed, base)
    assert (coarse(whole)[~inside] != coarse(base)[~inside]).any()
    exact = jpeg_round_trip(Image.fromarray(whole))
    assert (exact[~inside] == jpeg_round_trip(Image.fromarray(base))[~inside]).all()


def test_a_block_counts_if_one_channel_of_one_pixel_differs_by_more():
    base = np.full((16, 24, 3), 100, np.uint8)
    changed = base.copy()
    changed[7, 8, 2] = 98
    changed[15, 23, 0] = 101
    assert changed_blocks(base, changed, threshold=2).sum() == 0
    assert np.argwhere(changed_blocks(base, changed, threshold=1)).tolist() == [[0, 1]]
    assert np.argwhere(changed_blocks(base, changed, threshold=0)).tolist() == [[0, 1], [1, 2]]


def test_the_base_is_left_as_it_is():
    base, changed = pictures(1)
    before = base.copy()
    blocks = changed_blocks(base, changed, threshold=1)
    paste_blocks(base, blocks, blocks_jpeg(changed, blocks))
    assert (base == before).all()


def test_pictures_of_other_sizes_are_refused():
    odd = np.zeros((16, 20, 3), np.uint8)
    with pytest.raises(UserError, match=r"got 20 x 16: render with a --size that 8 divides"):
        changed_blocks(odd, odd, threshold=1)
