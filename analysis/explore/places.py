"""The grid on which a page shows image tokens: where each lies, and which ones overlap."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from data_prep.errors import UserError

if TYPE_CHECKING:
    from probes.vlm import VLM

# Of the image's sides: boxes that touch at a corner do not lie over each other.
_SLACK = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The places of an image's tokens, in the order of the sequence."""

    boxes: Float[ndarray, "token 4"]
    """Left, top, right and bottom of each token as shares of the image's sides, y downwards; NaN
    for a token that shows no part of the image."""
    levels: Int[ndarray, " token"]
    """0 for the finest boxes, 1 for boxes that lie over these (as a whole image's tokens lie over
    those of its tiles), and so on; -1 for a token that shows no part of the image."""


def grid_of(vlm: "VLM", size: tuple[int, int]) -> Grid | str:
    """The grid for an image of this width and height in pixels; or a text that says why there is
    none."""
    try:
        boxes = vlm.image_boxes(size)
    except UserError as error:
        return str(error).partition(": read ")[0]
    shares = boxes.numpy().astype(np.float64) / np.array([*size] * 2)
    return Grid(boxes=shares, levels=levels_of(shares))


def levels_of(boxes: Float[ndarray, "token 4"]) -> Int[ndarray, " token"]:
    """The level of each box: one more than the highest level of the smaller boxes under its middle;
    0 where there are none."""
    levels = np.full(len(boxes), -1)
    shown = np.flatnonzero(~np.isnan(boxes).any(1))
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    done = np.zeros(len(boxes), dtype=bool)
    # A box that is only a little larger than another, by rounding or at an edge, is of its size.
    for token in shown[np.argsort(areas[shown], kind="stable")]:
        middle = (boxes[token, :2] + boxes[token, 2:]) / 2
        below = (
            done
            & (areas < 0.8 * areas[token])
            & (boxes[:, :2] - _SLACK <= middle).all(1)
            & (middle <= boxes[:, 2:] + _SLACK).all(1)
        )
        levels[token] = 1 + max(levels[below], default=-1)
        done[token] = True
    return levels
