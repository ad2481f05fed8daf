"""Control tasks drawn many times over, read beside the task by probes on the same items.

One draw of control labels says as much about that draw as about the residual stream: some labels
are easier to learn by heart than others. Draws differ in their labels only, so all of a fold are
fitted in one go: they share the features, the rotation and every pass over the items.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from torch import Tensor

from data_prep.errors import UserError
from data_prep.splits import N_FOLDS, scene_folds
from probes.linear_probe.batch_fit import read_labellings
from probes.linear_probe.control_task import control_labels
from probes.linear_probe.labels import require_data
from probes.linear_probe.probe import INVERSE_PENALTIES, penalty_sides

N_DRAWS = 10
N_PARTITIONS = 3
# Labels under which an answer is missing on some training side are drawn anew, this often.
_TRIES = 200


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ControlDraws:
    """log2 p over the answers by probes that have not seen the item's scene."""

    control: Float[ndarray, "draw item layer answer"]
    """What probes read that were fitted on each draw's own labels."""
    labels: Int[ndarray, "draw item"]
    """The labels of each draw, which its probes are to read."""
    task: Float[ndarray, "partition item layer answer"]
    """What probes read that were fitted on the answers, for each partition of the scenes."""
    partition: Int[ndarray, " draw"]
    """The partition on which each draw was read; draws go through them in turn."""

    @classmethod
    def joined(cls, parts: Sequence["ControlDraws"]) -> "ControlDraws":
        """What was read at neighbouring layers, of the same labels and partitions, as one.

        ValueError if they are not the same.
        """
        first = parts[0]
        if not all(np.array_equal(part.labels, first.labels) for part in parts):
            raise ValueError("parts to be joined must be of the same draws")
        return replace(
            first,
            control=np.concatenate([part.control for part in parts], axis=2),
            task=np.concatenate([part.task for part in parts], axis=2),
        )


def control_draws(
    residuals: Float[Tensor, "item layer d_model"],
    answer: Int[ndarray, " item"],
    types: Sequence[str],
    *,
    task: Float[ndarray, "item layer answer"],
    scenes: Sequence[str],
    answers: Sequence[str],
    rng: np.random.Generator,
    n_draws: int = N_DRAWS,
    n_partitions: int = N_PARTITIONS,
    inverse_penalties: Sequence[float] = INVERSE_PENALTIES,
) -> ControlDraws:
    """Read `n_draws` control tasks and the task itself, cross-fitted over several partitions.

    `task` is the task as probes with the same penalties read it on the folds of `scene_folds`,
    which are the first partition; the others part the scenes at random into folds of equal size.
    Every draw chooses its own penalty, as the task does. Labels and partitions that would leave
    a training side without one of the answers are drawn anew.

    UserError for data that cannot be fitted, and where no such labels are found.

    >>> from torch import from_numpy
    >>> answer, scenes = np.arange(80) % 2, [str(item) for item in range(80)]
    >>> types = [str(item % 4) for item in range(80)]
    >>> found = control_draws(
    ...     from_numpy(answer).float().view(80, 1, 1), answer, types, scenes=scenes,
    ...     task=np.full((80, 1, 2), -1.0, dtype=np.float32), answers=["no", "yes"],
    ...     rng=np.random.default_rng(0), n_draws=2, n_partitions=1,
    ... )
    >>> found.control.shape, found.labels.shape  # draws and items come first
    ((2, 80, 1, 2), (2, 80))
    """
    require_data(residuals, answer, scenes, answers)
    n_partitions = min(n_partitions, n_draws)
    first = scene_folds(scenes)
    others = [_partition(answer, scenes, answers, rng) for _ in range(n_partitions - 1)]
    partitions = [first, *others]
    partition = np.arange(n_draws) % n_partitions
    labels = np.stack(
        [_labels(types, answer, scenes, answers, partitions[part], rng) for part in partition]
    )
    control = np.empty((n_draws, *task.shape), dtype=np.float32)
    read = [task]
    for number, folds in enumerate(partitions):
        draws = np.flatnonzero(partition == number)
        rows = labels[draws] if number == 0 else np.concatenate([labels[draws], answer[None]])
        found = read_labellings(
            residuals, rows, folds,
            scenes=scenes, answers=answers, inverse_penalties=inverse_penalties,
        )  # fmt: skip
        control[draws] = found[: len(draws)]
        read.extend(found[len(draws) :])
    return ControlDraws(control=control, labels=labels, task=np.stack(read), partition=partition)


def _partition(
    answer: Int[ndarray, " item"],
    scenes: Sequence[str],
    answers: Sequence[str],
    rng: np.random.Generator,
) -> Int[ndarray, " item"]:
    """Scenes parted at random into folds, such that the task can be fitted."""
    names, scene = np.unique(np.asarray(scenes, dtype=str), return_inverse=True)
    for _ in range(_TRIES):
        folds = rng.permutation(len(names))[scene] % N_FOLDS
        if _can_be_fitted(answer, folds, scenes, len(answers)):
            return folds
    raise UserError(
        f"no partition of the scenes into {N_FOLDS} folds leaves every answer on all training "
        f"sides, in {_TRIES} tries: use more scenes"
    )


def _labels(
    types: Sequence[str],
    answer: Int[ndarray, " item"],
    scenes: Sequence[str],
    answers: Sequence[str],
    folds: Int[ndarray, " item"],
    rng: np.random.Generator,
) -> Int[ndarray, " item"]:
    for _ in range(_TRIES):
        labels = control_labels(types, answer, n_answers=len(answers), rng=rng)
        if _can_be_fitted(labels, folds, scenes, len(answers)):
            return labels
    raise UserError(
        "no control labels were found of which every one occurs on all training sides, in "
        f"{_TRIES} draws: use more scenes"
    )


def _can_be_fitted(
    labels: Int[ndarray, " item"], folds: Int[ndarray, " item"], scenes: Sequence[str], n: int
) -> bool:
    """Whether all labels occur where penalties are fitted, on the training side of every fold."""
    fit: Bool[ndarray, " item"] = np.array(penalty_sides(scenes)) == "fit"
    outside = np.array(
        [
            np.bincount(labels[fit & (folds != fold)], minlength=n).min()
            for fold in range(int(folds.max()) + 1)
        ]
    )
    return bool(outside.all())
