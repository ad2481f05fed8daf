"""The noise of a diffusion model: its schedule, its amount, and that a seed decides it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from data_prep.errors import UserError
from data_prep.noise import diffusion_noised, image_share

CLIP = {"mean": (0.48145466, 0.4578275, 0.40821073), "spread": (0.26862954, 0.26130258, 0.27577711)}


def grey(value=128, size=(120, 90)):
    return Image.new("RGB", size, (value, value, value))


def values(image):
    return np.asarray(image, dtype=float)


def test_the_schedule_is_that_of_a_plain_loop():
    left, wanted = 1.0, []
    for step in range(1000):
        x = -6 + 12 * step / 999
        left *= 1 - (1 / (1 + math.exp(-x)) * (0.5e-2 - 1e-5) + 1e-5)
        wanted.append(left)
    np.testing.assert_allclose([image_share(step) for step in range(1000)], wanted, rtol=1e-12)
    # To these digits: torch's float32 in the authors' code.
    assert [round(image_share(step), 5) for step in (0, 500, 999)] == [0.99998, 0.7448, 0.08125]


@given(st.integers(0, 999), st.integers(0, 2**32 - 1))
def test_a_seed_decides_the_image(step, seed):
    image = Image.effect_noise((9, 7), 80).convert("RGB")
    first, second = (
        diffusion_noised(image, rng=np.random.default_rng(seed), step=step) for _ in range(2)
    )
    assert first.tobytes() == second.tobytes()
    assert (first.size, first.mode) == (image.size, "RGB")
    rng, drawn = np.random.default_rng(seed), np.random.default_rng(seed)
    diffusion_noised(image, rng=rng, step=step)
    drawn.standard_normal((7, 9, 3))
    assert rng.random() == drawn.random()


@pytest.mark.parametrize("step", [100, 300])
def test_the_noise_has_the_spread_of_its_step(step, rng):
    got = values(diffusion_noised(grey(), rng=rng, step=step)) - 127.5
    wanted = 127.5 * math.sqrt(1 - image_share(step))
    assert got.std() == pytest.approx(wanted, rel=0.02)
    assert abs(got.mean()) < 4 * wanted / math.sqrt(got.size) + 1
    # Each colour of each pixel has its own.
    flat = got.reshape(-1, 3)
    assert np.abs(np.corrcoef(flat.T) - np.eye(3)).max() < 0.05


def test_with_the_spread_of_clip_it_is_what_vcd_adds_to_its_values(rng):
    """Where nothing is cut off: taken back to the processor's values, up to 8-bit rounding."""
    image, step = grey(110, (40, 30)), 250
    mean, spread = np.array(CLIP["mean"]), np.array(CLIP["spread"])
    noise = np.random.default_rng(3).standard_normal((30, 40, 3))
    own = (values(image) / 255 - mean) / spread
    vcd = math.sqrt(image_share(step)) * own + math.sqrt(1 - image_share(step)) * noise
    noised = diffusion_noised(image, rng=np.random.default_rng(3), step=step, **CLIP)
    got = (values(noised) / 255 - mean) / spread
    assert np.abs(got - vcd).max() <= 0.5 / 255 / spread.min() + 1e-9
    half = diffusion_noised(image, rng=np.random.default_rng(3), step=step)
    assert values(half).std() / values(noised).std() == pytest.approx(0.5 / spread.mean(), rel=0.05)


def test_values_outside_of_the_range_are_cut_off(rng):
    for value, end, wanted in ((0, 0, 0.39), (255, 255, 0.39), (128, 0, 0.024), (128, 255, 0.024)):
        got = values(diffusion_noised(grey(value), rng=rng))
        assert (got == end).mean() == pytest.approx(wanted, abs=0.01)


def test_step_0_leaves_the_image_and_transparency_is_dropped(rng):
    image = Image.effect_noise((20, 20), 80).convert("RGBA")
    image.putalpha(0)
    left = values(diffusion_noised(image, rng=rng, step=0)) - values(image.convert("RGB"))
    assert np.abs(left).max() <= 4


def test_bad_input(rng):
    for step in (-1, 1000):
        with pytest.raises(UserError, match=f"one of 0..999, got {step}"):
            diffusion_noised(grey(), rng=rng, step=step)
    with pytest.raises(UserError, match="three finite numbers each"):
        diffusion_noised(grey(), rng=rng, mean=(0.5,))
    with pytest.raises(UserError, match="three finite numbers each"):
        diffusion_noised(grey(), rng=rng, mean=(0.5, 0.5, math.nan))
    with pytest.raises(UserError, match="a spread must be above 0"):
        diffusion_noised(grey(), rng=rng, spread=(0.5, 0.0, 0.5))
