"""From which layer on does one thing exceed another, and stay above it to the end?

The last crossing, not the first: a curve that rises above zero and falls again has not overtaken.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from stats.arguments import enough_scenes, finite_array, probability, resamples_for_interval
from stats.forward_backward import LayerSet, forward_backward_set
from stats.resampling import resampled_means
from stats.scenes import canonical_order


@dataclass(frozen=True, slots=True, kw_only=True)
class Overtaking:
    """The first layer from which the mean difference is above 0 up to the last layer."""

    layer: int | None
    """On the scenes as they are; None if the last layer's mean is not above 0."""
    low: int | None
    """Lower end of the percentile interval; None if all but a tail of resamples never overtake."""
    high: int | None
    """Upper end; None if more than a tail of the resamples never overtake."""
    probability: float
    """Share of the resamples that overtake at all."""
    layers: LayerSet
    """Forward-backward set for the same layer, which assumes no more than valid t tests."""
    level: float
    n_scenes: int
    n_resamples: int


def overtaking_layer(
    difference: Float[ndarray, "scene layer"],
    *,
    rng: np.random.Generator,
    n_resamples: int = 10_000,
    level: float = 0.95,
) -> Overtaking:
    """Where the mean over scenes of `difference` gets above 0 for good, with two intervals.

    Rows are scenes, independent draws. The whole procedure is repeated on redrawn scenes; a
    resample whose last layer is not above 0 counts as later than every layer. Near a mean of 0
    the last crossing jumps between layers, and a percentile interval may then miss it: the set
    beside it does not rely on that. The order of scenes is moot.

    Raises ValueError for fewer than 2 scenes or values that are not finite. Source of the set: Hsu
    & Berger (1999), JASA 94:468; of the interval: Davison & Hinkley (1997), section 5.3.
    """
    table = finite_array(difference, name="difference", axes=["scene", "layer"])
    enough_scenes(len(table), name="difference")
    level = probability(level, name="level")
    n_resamples = resamples_for_interval(n_resamples, level)
    scenes = canonical_order(table)
    means = resampled_means(scenes, rng=rng, n_resamples=n_resamples)
    drawn = last_rise(means)
    never = table.shape[1]
    tail = (1 - level) / 2
    low = int(np.quantile(drawn, tail, method="lower"))
    high = int(np.quantile(drawn, 1 - tail, method="higher"))
    observed = int(last_rise(scenes.mean(axis=0, keepdims=True))[0])
    return Overtaking(
        layer=_or_none(observed, never),
        low=_or_none(low, never),
        high=_or_none(high, never),
        probability=float((drawn < never).mean()),
        # The set wants a positive margin: above 0 is the same as 1 more, above 1.
        layers=forward_backward_set(scenes + 1.0, margin=1.0, level=level),
        level=level,
        n_scenes=len(scenes),
        n_resamples=n_resamples,
    )


def last_rise(curves: Float[ndarray, "curve layer"]) -> ndarray:
    """First layer of the unbroken run above 0 that ends at the last; their number if none does."""
    below = curves[:, ::-1] <= 0
    run = np.where(below.any(axis=1), np.argmax(below, axis=1), curves.shape[1])
    return curves.shape[1] - run


def _or_none(layer: int, never: int) -> int | None:
    return None if layer == never else layer
