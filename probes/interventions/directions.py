"""Moves of residuals along directions that mean something, and controls as long as they."""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from data_prep.errors import UserError

# States nearer than this, as a share of how far states lie from their mean, are one and the same.
_SAME = 1e-3


def class_coordinates(
    weights: Float[Tensor, "class d_model"], class_means: Float[Tensor, "class d_model"]
) -> Float[Tensor, "class coordinate"]:
    """Where the mean of each class lies in a probe's span: its logits, without their intercepts.

    >>> class_coordinates(torch.eye(2), torch.tensor([[1.0, 0.0], [0.0, 3.0]])).tolist()
    [[1.0, 0.0], [0.0, 3.0]]
    """
    return (class_means.double() @ weights.double().T).to(class_means.dtype)


def set_to_class(
    rows: Float[Tensor, "row d_model"],
    weights: Float[Tensor, "class d_model"],
    coordinates: Float[Tensor, "class coordinate"],
    target: int | Int[Tensor, " row"],
) -> Float[Tensor, "row d_model"]:
    """Rows moved as little as possible so that a probe sees the mean of the target class in them.

    x + W^+ (c - W x), with W the probe's weights in the raw residual (`LinearProbe.directions` of
    a layer) and c the target's coordinates; whatever W does not read stays as it is. Calculated in
    float64. UserError for a class that the probe does not have, and for rows of another width.

    >>> weights, coordinates = torch.tensor([[2.0, 0.0]]), torch.tensor([[-4.0]])
    >>> set_to_class(torch.tensor([[1.0, 7.0]]), weights, coordinates, 0).tolist()
    [[-2.0, 7.0]]
    """
    wanted = torch.as_tensor(target, device=rows.device)
    n_classes = len(coordinates)
    if rows.shape[1] != weights.shape[1] or coordinates.shape[1] != len(weights):
        raise UserError(
            f"rows, weights and coordinates must fit, got widths {rows.shape[1]} and "
            f"{weights.shape[1]}, and {coordinates.shape[1]} coordinates for {len(weights)} "
            "directions: take all from one layer of one probe"
        )
    if ((wanted < 0) | (wanted >= n_classes)).any():
        raise UserError(
            f"the target must be a class from 0 to {n_classes - 1}, got {wanted.tolist()}: it is "
            "the place of an answer among the probe's"
        )
    exact, reading = rows.double(), weights.to(rows.device).double()
    missing = coordinates.to(rows.device).double()[wanted] - exact @ reading.T
    return (exact + missing @ torch.linalg.pinv(reading).T).to(rows.dtype)


def random_displacements(
    natural: Float[Tensor, "row d_model"],
    norms: Float[Tensor, " item"],
    rng: np.random.Generator,
    n_draws: int,
) -> Float[Tensor, "draw item d_model"]:
    """Displacements of given lengths in random directions, as a control of a move of equal length.

    Directions are drawn as natural states vary: each is a sum of centred natural states with
    normal weights, so its covariance is theirs, and it lies in their span. A direction drawn
    evenly would nearly always leave that span, and would be easy to tell from what occurs.
    UserError for fewer than 2 different states.

    >>> natural = torch.tensor([[0.0, 1.0], [2.0, 1.0]])  # they vary in the first unit only
    >>> drawn = random_displacements(natural, torch.tensor([3.0]), np.random.default_rng(0), 4)
    >>> drawn.shape, drawn.abs().round(decimals=4)[:, 0].unique(dim=0).tolist()
    (torch.Size([4, 1, 2]), [[3.0, 0.0]])
    """
    centred = natural.double() - natural.double().mean(0)
    if len(natural) < 2 or not centred.any():
        raise UserError(
            f"random directions are drawn from at least 2 different states, got {len(natural)} "
            "that do not vary: give more natural states of this layer"
        )
    weights = torch.from_numpy(rng.standard_normal((n_draws, len(norms), len(natural))))
    directions = weights.to(natural.device) @ centred
    length = torch.linalg.vector_norm(directions, dim=-1, keepdim=True)
    return (directions / length * norms.to(directions)[:, None]).to(natural.dtype)


def distance_from_natural(
    states: Float[Tensor, "item d_model"], natural: Float[Tensor, "row d_model"]
) -> Float[Tensor, " item"]:
    """How far states lie from the nearest natural one, by how far natural ones lie from each other.

    The distance to the nearest natural state, over the median distance of a natural state to its
    nearest neighbour: 1 is as near as natural states are to each other, much more than 1 is a
    state that the model never has. A state that is itself among the natural ones has 0. Natural
    states that differ by rounding only (the same pass run twice) are no neighbours of each other.
    UserError for fewer than 2 natural states that differ.

    >>> natural = torch.tensor([[0.0], [1.0], [2.0], [2.0]])
    >>> distance_from_natural(torch.tensor([[2.5], [5.0]]), natural).tolist()
    [0.5, 3.0]
    """
    spread = natural.double().std(0, correction=0).square().sum().sqrt()
    apart = _distances(natural, natural)
    apart[apart <= _SAME * spread] = torch.inf
    usual = apart.min(1).values.median()
    if not torch.isfinite(usual) or not spread > 0:
        raise UserError(
            f"distances are measured by at least 2 natural states that differ, got {len(natural)} "
            "that do not: give states of more passes"
        )
    return (_distances(states, natural).min(1).values / usual).to(states.dtype)


def _distances(
    first: Float[Tensor, "item d_model"], second: Float[Tensor, "row d_model"]
) -> Float[Tensor, "item row"]:
    # By products, small distances between large states would be lost to rounding.
    exact = "donot_use_mm_for_euclid_dist"
    return torch.cdist(first.double(), second.double(), compute_mode=exact)
