"""Train, validation and test sides, by scene."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from math import isclose
from types import MappingProxyType

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from data_prep.errors import UserError

N_FOLDS = 5
"""Of cross-fitting: each item is read by what was fitted on the scenes of the others."""
FRACTIONS: Mapping[str, float] = MappingProxyType({"train": 0.7, "validation": 0.15, "test": 0.15})
"""Share of the scenes on each side, unless a study says otherwise."""


def split_of(
    scene_id: str, *, fractions: Mapping[str, float] = FRACTIONS, salt: str = "onset"
) -> str:
    """The side on which a scene falls, a function of its id alone.

    The id is hashed to a point in [0, 1), cut in the order of `fractions`: more scenes, other
    scenes or another order of scenes never move a scene, so nothing leaks between runs. The
    shares are met on average. Another `salt` gives an independent split.
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
    """The fold of each item, a function of its scene's id alone."""
    if n_folds < 2:
        raise UserError(f"cross-fitting needs at least 2 folds, got {n_folds}: 5 is usual")
    fractions = {str(fold): 1 / n_folds for fold in range(n_folds)}
    by_scene = {
        scene: int(split_of(scene, fractions=fractions, salt="folds"))
        for scene in dict.fromkeys(scenes)
    }
    return np.array([by_scene[scene] for scene in scenes], dtype=np.int64)
