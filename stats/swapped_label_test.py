"""Real images against a few swapped ones, where every swap is a forward pass of its own.

This is the test for questions that are asked about a single scene: nothing can be relabelled
between scenes, but within a scene the real image and its swaps can change places.
"""

from collections.abc import Callable, Sequence
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
    """The p-values of the real images, from changing places with their swaps.

    >>> real, swapped = np.zeros((3, 1)), np.zeros((2, 3, 1))
    >>> rng = np.random.default_rng(0)
    >>> found = swapped_label_test(real, swapped, rng=rng, n_resamples=99)
    >>> found.z.tolist(), found.p.tolist(), found.n_swaps  # The image makes no difference.
    ([0.0], [1.0], 2)
    """

    z: Float[ndarray, " layer"]
    """The observed statistic in permutation standard deviations; 0 where there is no spread."""
    p: Float[ndarray, " layer"]
    """One-sided p-values (real above swapped), simultaneous over layers by the maximum z; never
    0."""
    omnibus_p: float
    """P-value for "the image matters at no layer": the smallest of `p`."""
    window_p: Float[ndarray, " window"]
    """One-sided p-values of the mean statistic over each window, each alone; never 0."""
    n_scenes: int
    """Number of scenes, within each of which images changed places."""
    n_swaps: int
    """K, the number of other images that each scene was scored under."""
    n_resamples: int
    """Number of relabellings drawn."""


def swapped_label_test(
    real: Float[ndarray, "scene layer"],
    swapped: Float[ndarray, "swap scene layer"],
    *,
    rng: np.random.Generator,
    windows: Sequence[tuple[int, int]] = (),
    n_resamples: int = 10_000,
    progress: Callable[[int], object] | None = None,
) -> SwappedLabelTest:
    """Test whether the right answer scores higher under the real image than under K other ones.

    Rows are scenes, and `swapped[k, g]` is scene g's score under its k-th other image. Null: within
    a scene the real image and its K swaps are exchangeable, so each of the K + 1 is as likely to be
    the real one; no symmetry is assumed, and K = 1 is enough. The statistic of a layer is the sum
    over scenes of real minus the mean of all K + 1, divided by its standard deviation over
    relabellings, so that all layers weigh alike and their scale makes no difference. `windows` are
    pairs of a first and a last layer, both included, such as the plateau. `progress` is told, now
    and then, how many relabellings are done.

    Raises ValueError for fewer than 2 scenes, for unequal shapes, for values that are not finite
    and for windows outside of the layers. Source: Pesarin & Salmaso (2010), Permutation Tests for
    Complex Data (permutation within blocks); the p-value: Phipson & Smyth (2010),
    doi:10.2202/1544-6115.1585.

    >>> rng = np.random.default_rng(0)
    >>> real, swapped = rng.normal([0.0, 1.0], 1.0, (50, 2)), rng.normal(0.0, 1.0, (1, 50, 2))
    >>> found = swapped_label_test(real, swapped, rng=rng, n_resamples=999)
    >>> (found.p <= 0.05).tolist()
    [False, True]
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
        progress=progress,
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
