"""Which views of a layout are rendered, those in which enough of every object is visible, and how
their pictures are written."""

import numpy as np
from jaxtyping import Int8
from numpy import ndarray

from data_prep.render_options import Render
from data_prep.rendered_files import save_picture
from data_prep.renderer import Renderer
from data_prep.sampler import FIELD_OF_VIEW_DEG, RADII, Layout, project, sample_layout

MIN_VISIBLE_SHARE = 0.4
"""Smallest visible part of an object, as a share (0 to 1) of the disc that a ball of its size would
cover."""
_MAX_ATTEMPTS = 1000


def visible_layout(
    renderer: Renderer, seed: int, index: int
) -> tuple[Layout, Int8[ndarray, "size size"]]:
    """The first view of layout `index` in which enough of every object is visible, with the index
    of the object at each pixel."""
    for attempt in range(_MAX_ATTEMPTS):
        layout = sample_layout(seed, index, attempt=attempt)
        owner = renderer.owners(layout)
        if all_visible(layout, owner):
            return layout, owner
    raise RuntimeError(f"layout {index} of seed {seed} has no view with every object in sight")


def all_visible(layout: Layout, owner: Int8[ndarray, "size size"]) -> bool:
    """Whether every object shows at least MIN_VISIBLE_SHARE, where `owner` holds the index of the
    object at each pixel."""
    seen = np.bincount(owner.ravel() + 1, minlength=len(layout.objects) + 1)[1:]
    centres = np.array([[o.x, o.y, o.radius] for o in layout.objects])
    depth = project(centres, layout.camera)[:, 2]
    radii = np.array([RADII[o.size] for o in layout.objects])
    half_width = depth * np.tan(np.deg2rad(FIELD_OF_VIEW_DEG) / 2)
    disc = np.pi * (radii / half_width * owner.shape[0] / 2) ** 2
    return bool((seen >= MIN_VISIBLE_SHARE * disc).all())


def render_view(
    config: Render,
    renderer: Renderer,
    layout: Layout,
    owner: Int8[ndarray, "size size"],
    name: str,
    index: int,
) -> None:
    """Write the picture of a view of layout `index`, and with --owners the picture of its owners.
    What is already written is not written again."""
    if not config.picture(name).exists():
        noise = np.random.SeedSequence(config.seed, spawn_key=(99, index)).generate_state(1)
        save_picture(renderer.render(layout, seed=int(noise[0])), config.picture(name))
    if config.owners and not config.picture(name, "owners").exists():
        save_picture((owner + 1).astype(np.uint8), config.picture(name, "owners"))
