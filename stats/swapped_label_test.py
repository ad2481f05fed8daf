"""Real images against a few swapped ones, where every swap is a forward pass of its own.

For questions that are asked of one scene only: nothing can be relabelled between scenes, but within
one the real image and its swaps change places.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from stats.arguments import enough_resamples, enough_scenes, finite_array
from stats.relabelling import relabelling_p

# A spread below this share of the scores' own size is rounding, not spread.
_NO_SPREAD = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class SwappedLabelTest:
    """P-values of the real images among their swaps."""

    z: Float[ndarray, " layer"]
    """Observed statistic in permutation standard deviations; 0 where there is no spread."""
    p: Float[ndarray, " layer"]
    """One-sided (real above swapped), simultaneous over layers (maximum z); never 0."""
    omnibus_p: float
    """The smallest of `p`."""
    window_p: Float[ndarray, " window"]
    """One-sided, of the mean statistic over each window, each alone; never 0."""
    n_scenes: int
    n_swaps: int
    n_resamples: int


def swapped_label_test(
    real: Float[ndarray, "scene layer"],
    swapped: Float[ndarray, "swap scene layer"],
    *,
    rng: np.random.Generator,
    windows: Sequence[tuple[int, int]] = (),
    n_resamples: int = 10_000,
) -> SwappedLabelTest:
    """Test whether the right answer scores higher under the real image than under K other ones.

    Rows are scenes, `swapped[k, g]` scene g's score under its k-th other image. Null: within a
    scene the real image and its K swaps are exchangeable, so each of the K + 1 is as likely to be
    the real one; no symmetry is assumed, and K = 1 is enough. The statistic of a layer is the sum
    over scenes of real minus the mean of all K + 1, divided by its standard deviation over
    relabellings, so that layers weigh alike and their scale is moot.

    Raises ValueError for fewer than 2 scenes, unequal shapes, values that are not finite, windows
    outside the layers. Source: Pesarin & Salmaso (2010), Permutation Tests for Complex Data
    (permutation within blocks); the p-value: Phipson & Smyth (2010), doi:10.2202/1544-6115.1585.
    """
    own = finite_array(real, name="real", axes=["scene", "layer"])
    others = finite_array(swapped, name="swapped", axes=["swap", "scene", "layer"])
    if others.shape[1:] != own.shape:
        raise ValueError(
            f"`swapped` must be [swap, scene, layer] with the scenes and layers of `real` "
            f"{own.shape}, got shape {others.shape}: pass the same scenes in the same order"
        )
    enough_scenes(len(own), name="real")
    n_resamples = enough_resamples(n_resamples)
    table = np.concatenate([own[:, None], others.transpose(1, 0, 2)], axis=1)
    centred = table - table.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.square(centred).mean(axis=1).sum(axis=0))
    alive = spread > _NO_SPREAD * np.sqrt(np.square(table).sum(axis=(0, 1)))
    scale = np.divide(1, spread, out=np.zeros_like(spread), where=alive)
    n_scenes, n_images, _ = table.shape

    def relabelled(stream: np.random.Generator, number: int) -> Int[ndarray, "chunk scene"]:
        return stream.integers(n_images, size=(number, n_scenes))

    found = relabelling_p(
        centred * scale,
        np.zeros(n_scenes, dtype=np.intp),
        relabelled,
        windows=windows,
        rng=rng,
        n_resamples=n_resamples,
    )
    return SwappedLabelTest(
        z=found.z,
        p=found.p,
        omnibus_p=float(found.p.min()),
        window_p=found.window_p,
        n_scenes=n_scenes,
        n_swaps=n_images - 1,
        n_resamples=n_resamples,
    )
