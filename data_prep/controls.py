"""Control images: a blank image, and the image of another scene for the same question text."""

from collections.abc import Iterable
from fractions import Fraction

import numpy as np
import pandas as pd
from jaxtyping import Int
from numpy import ndarray
from numpy.random import Generator
from PIL import Image

from data_prep.errors import UserError


def mean_color(images: Iterable[Image.Image]) -> tuple[int, int, int]:
    """Mean red, green and blue over all pixels of all images, as 8-bit code values (0 to 255).

    The mean is of code values, not of linear light, because that is what a model's normalization
    subtracts. Images are read one at a time. Sums are whole numbers, so neither the order nor the
    machine changes the result.
    """
    total, n_pixels = np.zeros(3, dtype=np.int64), 0
    for image in images:
        pixels = np.asarray(image.convert("RGB"))
        total += pixels.sum(axis=(0, 1), dtype=np.int64)
        n_pixels += image.width * image.height
    if not n_pixels:
        raise UserError("the mean color needs at least 1 image, got 0: give a folder with images")
    red, green, blue = (round(Fraction(int(channel), n_pixels)) for channel in total)
    return red, green, blue


def blank_image(size: tuple[int, int], color: tuple[int, int, int]) -> Image.Image:
    """An image of one colour; `size` is its width and height in pixels."""
    return Image.new("RGB", size, color)


def strata(items: pd.DataFrame) -> pd.Series:
    """For each item the group within which images may be swapped: items with the same attribute and
    question text.

    The text determines what is asked and the attribute determines the answers, so within a group
    the answer of one scene can be scored on the image of another.
    """
    return pd.Series(items["attribute"] + ": " + items["question"], name="stratum")


def derangement(items: pd.DataFrame, rng: Generator) -> Int[ndarray, " item"]:
    """For every item the row of an item whose image it receives: one of the same stratum and
    another scene.

    It is a permutation of the scenes of each stratum without a fixed point, drawn with equal
    probability from all of these: random permutations are drawn until one has no fixed point, which
    takes e draws on average (Sattolo's algorithm needs one, but reaches only cycles, a small part
    of them). If a scene has several items in a stratum, all receive the image of the same other
    scene.

    UserError if a stratum has a single scene. The draw does not depend on the order of rows.
    """
    donor = np.empty(len(items), dtype=np.int64)
    scene_ids = items["scene_id"].to_numpy()
    for stratum, rows in sorted(_rows_of(strata(items)).items()):
        scenes, first, own = np.unique(scene_ids[rows], return_index=True, return_inverse=True)
        if len(scenes) < 2:
            raise UserError(
                f"a swap of images needs at least 2 scenes with the same question, got 1 for "
                f"{stratum!r}: leave its item out or ask a question that serves more scenes"
            )
        donor[rows] = rows[first[_without_fixed_point(len(scenes), rng)[own]]]
    return donor


def _rows_of(stratum: pd.Series) -> dict[str, Int[ndarray, " some"]]:
    return {str(name): np.asarray(rows) for name, rows in stratum.groupby(stratum).indices.items()}


def _without_fixed_point(n: int, rng: Generator) -> Int[ndarray, " n"]:
    while True:
        order = rng.permutation(n)
        if not np.any(order == np.arange(n)):
            return order
