"""From which layer on does one thing exceed another, and stay above it to the end?

It is the last crossing, not the first: a curve that rises above zero and falls again has not
overtaken.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from stats.arguments import enough_scenes, finite_array, probability
from stats.forward_backward import LayerSet, forward_backward_set


@dataclass(frozen=True, slots=True, kw_only=True)
class Overtaking:
    """The first layer from which the mean difference is above 0 up to the last layer.

    >>> difference = np.full((10, 3), -1.0)
    >>> overtaking_layer(difference).layer is None  # It stays below 0.
    True
    """

    layer: int | None
    """The layer for the scenes as they are; None if the last layer's mean is not above 0."""
    layers: LayerSet
    """Forward-backward set for the same layer, which assumes no more than valid t tests."""
    level: float
    """Least probability that the set holds the layer."""
    n_scenes: int
    """Number of scenes, the units that were sampled."""


def overtaking_layer(
    difference: Float[ndarray, "scene layer"],
    *,
    level: float = 0.95,
) -> Overtaking:
    """Find where the mean over scenes of `difference` gets above 0 for good, with a confidence set.

    Rows are scenes, which are independent draws. There is no interval beside the set: near a mean
    of 0 the last crossing jumps between layers, later in every redraw than it is, and where the
    curve passes 0 slowly a percentile interval covers it in .12 of samples.

    Raises ValueError for fewer than 2 scenes or values that are not finite. Source: Hsu & Berger
    (1999), JASA 94:468.

    >>> difference = np.random.default_rng(0).normal([-1, 1, -1, 1], 0.1, (20, 4))
    >>> found = overtaking_layer(difference)
    >>> found.layer, found.layers.low, found.layers.high
    (3, 1, 3)
    """
    table = finite_array(difference, name="difference", axes=["scene", "layer"])
    enough_scenes(len(table), name="difference")
    level = probability(level, name="level")
    layer = int(last_rise(table.mean(axis=0, keepdims=True))[0])
    return Overtaking(
        layer=None if layer == table.shape[1] else layer,
        # The set wants a positive margin: above 0 is the same as 1 more, above 1.
        layers=forward_backward_set(table + 1.0, margin=1.0, level=level),
        level=level,
        n_scenes=len(table),
    )


def last_rise(curves: Float[ndarray, "curve layer"]) -> ndarray:
    """The first layer of each curve's unbroken run above 0 that ends at the last layer.

    Where the last layer is not above 0 there is no such run, and the result is the number of
    layers.

    >>> last_rise(np.array([[-1.0, 1.0, -1.0, 1.0], [1.0, 1.0, 1.0, -1.0]])).tolist()
    [3, 4]
    """
    below = curves[:, ::-1] <= 0
    run = np.where(below.any(axis=1), np.argmax(below, axis=1), curves.shape[1])
    return curves.shape[1] - run
