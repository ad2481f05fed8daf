"""Curves of models with different numbers of layers, read at the same relative depths, layer /
L."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from stats.arguments import finite_array

# Rounding of depth times L must not move a layer.
_ON_LAYER = 1e-9


def common_depths(n_first: int, n_second: int) -> Float[ndarray, " depth"]:
    """The relative depths of the states of the shallower of two models, 0 to 1.

    `n_first` and `n_second` count states, L + 1. At these depths one model is read at its own
    layers and only the deeper one between its layers, where they lie closer. Raises ValueError for
    fewer than 2 states.

    >>> common_depths(5, 9).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    least = min(n_first, n_second)
    if least < 2:
        raise ValueError(f"need at least 2 layers, got {least}: count the embeddings as layer 0")
    return np.linspace(0, 1, least)


def at_depths(
    effect: Float[ndarray, "scene layer"], depths: Float[ndarray, " depth"]
) -> Float[ndarray, "scene depth"]:
    """Each scene's effect at relative depths, interpolated linearly between layers.

    Depth 0 is the first layer and depth 1 the last. Assumption: between two layers the effect lies
    on the straight line between them. No model computes anything there, so what is compared between
    layers is that line; at a layer the effect is the layer's own.

    Raises ValueError for depths outside 0..1 and for a single layer.

    >>> at_depths(np.array([[0.0, 1.0, 3.0]]), np.array([0.0, 0.75, 1.0])).tolist()
    [[0.0, 2.0, 3.0]]
    """
    table = finite_array(effect, name="effect", axes=["scene", "layer"])
    where = finite_array(depths, name="depths", axes=["depth"])
    if where.min() < 0 or where.max() > 1:
        raise ValueError(
            f"`depths` must lie in 0..1, got {where.min()} to {where.max()}: divide layers by L"
        )
    last = table.shape[1] - 1
    if last < 1:
        raise ValueError("`effect` must have at least 2 layers, got 1: pass all layers 0..L")
    position = where * last
    on_layer = np.abs(position - position.round()) < _ON_LAYER
    position = np.where(on_layer, position.round(), position)
    below = np.minimum(np.floor(position).astype(int), last - 1)
    share = position - below
    return (1 - share) * table[:, below] + share * table[:, below + 1]
