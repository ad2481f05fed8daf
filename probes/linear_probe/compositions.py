"""Does a probe read a value in company that it has not met? Generalisation across compositions.

As CLEVR-CoGenT does (Johnson et al. 2017, arXiv:1612.06890): the pairs of two attributes' values
are parted in two groups, such that every value occurs in both, but no pair. A probe for shapes
that is fitted on one group has seen every shape and every color, but not these shapes in these
colors. Within a group the one value foretells the other, and in the other group it misleads: a
probe that leans on color to tell the shape falls there. No loss shows that the shape is read by
itself; a loss does not show that it could not be, only that color helped where both can be read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from data_prep.errors import UserError
from data_prep.splits import scene_folds
from probes.linear_probe.labels import require_every_answer
from probes.linear_probe.probe import fit_probe


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compositions:
    """log2 p over the answers, each item read twice by probes that have not seen its scene."""

    seen: Float[ndarray, "item layer answer"]
    """As read by a probe that was fitted on items of the item's own group of pairs."""
    unseen: Float[ndarray, "item layer answer"]
    """As read by a probe that was fitted on the other group, which is about as large but does not
    have the item's pair of values."""

    @classmethod
    def joined(cls, parts: Sequence["Compositions"]) -> "Compositions":
        """What was read at neighbouring layers, as one."""
        return cls(
            seen=np.concatenate([part.seen for part in parts], axis=1),
            unseen=np.concatenate([part.unseen for part in parts], axis=1),
        )


def pair_group(
    first: Int[ndarray, " item"], second: Int[ndarray, " item"]
) -> Int[ndarray, " item"]:
    """The group, 0 or 1, of each item's pair of values, like the squares of a chess board.

    >>> color, shape = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    >>> pair_group(color, shape).tolist()  # in each group every color and every shape
    [0, 1, 1, 0]
    """
    return (first + second) % 2


def across_compositions(
    residuals: Float[Tensor, "item layer d_model"],
    answer: Int[ndarray, " item"],
    group: Int[ndarray, " item"],
    *,
    scenes: Sequence[str],
    answers: Sequence[str],
) -> Compositions:
    """Fit probes on each group of pairs, cross-fitted by scene, and let each read both groups.

    UserError if a group is empty, or an answer is missing on a training side.

    >>> color, shape = np.arange(160) % 2, np.arange(160) // 2 % 2
    >>> residuals = torch.from_numpy(np.stack([color, shape], axis=1)).float()[:, None]
    >>> group, scenes = pair_group(color, shape), [str(item) for item in range(160)]
    >>> found = across_compositions(residuals, shape, group, scenes=scenes, answers=["0", "1"])
    >>> (found.seen.argmax(-1)[:, 0] == shape).mean().item()  # and at chance for unseen pairs:
    1.0
    >>> 0.3 < (found.unseen.argmax(-1)[:, 0] == shape).mean().item() < 0.7
    True
    """
    folds = scene_folds(scenes)
    read = np.empty((2, len(answer), residuals.shape[1], len(answers)), dtype=np.float32)
    for fold in range(int(folds.max()) + 1):
        held_out = np.flatnonzero(folds == fold)
        for number in (0, 1):
            training = np.flatnonzero((folds != fold) & (group == number))
            where = f"group {number} of the pairs, on the training side of fold {fold}"
            if not len(training):
                raise UserError(f"{where}, has no items: use more scenes")
            require_every_answer(answer[training], answers, where=where)
            probe = fit_probe(
                residuals[torch.from_numpy(training)],
                answer[training],
                scenes=[scenes[row] for row in training.tolist()],
                answers=answers,
            )
            read[number, held_out] = probe.log_probs(
                residuals[torch.from_numpy(held_out)],
                scenes=[scenes[row] for row in held_out.tolist()],
            )
    items = np.arange(len(answer))
    return Compositions(seen=read[group, items], unseen=read[1 - group, items])
