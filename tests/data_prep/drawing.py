"""Mitsuba for tests that need it, and layouts made by hand."""

from collections.abc import Sequence

import pytest

from data_prep.errors import UserError
from data_prep.renderer import Renderer
from data_prep.sampler import CAMERA, LAMPS, Layout, Placed

SPOTS = ((-1.6, -1.6), (0.0, -1.6), (1.6, -1.6), (-1.6, 1.2), (0.0, 1.2), (1.6, 1.2))
"""Six places at which no large object hides another from the usual camera."""


def renderer_or_skip(*, size: int, samples: int) -> Renderer:
    """A renderer; the test is skipped, with the reason, on a machine that cannot have one."""
    try:
        return Renderer(size=size, samples=samples)
    except UserError as error:
        pytest.skip(str(error))


def layout_of(phrases: Sequence[str]) -> Layout:
    """Objects such as "large red metal sphere" on SPOTS, seen and lit as usual."""
    objects = []
    for phrase, (x, y) in zip(phrases, SPOTS, strict=False):
        size, color, material, shape = phrase.split()
        placed = Placed(
            shape=shape, color=color, material=material, size=size, x=x, y=y, rotation_deg=20.0
        )
        objects.append(placed)
    return Layout(objects=tuple(objects), camera=CAMERA, lamps=LAMPS)
