"""Do two readouts say the same about the same scenes?"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from stats.arguments import enough_scenes, finite_array
from stats.smooth_functions import Interval, Moments, interval_of_means


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far two readouts agree, scene by scene, at each layer.

    >>> first = np.array([[0.0], [1.0], [2.0]])
    >>> found = readout_agreement(first, first + 1, rng=np.random.default_rng(0), n_resamples=99)
    >>> found.limits.ravel().tolist()  # Every scene differs by -1.
    [-1.0, -1.0]
    """

    concordance: Interval
    """Lin's concordance coefficient, from -1 to 1. It is 1 where both readouts are equal, and below
    their correlation where one is shifted or stretched. It is 1 by definition where both are the
    same constant, and 0 where one of them alone is constant."""
    bias: Interval
    """The mean of the first minus the second, in the unit of the scores."""
    limits: Float[ndarray, "2 layer"]
    """Bland and Altman's lower and upper limits of agreement: if the differences between the
    readouts are normal, 95% of the scenes' differences lie between the two."""


def readout_agreement(
    first: Float[ndarray, "scene layer"],
    second: Float[ndarray, "scene layer"],
    *,
    rng: np.random.Generator,
    n_resamples: int = 10_000,
    level: float = 0.95,
) -> Agreement:
    """Measure how far two readouts' scores, or effects, agree on the same scenes.

    The intervals come from a bootstrap of scenes (see `interval_of_means`: below 200 scenes the
    bias-corrected and accelerated one, BCa). Rows are independent scenes, the same ones in the
    same order in both tables.

    Raises ValueError for tables of unequal shapes, for values that are not finite and for fewer
    than 2 scenes. Source: Lin (1989), Biometrics 45:255; Bland & Altman (1986), Lancet 327:307.

    >>> rng = np.random.default_rng(0)
    >>> first = rng.normal(size=(50, 1))
    >>> found = readout_agreement(first, first + 1, rng=rng, n_resamples=999)
    >>> found.bias.estimate.round(2).tolist(), found.concordance.estimate.round(2).tolist()
    ([-1.0], [0.62])
    """
    a = finite_array(first, name="first", axes=["scene", "layer"])
    b = finite_array(second, name="second", axes=["scene", "layer"])
    if a.shape != b.shape:
        raise ValueError(
            f"`second` must have the shape of `first` {a.shape}, got {b.shape}: "
            "pass the same scenes in the same order"
        )
    enough_scenes(len(a), name="first")
    centre = (a.mean(axis=0) + b.mean(axis=0)) / 2
    x, y = a - centre, b - centre
    tiny = 1e-20 * (np.square(a).mean(axis=0) + np.square(b).mean(axis=0))

    def concordance(moments: Moments) -> Float[ndarray, "draw layer"]:
        mean_x, mean_y, square_x, square_y, product = moments
        covariance = product - mean_x * mean_y
        apart = square_x - mean_x**2 + square_y - mean_y**2 + (mean_x - mean_y) ** 2
        alive = apart > tiny
        return np.divide(2 * covariance, apart, out=np.ones_like(apart), where=alive)

    def bias(moments: Moments) -> Float[ndarray, "draw layer"]:
        return moments[0]

    difference = x - y
    reach = 1.96 * difference.std(axis=0, ddof=1)
    return Agreement(
        concordance=interval_of_means(
            concordance,
            np.stack([x, y, x**2, y**2, x * y]),
            rng=rng,
            n_resamples=n_resamples,
            level=level,
        ),
        bias=interval_of_means(
            bias, difference[None], rng=rng, n_resamples=n_resamples, level=level
        ),
        limits=np.stack([difference.mean(axis=0) - reach, difference.mean(axis=0) + reach]),
    )
