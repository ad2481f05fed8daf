"""How many bits it takes to send the labels, given the residuals: minimum description length.

Voita & Titov (2020), arXiv:2003.12298, online code. Labels are sent in blocks; each is coded by a
probe that was fitted on the blocks before it. A probe that needs many examples, or is tuned until
it fits, pays for it: the length counts both what is decoded and how hard it is to learn.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from torch import Tensor

from data_prep.errors import UserError
from probes.linear_probe.labels import require_data
from probes.linear_probe.probe import CHOOSING_TOLERANCE, INVERSE_PENALTIES
from probes.linear_probe.solver import fit_path
from probes.linear_probe.standardised import layer_blocks, moments, standardised

N_ORDERS = 5
_FIRST_SHARE = 1 / 32


@dataclass(frozen=True, slots=True, kw_only=True)
class DescriptionLength:
    """Length of the online code of all labels, sent in several orders of the scenes."""

    item_bits: Float[ndarray, "order item layer"]
    """What each item's label costs, its share of the mixture over penalties included."""
    uniform_bits: float
    """Length of the code that knows nothing: log2(number of answers) per item."""
    ends: tuple[tuple[int, ...], ...]
    """How many items are sent after each block, in each order; the first block is sent by the
    uniform code."""

    @classmethod
    def joined(cls, parts: Sequence["DescriptionLength"]) -> "DescriptionLength":
        """Codes by neighbouring layers, of the same orders, as one. ValueError if they differ."""
        if not all(part.ends == parts[0].ends for part in parts):
            raise ValueError("parts to be joined must be of the same orders")
        return replace(
            parts[0], item_bits=np.concatenate([part.item_bits for part in parts], axis=2)
        )

    @property
    def bits(self) -> Float[ndarray, " layer"]:
        """Length of the code of all labels, mean over the orders."""
        return self.item_bits.sum(axis=1).mean(axis=0)

    @property
    def compression(self) -> Float[ndarray, " layer"]:
        """Uniform length over length: 1 says nothing was read, above is better."""
        return self.uniform_bits / self.bits


def online_code(
    residuals: Float[Tensor, "item layer d_model"],
    answer: Int[ndarray, " item"],
    *,
    scenes: Sequence[str],
    answers: Sequence[str],
    rng: np.random.Generator,
    n_orders: int = N_ORDERS,
    inverse_penalties: Sequence[float] = INVERSE_PENALTIES,
) -> DescriptionLength:
    """Length of the labels of all items, sent scene by scene, in each of some random orders.

    Blocks double, from 1/32 of the scenes on; all items of a scene are sent together, so that a
    probe never codes a scene that it was fitted on. The first block lasts until every answer has
    been seen, which the receiver can tell too. The penalty is not chosen: the code is the mixture
    of those of all penalties, at most log2(number of penalties) bits longer than the best, and,
    unlike a choice, one that can be decoded.

    >>> answer, scenes = np.arange(80) % 2, [str(item) for item in range(80)]
    >>> told = torch.from_numpy(answer).float()
    >>> residuals = torch.stack([torch.zeros(80), told], dim=1)[..., None]  # nothing; the answer
    >>> rng = np.random.default_rng(0)
    >>> found = online_code(residuals, answer, scenes=scenes, answers=["no", "yes"], rng=rng)
    >>> found.uniform_bits, (found.compression > 4).tolist()
    (80.0, [False, True])
    """
    require_data(residuals, answer, scenes, answers)
    grid = torch.tensor(sorted(inverse_penalties), dtype=torch.float32)
    orders = [_blocks(answer, scenes, len(answers), rng) for _ in range(n_orders)]
    return DescriptionLength(
        item_bits=np.stack(
            [_sent(residuals, answer, order, ends, len(answers), grid) for order, ends in orders]
        ),
        uniform_bits=float(len(answer) * np.log2(len(answers))),
        ends=tuple(ends for _, ends in orders),
    )


def _sent(
    residuals: Float[Tensor, "item layer d_model"],
    answer: Int[ndarray, " item"],
    order: Int[ndarray, " item"],
    ends: tuple[int, ...],
    n_answers: int,
    grid: Float[Tensor, " penalty"],
) -> Float[ndarray, "item layer"]:
    """Bits of each item when all are sent in this order."""
    moved = residuals[torch.from_numpy(order)]
    labels = torch.from_numpy(answer[order].astype(np.int64)).to(residuals.device)
    lengths = [
        _path_bits(moved[:, layers], labels, ends, n_answers, grid)
        for layers in layer_blocks(moved)
    ]
    bits = np.empty((len(answer), residuals.shape[1]))
    bits[order[: ends[0]]] = np.log2(n_answers)
    bits[order[ends[0] :]] = _mixture_bits(np.concatenate(lengths)).T
    return bits


def _blocks(
    answer: Int[ndarray, " item"],
    scenes: Sequence[str],
    n_answers: int,
    rng: np.random.Generator,
) -> tuple[Int[ndarray, " item"], tuple[int, ...]]:
    """Items in the order in which they are sent, and how many after each block."""
    names, scene = np.unique(np.asarray(scenes, dtype=str), return_inverse=True)
    place = rng.permutation(len(names))[scene]
    order = np.argsort(place, kind="stable")
    sent = np.cumsum(np.bincount(place))  # items after each scene
    seen: Bool[ndarray, "item answer"] = answer[order][:, None] == np.arange(n_answers)
    complete = np.logical_or.accumulate(seen).all(1)
    if not complete.any():
        raise UserError(
            f"every one of the {n_answers} answers must occur, only {seen.any(0).sum()} do: use "
            "more scenes or leave the others out"
        )
    least = int(np.searchsorted(sent, np.argmax(complete) + 1)) + 1  # scenes until all are seen
    n_scenes = max(least, round(_FIRST_SHARE * len(names)))
    ends = []
    while n_scenes < len(names):
        ends.append(int(sent[n_scenes - 1]))
        n_scenes *= 2
    return order, (*ends, len(answer))


def _path_bits(
    residuals: Float[Tensor, "item layer d_model"],
    labels: Int[Tensor, " item"],
    ends: tuple[int, ...],
    n_answers: int,
    grid: Float[Tensor, " penalty"],
) -> Float[ndarray, "layer penalty sent"]:
    """Bits of the items of all blocks but the first, by the probes of each penalty."""
    n_layers = residuals.shape[1]
    parts = [np.zeros((n_layers, len(grid), 0))]
    for start, end in pairwise(ends):
        mean, deviation = moments(residuals[:start])
        path = fit_path(
            standardised(residuals[:start], mean, deviation),
            labels[:start],
            n_answers=n_answers,
            inverse_penalties=grid.expand(n_layers, len(grid)),
            tolerance=CHOOSING_TOLERANCE,
        )
        features = standardised(residuals[start:end], mean, deviation)
        parts.append(path.losses(features, labels[start:end]).double().cpu().numpy())
    return np.concatenate(parts, axis=-1) / np.log(2)


def _mixture_bits(lengths: Float[ndarray, "layer penalty sent"]) -> Float[ndarray, "layer sent"]:
    """-log2 of the mean over penalties of 2^-(length of all items), parted among the items.

    With w the weights that the penalties have once all is sent, it is the mean of their lengths
    under w plus what w tells beyond equal weights: the first goes to the items that cost it, the
    second to all alike.
    """
    if not lengths.shape[-1]:
        return np.zeros((len(lengths), 0))
    total = lengths.sum(axis=-1)
    shortest = total.min(axis=1)
    mean = np.exp2(shortest[:, None] - total).mean(axis=1)
    weights = np.exp2(shortest[:, None] - total) / (mean * total.shape[1])[:, None]
    shares = np.einsum("lp,lps->ls", weights, lengths)
    left = shortest - np.log2(mean) - shares.sum(axis=-1)
    return shares + left[:, None] / lengths.shape[-1]
