"""How far the change of an object reaches in a picture beyond the object itself.

A changed object throws another shadow and reflects other light on the ground and on its
neighbours. What a model reads there it does not read from the object.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Integer, UInt8
from numpy import ndarray

THRESHOLDS = (0, 2, 8)
"""Differences in grey levels (of 255) above which a pixel counts as changed."""


def outlines(
    base: Integer[ndarray, "height width"], changed: Integer[ndarray, "height width"], number: int
) -> Bool[ndarray, "height width"]:
    """The pixels that show object `number` in at least one of two pictures, given the number of the
    object at each pixel of either."""
    return (base == number) | (changed == number)


def changed_outside(
    base: UInt8[ndarray, "height width 3"],
    changed: UInt8[ndarray, "height width 3"],
    inside: Bool[ndarray, "height width"],
) -> dict[int, float]:
    """For each threshold, the share (0 to 1) of the pixels outside of `inside` in which a colour
    channel of the two pictures differs by more. 0 if no pixel is outside."""
    outside = difference(base, changed)[~inside]
    return {
        threshold: float((outside > threshold).mean()) if outside.size else 0.0
        for threshold in THRESHOLDS
    }


def mean_changed_outside(shares: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """The mean over pairs for each threshold."""
    return {
        threshold: float(np.mean([each[threshold] for each in shares])) for threshold in THRESHOLDS
    }


def difference(
    base: UInt8[ndarray, "height width 3"], changed: UInt8[ndarray, "height width 3"]
) -> Integer[ndarray, "height width"]:
    """The largest difference of a colour channel at each pixel, in grey levels."""
    return np.abs(base.astype(int) - changed.astype(int)).max(axis=2)
