"""Do a few scenes carry most of the variance? Then tests and intervals of means promise too much.

Sign flips, t tests and bootstraps alike learn the spread from the sample. Where it lies in rare
scenes, samples that happen to hold none of them look surer than they are: where 2 in 100 scenes lie
at -20 bits, sign flips of 50 scenes reject in .23 of the studies at level .05.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from stats.arguments import enough_scenes, finite_array
from stats.exact_sums import unit_scale

_FEW = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class HeavyTails:
    """How many scenes carry more than half of the variance.

    >>> HeavyTails(n_carrying=1, n_scenes=61).heavy, HeavyTails(n_carrying=8, n_scenes=61).heavy
    (True, False)
    """

    n_carrying: int
    """Least number of scenes that together carry more than half of the variance; about an eighth of
    all scenes where their effects are normal."""
    n_scenes: int
    """Number of all scenes."""

    @property
    def heavy(self) -> bool:
        """Whether the scenes that carry more than half of the variance are fewer than 5% of all."""
        return self.n_carrying < _FEW * self.n_scenes


def heavy_tails(rows: Float[ndarray, "scene layer"]) -> HeavyTails:
    """Count how few scenes carry more than half of the variance of `rows`, over all its layers.

    A scene's part is its squared deviation from the mean as a share of the layer's sum, averaged
    over the layers, so each layer counts alike whatever its unit. Layers without spread are left
    out, and where no layer has any, all scenes carry alike. Pass the layers on which the conclusion
    rests, such as the plateau.

    Raises ValueError for fewer than 2 scenes or values that are not finite.

    >>> rows = np.r_[np.tile([-0.1, 0.1], 30), -20.0][:, None]
    >>> heavy_tails(rows)
    HeavyTails(n_carrying=1, n_scenes=61)
    """
    table = finite_array(rows, name="rows", axes=["scene", "layer"])
    n_scenes = len(table)
    enough_scenes(n_scenes, name="rows")
    spread = np.ptp(table, axis=0) > 0
    if not spread.any():
        return HeavyTails(n_carrying=n_scenes // 2 + 1, n_scenes=n_scenes)
    scaled, _ = unit_scale(table[:, spread])
    squares = np.square(scaled - scaled.mean(axis=0))
    part = (squares / squares.sum(axis=0)).mean(axis=1)
    carried = np.cumsum(np.sort(part)[::-1])
    return HeavyTails(n_carrying=int(np.argmax(carried > 0.5)) + 1, n_scenes=n_scenes)
