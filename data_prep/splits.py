"""Assigns scenes to the train, validation and test sides, and to folds."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from math import isclose
from types import MappingProxyType

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from data_prep.errors import UserError

N_FOLDS = 5
"""Number of folds in cross-fitting, where each item is read by a model fitted on scenes of the
other folds."""
FRACTIONS: Mapping[str, float] = MappingProxyType({"train": 0.7, "validation": 0.15, "test": 0.15})
"""Share of the scenes on each side, unless a study sets other shares."""


def split_of(
    scene_id: str, *, fractions: Mapping[str, float] = FRACTIONS, salt: str = "onset"
) -> str:
    """The side of a scene (such as "train"), computed from its id alone.

    The id is hashed to a point in [0, 1), which is cut by `fractions` in their order. Adding,
    removing or reordering scenes never moves a scene to another side, so nothing leaks between
    runs. The shares are met on average. Another `salt` gives an independent split.
    """
    total = sum(fractions.values())
    if not isclose(total, 1) or any(share < 0 for share in fractions.values()):
        raise UserError(
            f"the fractions of a split must be at least 0 and add up to 1, got {dict(fractions)}: "
            "correct the shares"
        )
    # 53 bits, because those are what a float holds: 64 of them could be rounded up to 1.
    digest = sha256(f"{salt}\0{scene_id}".encode()).digest()
    point = (int.from_bytes(digest[:8]) >> 11) / 2**53
    sides = [side for side, share in fractions.items() if share > 0]
    edge = 0.0
    for side in sides:
        edge += fractions[side]
        if point < edge:
            return side
    return sides[-1]  # the edges are sums of floats: the last can fall a hair short of 1


def scene_folds(scenes: Sequence[str], n_folds: int = N_FOLDS) -> Int[ndarray, " item"]:
    """The fold (0 to `n_folds` - 1) of each item. It depends on the id of the item's scene
    alone."""
    if n_folds < 2:
        raise UserError(f"cross-fitting needs at least 2 folds, got {n_folds}: 5 is usual")
    fractions = {str(fold): 1 / n_folds for fold in range(n_folds)}
    by_scene = {
        scene: int(split_of(scene, fractions=fractions, salt="folds"))
        for scene in dict.fromkeys(scenes)
    }
    return np.array([by_scene[scene] for scene in scenes], dtype=np.int64)
