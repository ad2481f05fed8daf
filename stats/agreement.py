"""Do two readouts say the same of the same scenes?"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from stats.arguments import enough_scenes, finite_array
from stats.smooth_functions import Interval, Moments, interval_of_means


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far two readouts agree, scene by scene, at each layer."""

    concordance: Interval
    """Lin's coefficient: 1 where they are equal, below the correlation where one is shifted or
    stretched; 1 by definition where both are the same constant, 0 where either is constant."""
    bias: Interval
    """Mean of first minus second."""
    limits: Float[ndarray, "2 layer"]
    """Bland and Altman's limits: 95% of scenes' differences lie between, if they are normal."""


def readout_agreement(
    first: Float[ndarray, "scene layer"],
    second: Float[ndarray, "scene layer"],
    *,
    rng: np.random.Generator,
    n_resamples: int = 10_000,
    level: float = 0.95,
) -> Agreement:
    """Agreement of two readouts' scores or effects on the same scenes, with scene bootstrap CIs
    (`interval_of_means`: BCa below 200 scenes).

    Rows are scenes, independent, the same in both. Raises ValueError for unequal shapes, values
    that are not finite, fewer than 2 scenes. Source: Lin (1989), Biometrics 45:255; Bland &
    Altman (1986), Lancet 327:307.
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
